-- How much of the kernel's own ports is used up, one row for each destination of TCP and one for all of UDP, by namespace.
-- A TCP port serves one connection to every destination, so connect(2) fails to one (EADDRNOTAVAIL) when all are used to it;
-- one at which something listens, or that is bound without a peer, is given to no connection at all. A UDP port is taken for
-- all (EAGAIN). What binds to port 0 before it connects needs one that nobody has to any destination (EADDRINUSE): see in_use;
-- IP_BIND_ADDRESS_NO_PORT is the remedy. Whose namespace does not tell its range is left out, and scan_errors tells so.
--   protocol         'tcp' or 'udp'.
--   local_address    Address of this end; NULL of UDP.
--   remote_address   Address of the other end; NULL of UDP. One of IPv4 is so written when the socket is of IPv6, too.
--   remote_port      Port of the other end; NULL of UDP.
--   used             Ports that are used so.
--   ports            Ports that the kernel has to hand out: those of ip_local_port_range less ip_local_reserved_ports.
--   use              Share of them that is used so or given to no connection: 1 when there is none left.
--   time_wait        How many of those used are in TIME_WAIT, for a minute more.
--   in_use           Ports of the range that sockets of the protocol have at all, whatever they are connected to.
--   net_namespace    Inode of the network namespace.
WITH RECURSIVE
-- Port by port, for whoever has a namespace of his own may reserve every other one, in a range each.
-- They are looked for as one number: of two, SQLite would read all for each that is not among them.
reserved (namespace, port, high) AS (
  SELECT coalesce(net_namespace, 0), low, high FROM port_ranges WHERE name = 'reserved'
  UNION ALL SELECT namespace, port + 1, high FROM reserved WHERE port < high
),
ranges AS MATERIALIZED (
  SELECT net_namespace, low, high, reserved, ports - reserved AS ports, tcp_in_use, udp_in_use
  FROM port_ranges WHERE name = 'ephemeral'
),
handed_out AS NOT MATERIALIZED (
  SELECT s.protocol, s.state, s.local_port, s.remote_port, s.net_namespace, r.ports,
    CASE WHEN s.local_address LIKE '::ffff:%.%' THEN substr(s.local_address, 8) ELSE s.local_address END AS local_address,
    CASE WHEN s.remote_address LIKE '::ffff:%.%' THEN substr(s.remote_address, 8) ELSE s.remote_address END AS remote_address,
    CASE s.protocol WHEN 'tcp' THEN r.tcp_in_use ELSE r.udp_in_use END AS in_use
  -- No search by port: all sockets are listed once, for in_use too.
  FROM sockets s JOIN ranges r ON r.net_namespace IS s.net_namespace AND +s.local_port BETWEEN r.low AND r.high
  WHERE (r.reserved = 0
    OR (coalesce(s.net_namespace, 0) << 16 | s.local_port) NOT IN (SELECT namespace << 16 | port FROM reserved))
),
-- __inet_hash_connect (net/ipv4/inet_hashtables.c) passes over a port that somebody bound, whatever the address.
bound AS MATERIALIZED (
  SELECT DISTINCT net_namespace AS namespace, local_port AS port FROM handed_out WHERE protocol = 'tcp' AND remote_port IS NULL
),
kept_back AS MATERIALIZED (SELECT namespace, count(*) AS ports FROM bound GROUP BY namespace)
SELECT protocol, local_address, remote_address, remote_port, count(DISTINCT local_port) AS used, h.ports,
  round((count(DISTINCT CASE WHEN b.port IS NULL THEN local_port END) + coalesce(k.ports, 0)) * 1.0 / h.ports, 3) AS use,
  count(DISTINCT CASE WHEN state = 'TIME_WAIT' THEN local_port END) AS time_wait, in_use, net_namespace
FROM handed_out h LEFT JOIN bound b ON b.namespace IS net_namespace AND b.port = local_port
  LEFT JOIN kept_back k ON k.namespace IS net_namespace
WHERE protocol = 'tcp' AND remote_port IS NOT NULL
GROUP BY net_namespace, local_address, remote_address, remote_port
UNION ALL
SELECT protocol, NULL, NULL, NULL, count(DISTINCT local_port), ports, round(count(DISTINCT local_port) * 1.0 / ports, 3), 0,
  in_use, net_namespace
FROM handed_out
WHERE protocol = 'udp'
GROUP BY net_namespace
