-- title: Few ports left for connections to a destination
-- severity: medium
-- description: Nearly all ports that the kernel hands out are taken for one destination of TCP, whatever the state of the
--   connections; or, of UDP, whose ports serve one socket each, taken at all. The next connect(2) to there fails with
--   EADDRNOTAVAIL, of UDP with EAGAIN. The severity is high when next to none are left.
-- platform: linux
-- tags: health, network, connections, attack.T1499
-- param: share real 0.8 From which share of the ports of ip_local_port_range on it is told.
-- key: protocol, connections
-- message: {used} of {ports} ports are taken for {protocol} {connections}
-- fix: Find who holds them: SELECT name, count(*) FROM connections WHERE remote_address = … GROUP BY 1. Have it share
--   connections, widen net.ipv4.ip_local_port_range, or give the machine, or the destination, another address.
-- references: https://docs.kernel.org/networking/ip-sysctl.html https://man7.org/linux/man-pages/man2/connect.2.html
--   https://attack.mitre.org/techniques/T1499/
-- false_positives: A proxy or load generator that is meant to use them all and retries.
WITH ranges AS MATERIALIZED (
  SELECT net_namespace, low, high, ports - reserved AS ports, udp_in_use FROM port_ranges WHERE name = 'ephemeral'
),
taken AS MATERIALIZED (
  -- A connection to there has a port of its own: to count them is to count ports.
  SELECT 'tcp' AS protocol,
    CASE WHEN s.local_address LIKE '::ffff:%.%' THEN substr(s.local_address, 8) ELSE s.local_address END AS local_address,
    CASE WHEN s.remote_address LIKE '::ffff:%.%' THEN substr(s.remote_address, 8) ELSE s.remote_address END AS address,
    s.remote_port AS port, count(*) AS used, r.ports, sum(s.state = 'TIME_WAIT') AS time_wait, r.net_namespace
  FROM ranges r CROSS JOIN sockets s ON s.net_namespace IS r.net_namespace
  WHERE s.protocol = 'tcp' AND +s.remote_port IS NOT NULL AND +s.local_port BETWEEN r.low AND r.high
  GROUP BY r.net_namespace, 2, 3, 4
  HAVING count(*) >= :share * r.ports
  UNION ALL
  SELECT 'udp', NULL, NULL, NULL, udp_in_use, ports, 0, net_namespace FROM ranges WHERE udp_in_use >= :share * ports
)
SELECT CASE WHEN used >= 0.98 * ports THEN 'high' ELSE 'medium' END AS severity, protocol, local_address, address, port,
  coalesce('from ' || local_address || ' to ' || address || ' port ' || port, 'to anywhere') AS connections, used, ports,
  time_wait, net_namespace
FROM taken
ORDER BY used * 1.0 / ports DESC, protocol, local_address, address, port, net_namespace;
