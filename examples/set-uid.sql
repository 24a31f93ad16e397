-- Which programs run with the rights of their owner or group, whoever starts them?
SELECT f.path, f.mode, u.username AS owner, datetime(f.mtime, 'unixepoch') AS changed
FROM file f LEFT JOIN users u ON u.uid = f.uid
WHERE (f.path LIKE '/usr/bin/%' OR f.path LIKE '/usr/sbin/%')
  AND f.type = 'regular' AND NOT f.symlink AND (f.mode LIKE '2%' OR f.mode LIKE '4%' OR f.mode LIKE '6%')
ORDER BY f.path;
