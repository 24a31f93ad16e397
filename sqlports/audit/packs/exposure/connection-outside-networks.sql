-- title: Connection to an address outside the allowed networks
-- severity: medium
-- description: A process is connected with an address outside the networks that are given as `networks`. Without a list
--   it is skipped: give one with --param where a machine has no business with the rest of the
--   world. The loopback is always inside.
-- platform: linux
-- tags: network, exposure, policy, attack.T1041, attack.T1071, attack.T1571, cis.13.4
-- requires: root
-- param: networks text '' Networks and addresses that may be talked with: '10.0.0.0/8, 192.0.2.7, 2001:db8::/32'.
-- key: direction, protocol, remote_address, port, process
-- message: {process} (pid {pid}) is connected with {remote_address} {protocol} port {port} ({direction}), outside the
--   allowed networks
-- fix: Find out what the process does there. Let a firewall refuse what is not needed; add the network to the list if it
--   is.
-- references: https://attack.mitre.org/techniques/T1041/ https://attack.mitre.org/techniques/T1071/
-- false_positives: Servers of updates, time and names that were forgotten in the list. Connections between two ends that
--   are both on this machine are not found.
SELECT 'skip' AS status, 'no list was given: --param networks=10.0.0.0/8' AS reason, NULL AS protocol, NULL AS direction,
  NULL AS state, NULL AS remote_address, NULL AS port, NULL AS address, NULL AS process, NULL AS pid, NULL AS path, NULL AS user,
  NULL AS unit, NULL AS container
WHERE trim(:networks, ' ,') = ''
UNION ALL
SELECT DISTINCT NULL, NULL, c.protocol, c.direction, c.state, c.remote_address, iif(c.accepted, c.local_port, c.remote_port) AS port,
  c.local_address AS address, c.name AS process, c.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, c.uid)) AS user, p.unit, p.container_id AS container
FROM connections c
LEFT JOIN processes p ON p.pid = c.pid
WHERE trim(:networks, ' ,') <> '' AND c.protocol IN ('tcp', 'udp', 'udplite', 'sctp')
  AND c.state IN ('ESTABLISHED', 'SYN_SENT', 'CLOSE_WAIT') AND c.direction IS NOT 'local'
  -- A list that is wrong is told even where there is no connection.
  AND ip_in('::1', :networks) IS NOT NULL
  AND NOT ip_in(c.remote_address, :networks) AND NOT is_loopback(c.remote_address)
ORDER BY remote_address, port, protocol, direction, pid, state;
