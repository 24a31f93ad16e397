-- How much of the kernel's own ports is used up, one row for each destination of TCP and one for all of UDP, by namespace.
-- A TCP port serves one connection to every destination, so connect(2) fails to one (EADDRNOTAVAIL) when all are used to it.
-- A UDP port is taken for all (EAGAIN). What binds to port 0 before it connects needs one that nobody has to any destination
-- (EADDRINUSE): see in_use; IP_BIND_ADDRESS_NO_PORT is the remedy. Whose namespace does not tell its range is left out, and
-- scan_errors tells so.
--   protocol         'tcp' or 'udp'.
--   local_address    Address of this end; NULL of UDP.
--   remote_address   Address of the other end; NULL of UDP. One of IPv4 is so written when the socket is of IPv6, too.
--   remote_port      Port of the other end; NULL of UDP.
--   used             Ports that are used so.
--   ports            Ports that the kernel has to hand out: those of ip_local_port_range less ip_local_reserved_ports.
--   use              Share of them that is used: 1 when there is none left.
--   time_wait        How many of those used are in TIME_WAIT, for a minute more.
--   in_use           Ports of the range that sockets of the protocol have at all, whatever they are connected to.
--   net_namespace    Inode of the network namespace.
WITH handed_out AS NOT MATERIALIZED (
  SELECT s.protocol, s.state, s.local_port, s.remote_port, s.net_namespace, r.ports - r.reserved AS ports,
    CASE WHEN s.local_address LIKE '::ffff:%.%' THEN substr(s.local_address, 8) ELSE s.local_address END AS local_address,
    CASE WHEN s.remote_address LIKE '::ffff:%.%' THEN substr(s.remote_address, 8) ELSE s.remote_address END AS remote_address,
    CASE s.protocol WHEN 'tcp' THEN r.tcp_in_use ELSE r.udp_in_use END AS in_use
  -- No search by port: all sockets are listed once, for in_use too.
  FROM sockets s JOIN port_ranges r ON r.net_namespace IS s.net_namespace AND +s.local_port BETWEEN r.low AND r.high
  WHERE r.name = 'ephemeral' AND (r.reserved = 0 OR NOT EXISTS (
    SELECT 1 FROM port_ranges kept
    WHERE kept.name = 'reserved' AND kept.net_namespace IS s.net_namespace AND s.local_port BETWEEN kept.low AND kept.high
  ))
)
SELECT protocol, local_address, remote_address, remote_port, count(DISTINCT local_port) AS used, ports,
  round(count(DISTINCT local_port) * 1.0 / ports, 3) AS use,
  count(DISTINCT CASE WHEN state = 'TIME_WAIT' THEN local_port END) AS time_wait, in_use, net_namespace
FROM handed_out
WHERE protocol = 'tcp' AND remote_port IS NOT NULL
GROUP BY net_namespace, local_address, remote_address, remote_port
UNION ALL
SELECT protocol, NULL, NULL, NULL, count(DISTINCT local_port), ports, round(count(DISTINCT local_port) * 1.0 / ports, 3), 0,
  in_use, net_namespace
FROM handed_out
WHERE protocol = 'udp'
GROUP BY net_namespace
