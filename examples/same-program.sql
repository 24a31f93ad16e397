-- Which running programs are the same, whatever they are called and in whichever container they are?
-- /proc/PID/exe is the file that runs, also one that was replaced or removed since. Under --root it leads nowhere: write
-- ON h.path = p.path AND h.pid_with_namespace = p.pid there, and WHERE NOT p.deleted.
SELECT h.sha256, group_concat(DISTINCT p.path) AS paths, count(*) AS processes,
  count(DISTINCT p.mnt_namespace) AS mount_namespaces
FROM processes p JOIN hash h ON h.path = '/proc/' || p.pid || '/exe'
WHERE h.sha256 IS NOT NULL
GROUP BY h.sha256
ORDER BY processes DESC;
