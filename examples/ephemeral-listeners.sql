-- Which services listen on a port that the kernel may hand to an outgoing connection first?
SELECT s.protocol, s.local_port AS port, p.name
FROM sockets s
JOIN port_registry r ON r.port = s.local_port AND r.protocol = s.protocol
LEFT JOIN processes p ON p.pid = s.pid
WHERE (s.state = 'LISTEN' OR s.protocol = 'udp' AND s.state = 'UNCONNECTED') AND r.ephemeral = 1 AND r.reserved = 0
ORDER BY port;
