-- title: Ended connections take the ports to a destination
-- severity: medium
-- description: Connections to one destination that are over, and wait a minute in TIME_WAIT, take a large share of the
--   ports that the kernel has for it. When all are taken, connect(2) fails to that destination (EADDRNOTAVAIL). It comes
--   of a client that opens a connection for each request.
-- platform: linux
-- tags: health, network, connections
-- param: share real 0.5 From which share of the ports of ip_local_port_range on it is told.
-- key: local_address, address, port
-- message: {time_wait} of {ports} ports for connections from {local_address} to {address} port {port} are in TIME_WAIT
-- fix: Have the client keep its connections (a pool, HTTP keep-alive). Until then widen net.ipv4.ip_local_port_range, or
--   set net.ipv4.tcp_tw_reuse. Who opens them is not told by those that are over: see the connections to there that are
--   open.
-- references: https://docs.kernel.org/networking/ip-sysctl.html https://www.rfc-editor.org/rfc/rfc9293#section-3.3.2
-- false_positives: A load test; a machine with tcp_tw_reuse = 1, on which the kernel uses such ports again after a
--   second.
SELECT 'tcp' AS protocol,
  CASE WHEN s.local_address LIKE '::ffff:%.%' THEN substr(s.local_address, 8) ELSE s.local_address END AS local_address,
  CASE WHEN s.remote_address LIKE '::ffff:%.%' THEN substr(s.remote_address, 8) ELSE s.remote_address END AS address,
  s.remote_port AS port, count(*) AS time_wait, r.ports - r.reserved AS ports, s.net_namespace
FROM sockets s JOIN port_ranges r ON r.net_namespace IS s.net_namespace
WHERE s.protocol = 'tcp' AND s.state = 'TIME_WAIT' AND r.name = 'ephemeral' AND +s.local_port BETWEEN r.low AND r.high
GROUP BY s.net_namespace, 2, 3, 4
HAVING count(*) >= :share * (r.ports - r.reserved)
ORDER BY time_wait DESC, 2, 3, 4, s.net_namespace;
