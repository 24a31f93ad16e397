-- What has one process open? Give it with -p pid=NUMBER.
SELECT h.fd, h.type, h.target, h.access, s.state, s.local_address, s.local_port, s.remote_address, s.remote_port
FROM handles h LEFT JOIN sockets s ON s.inode = h.inode
WHERE h.pid = :pid
ORDER BY h.fd;
