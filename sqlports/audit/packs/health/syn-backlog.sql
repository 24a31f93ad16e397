-- title: Listener with very many half-open connections
-- severity: medium
-- description: Very many connections at one listener are in SYN_RECV: the kernel has answered and hears no more. That is
--   a SYN flood from forged addresses, or answers do not reach the clients (routing, a firewall in one direction). When
--   the queue is full the kernel drops, or goes on with SYN cookies only.
-- platform: linux
-- tags: health, network, listeners, attack.T1499.001
-- requires: root
-- param: least integer 100 How many half-open connections at least.
-- key: protocol, address, port, process
-- message: {connections} half-open connections from {addresses} addresses at {address} port {port} of {process} (pid
--   {pid})
-- fix: See that net.ipv4.tcp_syncookies is 1. From few addresses: block them. From very many: have the provider or a load
--   balancer filter. From your own network: look for answers that are lost on their way.
-- references: https://attack.mitre.org/techniques/T1499/001/ https://man7.org/linux/man-pages/man7/tcp.7.html
--   https://docs.kernel.org/networking/ip-sysctl.html
-- false_positives: A listener with TCP_DEFER_ACCEPT holds clients so until they send something.
WITH waiting AS MATERIALIZED (
  SELECT local_address AS address, local_port AS port, keeper_pid AS pid, net_namespace, count(*) AS connections,
    count(DISTINCT remote_address) AS addresses
  FROM sockets
  WHERE protocol = 'tcp' AND state = 'SYN_RECV'
  GROUP BY net_namespace, local_address, local_port, keeper_pid
  HAVING count(*) >= :least
)
SELECT 'tcp' AS protocol, w.address, w.port, w.connections, w.addresses, p.name AS process, w.pid, p.path, p.unit,
  p.container_id AS container
FROM waiting w LEFT JOIN processes p ON p.pid = w.pid
ORDER BY w.connections DESC, w.port, w.address, w.pid;
