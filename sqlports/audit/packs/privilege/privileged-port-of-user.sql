-- title: Privileged port of an unprivileged user
-- severity: low
-- description: A process that is not root's listens on a port that only root may take (ip_unprivileged_port_start, mostly
--   below 1024). People trust what answers there, because not everybody can. Somebody gave it the right, or the socket
--   itself. It is info for a service of systemd, for which that is the good way: it needs no root.
-- platform: linux
-- tags: privilege, network, attack.T1548
-- requires: root
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) of user {user} holds {protocol} port {port} on {address}
-- fix: Find out what gave it the right: getcap on its file, AmbientCapabilities or a socket in its unit, or who started
--   it.
-- references: https://man7.org/linux/man-pages/man7/capabilities.7.html https://docs.kernel.org/networking/ip-sysctl.html
-- false_positives: Servers that take their port as root and go on as a user, or that have CAP_NET_BIND_SERVICE: they are
--   well made.
SELECT DISTINCT
  iif(p.unit LIKE '%.service' AND p.unit NOT LIKE 'user@%' OR p.container_id IS NOT NULL, 'info', 'low') AS severity,
  l.protocol, l.address, l.port, l.scope, p.name AS process, p.pid, p.path,
  coalesce((SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)), p.euid, l.uid) AS user, p.unit,
  p.container_id AS container,  instr(p.cap_effective, 'CAP_NET_BIND_SERVICE') > 0 AS capable
FROM port_ranges r
  JOIN listeners l ON l.net_namespace IS r.net_namespace AND l.port BETWEEN r.low AND r.high
  LEFT JOIN processes p ON p.pid = l.pid
WHERE r.name = 'privileged' AND l.port > 0 AND coalesce(p.euid, l.uid) <> 0
  AND (l.state = 'LISTEN' OR l.protocol IN ('udp', 'udplite') AND l.autobound IS NOT 1)
ORDER BY l.port, l.protocol, l.address, p.pid;
