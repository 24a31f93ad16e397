-- title: Database reachable from the network
-- severity: high
-- description: A database server listens on an address that other machines may reach. Databases are found within minutes
--   by whoever scans the Internet; many have no password by default, and one that has is open to guessing and to faults
--   that need no login. It is known by its port, or by its program on whatever port.
-- platform: linux
-- tags: network, exposure, attack.T1190, attack.T1133, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '1433, 1521, 3050, 3306, 5432, 5984, 6432, 7474, 7687, 8086, 9042, 19530, 26257, 27017, 27018, 28015,
--   33060' Ports of databases.
-- param: programs text 'postgres, mysqld, mariadbd, mongod, mongos, sqlservr, tnslsnr, cockroach, clickhouse,
--   clickhouse-server, influxd, scylla, qdrant, pgbouncer' Programs that are databases, whatever their port.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers a database on {address} port {port} (scope: {scope})
-- fix: Bind it to 127.0.0.1 or to the address of a private network (listen_addresses of PostgreSQL, bind-address of
--   MySQL, net.bindIp of MongoDB), and let a firewall pass only the machines that need it.
-- references: https://attack.mitre.org/techniques/T1190/ https://attack.mitre.org/techniques/T1133/
--   https://www.postgresql.org/docs/current/runtime-config-connection.html
--   https://www.mongodb.com/docs/manual/administration/security-checklist/
-- false_positives: One that is meant for other machines and has a firewall before it is in order: waive it by its port
--   and address. In a network namespace of its own, as containers have, it is of severity low: there it is reached by the
--   container's neighbours, and by others only where its port is published.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope,
  (SELECT coalesce(common_use, service) FROM port_registry r WHERE r.port = l.port AND r.protocol = l.protocol) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'high'
    ELSE 'medium'
  END AS severity
FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  -- Where the path may not be read, the program is known by the name that it chose.
  AND (listed(l.port, :ports) OR listed(coalesce(basename(p.path), l.name), :programs))
ORDER BY l.port, l.protocol, l.address, l.pid;
