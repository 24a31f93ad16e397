-- Which processes run a program that was removed or replaced, and do they listen?
-- 'replaced': there is another file of its name now, as after an upgrade. 'memfd': it never had a name (memfd_create(2)).
SELECT p.pid, p.name, p.path,
  CASE WHEN p.on_disk THEN 'replaced' WHEN p.path LIKE '/memfd:%' THEN 'memfd' ELSE 'gone' END AS program,
  datetime(p.start_time, 'unixepoch') AS started, group_concat(DISTINCT s.local_port) AS listens_on
FROM processes p LEFT JOIN sockets s ON s.pid = p.pid AND s.state = 'LISTEN'
WHERE p.deleted
GROUP BY p.pid
ORDER BY program DESC, p.pid;
