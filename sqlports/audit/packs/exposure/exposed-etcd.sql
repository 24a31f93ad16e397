-- title: etcd reachable from the network
-- severity: high
-- description: etcd listens on an address that other machines may reach. It has all the secrets of a Kubernetes cluster,
--   and who may write to it owns the cluster; without client certificates everybody may. Whether they are asked for
--   cannot be seen from here.
-- platform: linux
-- tags: network, exposure, kubernetes, attack.T1190, attack.T1552, cis.4.4
-- requires: root
-- param: ports text '2379, 2380, 4001' Ports of etcd.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers etcd on {address} port {port} (scope: {scope})
-- fix: Give --listen-client-urls and --listen-peer-urls the loopback or a private address, set --client-cert-auth and
--   --peer-client-cert-auth, and let a firewall pass only the other members and the API servers.
-- references: https://etcd.io/docs/latest/op-guide/security/ https://attack.mitre.org/techniques/T1552/
--   https://kubernetes.io/docs/tasks/administer-cluster/configure-upgrade-etcd/
-- false_positives: A member of a cluster is reached by the others on a private address, which is of severity low. In a
--   network namespace of its own, as containers have, it is of severity low: there it is reached by the container's
--   neighbours, and by others only where its port is published.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'high'
    ELSE 'low'
  END AS severity
FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  -- Where the path may not be read, the program is known by the name that it chose.
  AND (listed(l.port, :ports) OR coalesce(basename(p.path), l.name) = 'etcd')
ORDER BY l.port, l.protocol, l.address, l.pid;
