-- title: Docker API reachable from the network
-- severity: critical
-- description: The API of Docker or Podman listens on TCP. Whoever may use it is root on this machine: he starts a
--   container that has the disk of the host. Port 2375 is without encryption and asks nobody who he is; on 2376 a client
--   needs a certificate if TLS is set up as documented, which cannot be seen from here, and it is of severity medium.
-- platform: linux
-- tags: network, exposure, containers, attack.T1190, attack.T1133, attack.T1610, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '2375, 4243' Ports of the API without TLS.
-- param: tls_ports text '2376' Ports of the API over TLS.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers the Docker API on {address} port {port} (scope: {scope})
-- fix: Remove `-H tcp://` and `hosts` from the daemon's options; use the unix socket, or `docker -H ssh://HOST`. If TCP
--   is needed, use port 2376 with --tlsverify and a firewall.
-- references: https://docs.docker.com/engine/security/protect-access/ https://attack.mitre.org/techniques/T1190/
--   https://attack.mitre.org/techniques/T1133/ https://attack.mitre.org/techniques/T1610/
-- false_positives: Port 2376 with client certificates that are checked is in order: waive it. A Docker inside a
--   container, as CI runners have, is found in that container's network namespace with severity medium or low: its
--   neighbours reach it.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1)
      THEN iif(listed(l.port, :tls_ports), 'low', 'medium')
    WHEN listed(l.port, :tls_ports)
      THEN iif(l.scope = 'all' OR is_global(l.address), 'medium', 'low')
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'critical'
    ELSE 'high'
  END AS severity
FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  -- Where the path may not be read, the program is known by the name that it chose.
  AND (listed(l.port, :ports) OR listed(l.port, :tls_ports)
    -- Its port may be any; swarm's own are 2377 and 7946, and a metrics page has no API.
    OR coalesce(basename(p.path), l.name) = 'dockerd' AND l.port NOT IN (2377, 7946, 9323)
    OR coalesce(basename(p.path), l.name) = 'podman' AND p.cmdline GLOB '*system service*')
ORDER BY l.port, l.protocol, l.address, l.pid;
