-- title: Which sockets has a process, and who is at the other end?
-- description: In whatever state: those that listen, those of connections, unix and netlink sockets and the rest.
-- param: pid integer The process.
-- tags: sockets, processes
SELECT h.fd, s.protocol, s.state, s.local_address, s.local_port, s.remote_address, s.remote_port, s.path, h.peer_pid,
  q.name AS peer, s.receive_queue, s.send_queue
FROM handles h JOIN sockets s ON s.inode = h.inode LEFT JOIN processes q ON q.pid = h.peer_pid
WHERE h.pid = :pid AND h.type = 'socket'
ORDER BY h.tid, h.fd;
