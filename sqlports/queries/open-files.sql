-- title: What has a process open, and who is at the other end?
-- description: Files, directories, sockets, pipes and all else that has a descriptor. of is what it is: a path, or a
--   socket's two ends. peer is the process at the other end, if that is on this machine.
-- param: pid integer The process.
-- param: type text NULL Only of this type: file, socket, pipe, and so on.
-- tags: files, processes, sockets
SELECT h.fd, h.type,
  CASE WHEN s.local_port IS NOT NULL
    THEN concat_ws(' ', s.protocol, concat(s.local_address, ' ', s.local_port),
      CASE WHEN s.remote_port IS NOT NULL THEN concat('to ', s.remote_address, ' ', s.remote_port) END, s.state)
    WHEN s.protocol IS NOT NULL THEN concat_ws(' ', s.protocol, s.path, s.subprotocol, s.state)
    ELSE h.target
  END AS of,
  h.access, h.size, h.offset, h.deleted, coalesce(h.peer_pid, c.peer_pid) AS peer_pid,
  coalesce(q.name, c.peer_name) AS peer, h.tid
FROM handles h
LEFT JOIN sockets s ON s.inode = h.inode
LEFT JOIN processes q ON q.pid = h.peer_pid
LEFT JOIN connections c ON c.inode = s.inode AND s.remote_port IS NOT NULL
WHERE h.pid = :pid AND (:type IS NULL OR h.type = :type)
ORDER BY h.tid, h.fd;
