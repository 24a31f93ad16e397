-- title: Who has a port, in whatever state?
-- description: Those who listen come first, then the connections that have the port at this end: one of these too can
--   keep a server from starting. Of a socket that several processes hold, the oldest is told, and owners is how many.
--   conflicts tells what stands in the way of a new server, and sqlports port all there is to say.
-- param: port integer The port.
-- param: protocol tcp|udp|udplite|sctp|vsock NULL Only this protocol.
-- tags: ports, processes
SELECT s.protocol, s.state, s.local_address AS address, s.remote_address, s.remote_port, s.pid, p.name AS process,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, s.uid)) AS user, s.owners,
  coalesce(p.unit, p.user_unit) AS unit, p.container_id AS container, nullif(s.owner_reason, 'owned') AS why_no_pid,
  p.cmdline AS command
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.local_port = :port AND (:protocol IS NULL OR s.protocol = :protocol)
ORDER BY s.remote_port IS NOT NULL, s.state <> 'LISTEN', s.protocol, s.local_address, s.remote_address, s.remote_port;
