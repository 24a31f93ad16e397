-- title: Who uses a path or anything below it?
-- description: As fuser and lsof +D tell it. how is the descriptor's number, or cwd and root for a process's
--   directories, exe for its program, map for what is mapped. A path is what its process sees: one in a container has
--   its own /tmp. What was removed is there too, if it was below.
-- param: path text The file or directory.
-- tags: files, processes
WITH
  asked (path) AS (SELECT rtrim(:path, '/')),
  used (pid, how, path) AS (
    SELECT pid, fd, target FROM handles WHERE target LIKE '/%'
    UNION ALL SELECT h.pid, h.fd, s.path FROM sockets s JOIN handles h USING (inode) WHERE s.path LIKE '/%'
    UNION ALL SELECT pid, 'cwd', cwd FROM processes
    UNION ALL SELECT pid, 'root', root FROM processes
    UNION ALL SELECT pid, 'exe', path FROM processes
    UNION ALL SELECT pid, 'map', path FROM process_memory_map WHERE path LIKE '/%'
  )
SELECT u.pid, p.name AS process, (SELECT username FROM users a WHERE a.uid = p.euid) AS user,
  group_concat(DISTINCT u.how) AS how, u.path
FROM asked a JOIN used u ON u.path = a.path OR substr(u.path, 1, length(a.path) + 1) = a.path || '/'
LEFT JOIN processes p ON p.pid = u.pid
GROUP BY u.pid, u.path
ORDER BY u.pid, u.path;
