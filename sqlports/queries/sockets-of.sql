-- title: Which sockets has a process, and who is at the other end?
-- description: In whatever state: those that listen, those of connections, unix and netlink sockets and the rest. peer is the
--   process at the other end, if that is on this machine.
-- param: pid integer The process.
-- tags: sockets, processes
SELECT h.fd, s.protocol, s.state, s.local_address, s.local_port, s.remote_address, s.remote_port, s.path,
  coalesce(h.peer_pid, c.peer_pid) AS peer_pid, coalesce(q.name, c.peer_name) AS peer, s.receive_queue, s.send_queue
FROM handles h JOIN sockets s ON s.inode = h.inode
LEFT JOIN processes q ON q.pid = h.peer_pid
LEFT JOIN connections c ON c.inode = s.inode AND s.remote_port IS NOT NULL
WHERE h.pid = :pid AND h.type = 'socket'
ORDER BY h.tid, h.fd;
