-- Which processes talk through pipes, and with whom?
SELECT p.name AS writer, h.pid, h.fd, q.name AS reader, h.peer_pid, h.peer_fd
FROM handles h JOIN processes p USING (pid) JOIN processes q ON q.pid = h.peer_pid
WHERE h.type IN ('pipe', 'fifo') AND h.access = 'w' AND h.peer_pid <> h.pid
ORDER BY h.pid, h.fd;
