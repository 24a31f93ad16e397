-- Which listening sockets are held by several processes, and by which?
SELECT s.local_address, s.local_port, s.path, s.owners, h.pid, h.fd, p.name
FROM sockets s JOIN handles h USING (inode) JOIN processes p ON p.pid = h.pid
WHERE s.state = 'LISTEN' AND s.owners > 1
ORDER BY s.local_port, h.pid;
