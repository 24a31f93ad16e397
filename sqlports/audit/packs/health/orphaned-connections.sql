-- title: Very many connections that no process has any more
-- severity: low
-- description: Processes have closed these connections and the kernel still tries to deliver what was sent. Their memory
--   is the kernel's, and beyond net.ipv4.tcp_max_orphans it resets them. They come of clients that go away without a
--   word, or that stop answering on purpose to exhaust a server.
-- platform: linux
-- tags: health, network, connections, attack.T1499
-- requires: root
-- param: least integer 1000 How many connections at least, of one port here.
-- key: protocol, port, state
-- message: {connections} connections of port {port} in {state} are nobody's any more and hold {bytes} bytes
-- fix: See from which addresses they come, and limit connections from each. Lower net.ipv4.tcp_orphan_retries.
-- references: https://docs.kernel.org/networking/ip-sysctl.html https://attack.mitre.org/techniques/T1499/
-- false_positives: A very busy server has thousands at any time: raise the threshold to what is usual there.
WITH orphans AS MATERIALIZED (
  SELECT local_port AS port, state, net_namespace, count(*) AS connections, count(DISTINCT remote_address) AS addresses,
    sum(send_queue) AS bytes
  FROM sockets
  WHERE protocol = 'tcp' AND state IN ('FIN_WAIT1', 'FIN_WAIT2', 'CLOSING', 'LAST_ACK') AND owner_reason = 'orphan'
  GROUP BY net_namespace, local_port, state
  HAVING count(*) >= :least
)
SELECT 'tcp' AS protocol, port, state, connections, addresses, bytes, net_namespace
FROM orphans
ORDER BY connections DESC, port, state, net_namespace;
