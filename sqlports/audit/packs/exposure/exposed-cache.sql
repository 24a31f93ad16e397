-- title: Cache or in-memory store reachable from the network
-- severity: high
-- description: Redis, Valkey, memcached, Hazelcast, Ignite or Infinispan listens on an address that other machines may
--   reach. Most of them ask for no password by default; whoever reaches Redis may write files, and so run programs, with
--   the rights of its user.
-- platform: linux
-- tags: network, exposure, attack.T1190, attack.T1210, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '5701, 6379, 10800, 11211, 11222, 16379, 26379' Ports of caches.
-- param: programs text 'redis-server, redis-sentinel, redis-check-rdb, valkey-server, valkey-sentinel, valkey-check-rdb,
--   keydb-server, redict-server, dragonfly, kvrocks, memcached' Programs that are caches, whatever their port.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers a cache on {address} port {port} (scope: {scope})
-- fix: Bind it to 127.0.0.1 or a unix socket (bind and protected-mode of Redis, -l of memcached), set a password, and let
--   a firewall pass only the machines that need it.
-- references: https://attack.mitre.org/techniques/T1190/ https://attack.mitre.org/techniques/T1210/
--   https://redis.io/docs/latest/operate/oss_and_stack/management/security/
--   https://github.com/memcached/memcached/wiki/ConfiguringServer
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
