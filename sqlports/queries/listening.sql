-- title: Who listens on which port, and who may come there?
-- description: service is what the port is registered for. scope is how far away a peer may be: loopback is this
--   machine, all is every network. A UDP socket does not listen: it is here when it has a port and no peer.
--
--   here is 1 for the network namespace that is looked from, and why_no_pid tells why no process is known.
-- param: port integer NULL Only this port.
-- param: protocol tcp|udp|udplite|sctp|vsock NULL Only this protocol.
-- param: process text NULL Only processes with this in their name.
-- tags: ports, listeners
SELECT l.protocol, l.address, l.port, r.service, l.scope, l.pid, l.name AS process,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user,
  nullif(l.owner_reason, 'owned') AS why_no_pid,
  (SELECT max(mine) FROM net_namespaces n WHERE n.net_namespace IS l.net_namespace) AS here
FROM listeners l
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
LEFT JOIN processes p ON p.pid = l.pid
WHERE l.port IS NOT NULL AND l.state IN ('LISTEN', 'UNCONNECTED')
  AND (:port IS NULL OR l.port = :port)
  AND (:protocol IS NULL OR l.protocol = :protocol)
  AND (:process IS NULL OR instr(lower(l.name), lower(:process)))
ORDER BY here DESC, l.port, l.protocol, l.address;
