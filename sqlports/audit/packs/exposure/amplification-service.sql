-- title: UDP service that may be used to flood others
-- severity: low
-- description: A UDP service answers other machines with more than it was asked. Who writes a victim's address into his
--   question has the answer sent there: an attack by way of this machine, for which its owner gets the complaints.
--   memcached answers fifty thousand times as much and is of severity high; chargen, quote of the day, SNMP and LDAP are
--   medium, others low. NTP answers little since `monlist` is off, and is info.
-- platform: linux
-- tags: network, exposure, ddos, attack.T1498.002, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '17, 19, 53, 69, 111, 123, 137, 161, 389, 427, 520, 1900, 3283, 3702, 5683, 10001, 11211, 32414,
--   37810' UDP ports of services that answer with more than they are asked.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) answers UDP port {port} ({service}) on {address} (scope: {scope})
-- fix: Turn the service off (`-U 0` of memcached), bind it to the loopback or an inner network, or let a firewall pass
--   only who needs it; let a name server answer recursive questions of its own network only.
-- references: https://www.cisa.gov/news-events/alerts/2014/01/17/udp-based-amplification-attacks
--   https://attack.mitre.org/techniques/T1498/002/
-- false_positives: A public name or time server is meant for all, and limits its answers. What is bound to the address of
--   a private network is reached from there only, and is info. Sockets that take multicast alone are not found, nor is
--   multicast DNS, which heeds its own network only.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, coalesce(r.common_use, r.service) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'info'
    WHEN l.port = 123 OR NOT (l.scope = 'all' OR is_global(l.address)) THEN 'info'
    WHEN l.port = 11211 THEN 'high'
    WHEN l.port IN (17, 19, 161, 389) THEN 'medium'
    ELSE 'low'
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
WHERE l.protocol = 'udp' AND l.state = 'UNCONNECTED' AND l.scope <> 'loopback'
  AND listed(l.port, :ports)
  AND NOT ip_in(l.address, '224.0.0.0/4, ff00::/8')
ORDER BY l.port, l.protocol, l.address, l.pid;
