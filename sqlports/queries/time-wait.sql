-- title: Which connections have ended and still keep their ports?
-- description: The end that closes first waits a minute in TIME_WAIT and no process has it then. listener is who
--   listens at the port here, if the connections came in; without one they went out, and at this end each takes a
--   port of the kernel's.
-- tags: connections, trouble
WITH waiting AS MATERIALIZED (
  SELECT s.local_address, s.local_port, s.remote_address, s.remote_port, s.timer_expires, l.name, l.pid
  FROM sockets s LEFT JOIN listeners l ON l.port = s.local_port AND l.protocol = 'tcp' AND l.net_namespace IS s.net_namespace
  WHERE s.protocol = 'tcp' AND s.state = 'TIME_WAIT'
  GROUP BY s.net_namespace, s.local_address, s.local_port, s.remote_address, s.remote_port
)
SELECT local_address, CASE WHEN pid IS NOT NULL OR name IS NOT NULL THEN local_port END AS port_here, remote_address,
  CASE WHEN pid IS NULL AND name IS NULL THEN remote_port END AS port_there, name AS listener, count(*) AS connections,
  max(timer_expires) AS last_ends_in
FROM waiting
GROUP BY 1, 2, 3, 4, 5
ORDER BY connections DESC, local_address, port_here, remote_address, port_there;
