-- Who listens on which port, and what is that port registered for?
SELECT s.protocol, s.local_address AS address, s.local_port AS port, r.service, s.pid, p.name AS process, u.username AS user,
  CASE s.owner_reason WHEN 'owned' THEN NULL ELSE s.owner_reason END AS why_no_pid
FROM sockets s
JOIN port_registry r ON r.port = s.local_port AND r.protocol = s.protocol
LEFT JOIN processes p ON p.pid = s.pid
LEFT JOIN users u ON u.uid = coalesce(p.euid, s.uid)
WHERE s.state = 'LISTEN' OR (s.protocol = 'udp' AND s.state = 'UNCONNECTED')
ORDER BY s.local_port, s.protocol, s.local_address;
