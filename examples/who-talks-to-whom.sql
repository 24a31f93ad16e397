-- Which processes are connected, to which addresses, how often?
SELECT p.name, s.remote_address, s.remote_port, count(*) AS connections
FROM sockets s JOIN processes p USING (pid)
WHERE s.protocol = 'tcp' AND s.state = 'ESTABLISHED'
GROUP BY p.name, s.remote_address, s.remote_port
ORDER BY connections DESC;
