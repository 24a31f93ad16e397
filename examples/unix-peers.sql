-- Which processes talk over unix sockets, and who is at the other end?
SELECT a.pid, p.name, b.pid AS peer_pid, q.name AS peer, coalesce(a.path, b.path) AS path
FROM sockets a JOIN sockets b ON b.inode = a.peer_inode
LEFT JOIN processes p ON p.pid = a.pid
LEFT JOIN processes q ON q.pid = b.pid
WHERE a.protocol = 'unix' AND a.inode < a.peer_inode;
