-- Which services listen on a port that the kernel may hand to an outgoing connection first?
-- autobound is 0 where the program asked for that very port: it fails to start on the day that the port is taken.
SELECT s.protocol, s.local_port AS port, s.autobound, p.name
FROM sockets s
JOIN port_registry r ON r.port = s.local_port AND r.protocol = s.protocol
LEFT JOIN processes p ON p.pid = s.pid
WHERE (s.state = 'LISTEN' OR s.protocol = 'udp' AND s.state = 'UNCONNECTED') AND r.ephemeral = 1 AND r.reserved = 0
  AND s.net_namespace IS (SELECT net_namespace FROM net_namespaces WHERE mine = 1)
ORDER BY s.autobound, port;
