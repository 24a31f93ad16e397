-- title: Search engine reachable from the network
-- severity: high
-- description: Elasticsearch, OpenSearch, Kibana, Solr, Meilisearch, Typesense or Manticore listens on an address that
--   other machines may reach. Many are set up without a login, their data is copied or wiped by whoever finds them, and
--   faults in Solr and Elasticsearch have run code more than once.
-- platform: linux
-- tags: network, exposure, attack.T1190, attack.T1133, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '5601, 7700, 8108, 8983, 9200, 9300, 9306, 9308' Ports of search engines.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers port {port} ({service}) on {address} (scope: {scope})
-- fix: Set network.host (Elasticsearch), server.host (Kibana) or SOLR_JETTY_HOST to 127.0.0.1 or a private address, turn
--   the login on, and let a firewall pass only the machines that need it.
-- references: https://www.elastic.co/docs/deploy-manage/security
--   https://solr.apache.org/guide/solr/latest/deployment-guide/securing-solr.html
--   https://attack.mitre.org/techniques/T1190/
-- false_positives: One that is meant for other machines and has a firewall before it is in order: waive it by its port
--   and address. In a network namespace of its own, as containers have, it is of severity low: there it is reached by the
--   container's neighbours, and by others only where its port is published.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, coalesce(r.common_use, r.service) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'high'
    ELSE 'medium'
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  AND listed(l.port, :ports)
ORDER BY l.port, l.protocol, l.address, l.pid;
