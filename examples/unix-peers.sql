-- Which processes talk over unix sockets, who is at the other end, and by which name did they meet?
SELECT pid, name, peer_pid, peer_name, path, count(*) AS connections
FROM connections
WHERE protocol = 'unix' AND inode < peer_inode
GROUP BY pid, peer_pid, path
ORDER BY connections DESC, path;
