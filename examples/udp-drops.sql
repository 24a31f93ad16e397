-- Which UDP sockets lose datagrams because nobody reads them fast enough, and how full are they now?
SELECT s.local_address, s.local_port, s.drops, s.receive_memory, s.receive_buffer,
  round(s.receive_memory * 1.0 / s.receive_buffer, 2) AS full, s.pid, p.name
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol = 'udp' AND (s.drops > 0 OR s.receive_memory > 0)
ORDER BY s.drops DESC;
