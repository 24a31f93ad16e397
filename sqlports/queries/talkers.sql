-- title: Who talks to whom, and how much has passed?
-- description: One row for each process, other address and service; port is the service's, at whichever end that is.
--   sent and received are the bytes of data since the connections began: TCP alone counts them, and those that have
--   ended are gone.
-- param: process text NULL Only processes with this in their name.
-- tags: connections
SELECT c.name AS process, CASE c.accepted WHEN 1 THEN 'server' WHEN 0 THEN 'client' END AS role, c.direction,
  c.remote_address AS address, CASE c.accepted WHEN 1 THEN c.local_port ELSE c.remote_port END AS port, c.peer_name AS peer,
  c.protocol, count(*) AS connections, sum(s.bytes_acked) AS sent, sum(s.bytes_received) AS received
FROM connections c LEFT JOIN sockets s ON s.cookie = c.cookie
WHERE c.protocol <> 'unix' AND c.state = 'ESTABLISHED' AND (:process IS NULL OR instr(lower(c.name), lower(:process)))
GROUP BY 1, 2, 3, 4, 5, 6, 7
ORDER BY coalesce(sent, 0) + coalesce(received, 0) DESC, connections DESC, process, role, address, port;
