-- title: Message broker reachable from the network
-- severity: medium
-- description: A message broker or its coordinator (RabbitMQ, Kafka, ZooKeeper, NATS, MQTT, ActiveMQ, Pulsar, the Erlang
--   port mapper) listens without TLS on an address that other machines may reach. Kafka, ZooKeeper, NATS and epmd ask for
--   no login by default: who reaches them reads and writes all messages, and what he may do with ActiveMQ or an Erlang
--   node is to run programs.
-- platform: linux
-- tags: network, exposure, attack.T1190, attack.T1210, cis.3.10, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '1883, 2181, 4222, 4369, 5672, 6222, 6650, 8161, 8222, 9092, 15672, 25672, 61613, 61616' Ports of
--   message brokers.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers port {port} ({service}) on {address} (scope: {scope})
-- fix: Bind it to the loopback or a private network (listeners of RabbitMQ and Kafka, clientPortAddress of ZooKeeper,
--   ERL_EPMD_ADDRESS), use TLS and a login, and let a firewall pass only the machines that need it.
-- references: https://www.rabbitmq.com/docs/networking https://kafka.apache.org/documentation/#security
--   https://docs.nats.io/running-a-nats-service/configuration/securing_nats https://attack.mitre.org/techniques/T1210/
-- false_positives: One that is meant for other machines and has a firewall before it is in order: waive it by its port
--   and address. In a network namespace of its own, as containers have, it is of severity low: there it is reached by the
--   container's neighbours, and by others only where its port is published.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, coalesce(r.common_use, r.service) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'medium'
    ELSE 'low'
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  AND listed(l.port, :ports)
ORDER BY l.port, l.protocol, l.address, l.pid;
