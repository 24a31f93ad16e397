-- title: Open port that is not in the list of allowed ones
-- severity: medium
-- description: A port is open to other machines and is not in the list that is given as `allowed`. Without a list it
--   is skipped: give one with --param, and what a machine offers is what you decided.
-- platform: linux
-- tags: network, exposure, policy, attack.T1571, attack.T1205, cis.4.4, cis.4.8, cis.13.4
-- requires: root
-- param: allowed text '' Ports that may be open: '22,80,443,8000-8010,53/udp'; of TCP, unless /udp, /udplite or /sctp
--   follows.
-- param: namespaces mine|all mine Of this network namespace alone, or of those of containers too.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) has {protocol} port {port} open on {address}, which is not allowed
-- fix: Stop the service or bind it to 127.0.0.1; if it is wanted, add its port to the list.
-- references: https://attack.mitre.org/techniques/T1571/ https://man7.org/linux/man-pages/man8/ss.8.html
-- false_positives: UDP sockets whose port the kernel chose are clients and not found. With namespaces=all, ports inside
--   of containers are found, which others reach only where they are published.
WITH allowed (low, high, protocol) AS (
  SELECT CAST(value AS INTEGER), CAST(substr(value, instr(value, '-') + 1) AS INTEGER),
    iif(instr(value, '/'), substr(value, instr(value, '/') + 1), 'tcp')
  FROM json_each('[' || replace(json_quote(replace(lower(:allowed), ' ', '')), ',', '","') || ']')
)
SELECT 'skip' AS status, 'no list was given: --param allowed=22,443' AS reason, NULL AS protocol, NULL AS address, NULL AS port,
  NULL AS autobound, NULL AS scope, NULL AS process, NULL AS pid, NULL AS path, NULL AS user, NULL AS unit, NULL AS container
WHERE trim(:allowed, ' ,') = ''
UNION ALL
SELECT DISTINCT NULL, NULL, l.protocol, l.address, l.port, l.autobound, l.scope, l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
WHERE trim(:allowed, ' ,') <> '' AND l.protocol IN ('tcp', 'udp', 'udplite', 'sctp') AND l.state IN ('LISTEN', 'UNCONNECTED')
  AND l.scope <> 'loopback' AND (l.state = 'LISTEN' OR l.autobound IS NOT 1)
  AND (:namespaces = 'all' OR l.net_namespace IS (SELECT net_namespace FROM net_namespaces WHERE mine = 1))
  AND NOT EXISTS (SELECT 1 FROM allowed a WHERE a.protocol = l.protocol AND l.port BETWEEN a.low AND a.high)
ORDER BY port, protocol, address, pid;
