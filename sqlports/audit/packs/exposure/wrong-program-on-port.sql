-- title: Well-known port held by another program
-- severity: medium
-- description: A port of which it is known what runs there is held by an executable that is not among those: a name
--   server's port by a shell, SSH's by a program that nobody knows. Intruders take such ports because firewalls pass them
--   and nobody looks twice. Ports below 1024 that others reach are of severity medium; the rest are low.
-- platform: linux
-- tags: network, exposure, attack.T1036, attack.T1205, attack.T1571, cis.4.8
-- requires: root
-- key: protocol, address, port, path
-- message: {process} ({path}, pid {pid}) holds port {port} on {address}, where {expected} is expected
-- fix: Find out what the program is and who started it (`sqlports port PORT`). If it is in order, waive it by port and
--   path.
-- references: https://attack.mitre.org/techniques/T1036/ https://attack.mitre.org/techniques/T1205/
--   https://attack.mitre.org/techniques/T1571/
-- false_positives: Programs that are not known yet for the port, and services that were moved on purpose. What only
--   passes on what comes to another (docker-proxy, a systemd socket, ssh -L) is never found, nor is a port that the
--   kernel chose.
SELECT DISTINCT u.protocol, u.address, u.port, u.scope, coalesce(u.common_use, u.service) AS expected,
  u.name AS process, u.pid, u.path,
  (SELECT username FROM users o WHERE o.uid = u.uid) AS user, u.unit, u.container_id AS container,
  iif(u.port < 1024 AND u.scope <> 'loopback' AND u.net_namespace IS (SELECT net_namespace FROM net_namespaces WHERE mine = 1),
    'medium', 'low') AS severity
FROM port_use u
WHERE u.mismatch = 1
ORDER BY u.port, u.protocol, u.address, u.pid;
