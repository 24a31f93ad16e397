-- title: Kubelet API reachable from the network
-- severity: high
-- description: The API of a Kubernetes kubelet listens on an address that other machines may reach. Port 10255 tells
--   everybody about all pods, without a login; port 10250 runs commands in any container of the node for who is let in,
--   which is everybody where anonymous authentication is on.
-- platform: linux
-- tags: network, exposure, containers, kubernetes, attack.T1190, attack.T1609, attack.T1613, cis.4.4
-- requires: root
-- param: ports text '10250, 10255' Ports of the kubelet.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers the kubelet API on {address} port {port} (scope: {scope})
-- fix: Set readOnlyPort: 0, authentication.anonymous.enabled: false and authorization.mode: Webhook in the kubelet's
--   configuration, and let a firewall pass only the control plane to port 10250.
-- references: https://kubernetes.io/docs/reference/access-authn-authz/kubelet-authn-authz/
--   https://attack.mitre.org/techniques/T1609/ https://attack.mitre.org/techniques/T1613/
-- false_positives: Every node has port 10250 open to its control plane: it is of severity medium on all addresses and low
--   on a private one; waive it where a firewall keeps others off. Webhooks in pods use the same number; in a network
--   namespace of their own they are of severity low.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, coalesce(r.common_use, r.service) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN iif(l.port = 10255, 'high', 'medium')
    ELSE iif(l.port = 10255, 'medium', 'low')
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  AND listed(l.port, :ports)
ORDER BY l.port, l.protocol, l.address, l.pid;
