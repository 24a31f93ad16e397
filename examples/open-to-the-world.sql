-- Which services listen on every address of this machine, and whose are they?
SELECT s.protocol, s.local_port AS port, p.name, p.path, u.username
FROM sockets s
LEFT JOIN processes p ON p.pid = s.pid
LEFT JOIN users u ON u.uid = p.euid
WHERE s.state IN ('LISTEN', 'UNCONNECTED') AND s.local_address IN ('0.0.0.0', '::')
ORDER BY port;
