-- title: Who talks to whom over unix sockets?
-- description: path is the name by which they met. Each pair is one row, for all its connections of that name.
-- param: path text NULL Only sockets with this in their name.
-- param: pid integer NULL Only where this process is at either end.
-- tags: sockets, processes
SELECT pid, name AS process, peer_pid, peer_name AS peer, path, count(*) AS connections
FROM connections
WHERE protocol = 'unix' AND inode < peer_inode
  AND (:path IS NULL OR instr(path, :path)) AND (:pid IS NULL OR :pid IN (pid, peer_pid))
GROUP BY pid, peer_pid, path
ORDER BY connections DESC, path, pid, peer_pid;
