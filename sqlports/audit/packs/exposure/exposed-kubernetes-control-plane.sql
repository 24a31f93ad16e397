-- title: Kubernetes control plane reachable from the network
-- severity: high
-- description: A part of the Kubernetes control plane listens on an address that other machines may reach. The old ports
--   without a login (8080 of the API server, 10251 of the scheduler, 10252 of the controller manager) and `kubectl proxy`
--   give the cluster, or much of it, to everybody; 10257 and 10259 ask for a login and are needed on the loopback only;
--   6443 is the API server's port, which is meant to be reached and only worth knowing.
-- platform: linux
-- tags: network, exposure, containers, kubernetes, attack.T1190, attack.T1133, attack.T1613, cis.4.4
-- requires: root
-- key: protocol, address, port, process, part
-- message: {process} (pid {pid}) offers the {part} on {address} port {port} (scope: {scope})
-- fix: Remove --insecure-port and --insecure-bind-address of the API server and --port of the others; give scheduler and
--   controller manager --bind-address=127.0.0.1; run `kubectl proxy` on the loopback. Let a firewall pass only nodes and
--   administrators to port 6443.
-- references: https://kubernetes.io/docs/reference/networking/ports-and-protocols/
--   https://kubernetes.io/docs/concepts/security/controlling-access/ https://attack.mitre.org/techniques/T1613/
-- false_positives: Port 6443 (severity info) is found on every node of a control plane. Ports of the scheduler and
--   controller manager that a monitoring system reads over TLS, with a login, are in order.
WITH parts (part, port, program, world, near) AS (
  VALUES ('API server without login', 8080, 'kube-apiserver*', 'critical', 'high'),
    ('scheduler without login', 10251, '*', 'high', 'medium'),
    ('controller manager without login', 10252, '*', 'high', 'medium'),
    ('scheduler', 10259, '*', 'low', 'low'),
    ('controller manager', 10257, '*', 'low', 'low'),
    ('API server', 6443, '*', 'info', 'info'),
    ('API server by kubectl proxy', NULL, 'kubectl', 'critical', 'high')
),
l AS (
  -- Where the path may not be read, the program is known by the name that it chose.
  SELECT l.*, p.path AS exe, p.euid, p.cmdline,
    coalesce(basename(p.path), l.name, '') AS program
  FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
  WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
)
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, parts.part, l.name AS process, l.pid, l.exe AS path,
  (SELECT username FROM users u WHERE u.uid = coalesce(l.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN world = 'info' THEN 'info'
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN world
    ELSE near
  END AS severity
FROM l JOIN parts ON l.port = coalesce(parts.port, l.port) AND l.program GLOB parts.program
WHERE l.program <> 'kubectl' OR l.cmdline IS NULL OR l.cmdline GLOB '* proxy*'
ORDER BY l.port, l.protocol, l.address, l.pid, parts.part;
