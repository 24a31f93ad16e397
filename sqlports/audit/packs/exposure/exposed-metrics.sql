-- title: Metrics or diagnostics reachable from the network
-- severity: low
-- description: A page of metrics or diagnostics (Prometheus and its exporters, pprof of Go, Netdata, the administration
--   of Envoy) listens on an address that other machines may reach. It tells versions, hosts, paths and load to everybody;
--   pprof tells memory, and Envoy's administration stops the proxy.
-- platform: linux
-- tags: network, exposure, attack.T1046, attack.T1592, cis.4.8
-- requires: root
-- param: ports text '4194, 6060, 8428, 9090, 9091, 9093, 9100, 9104, 9113, 9115, 9117, 9121, 9150, 9187, 9216, 9323,
--   9901, 10249, 15692, 19999' Ports of metrics.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers port {port} ({service}) on {address} (scope: {scope})
-- fix: Bind it to 127.0.0.1 or to the network of the monitoring (--web.listen-address), or put a login before it.
-- references: https://prometheus.io/docs/operating/security/ https://pkg.go.dev/net/http/pprof
--   https://attack.mitre.org/techniques/T1592/
-- false_positives: An exporter that the monitoring of a private network reads is in order: waive it by its port. Cockpit,
--   which asks for a login, has the port of Prometheus.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, coalesce(r.common_use, r.service) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'info'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'low'
    ELSE 'info'
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  AND listed(l.port, :ports)
ORDER BY l.port, l.protocol, l.address, l.pid;
