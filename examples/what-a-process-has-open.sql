-- What has one process open, and who is at the other end? Give it with -p pid=NUMBER.
SELECT h.fd, h.type, h.target, h.access, h.offset, h.size, h.deleted, h.locks, h.peer_pid, q.name AS peer_name,
  s.protocol, s.state, s.path AS socket_path, s.local_address, s.local_port, s.remote_address, s.remote_port
FROM handles h
LEFT JOIN sockets s ON s.inode = h.inode
LEFT JOIN processes q ON q.pid = h.peer_pid
WHERE h.pid = :pid
ORDER BY h.tid, h.fd;
