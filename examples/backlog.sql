-- Which listeners have connections waiting to be accepted, out of how many?
SELECT s.local_address, s.local_port, s.receive_queue AS waiting, s.send_queue AS backlog_limit, p.name
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.state = 'LISTEN' AND s.protocol = 'tcp'
ORDER BY waiting DESC, s.local_port;
