-- title: Connection on which nothing moves any more
-- severity: low
-- description: What a process has sent is not taken: the other end does not answer, and the kernel sends again and again;
--   or it answers and reads no more, so that nothing may be sent. Such connections hold memory and a worker for up to a
--   quarter of an hour, the second kind for ever: so clients that read slowly on purpose block a server.
-- platform: linux
-- tags: health, network, connections, attack.T1499.002
-- requires: root
-- param: retransmits integer 5 How often the same was sent again at least.
-- param: seconds integer 60 How long nothing could be sent at least, where the other end reads no more.
-- key: process, address, port, cause
-- message: {process} (pid {pid}) is stuck on {connections} connections with {address}: {cause}; {bytes} bytes wait
-- fix: Set a time limit for sending in the program (TCP_USER_TIMEOUT), and for clients that read slowly in the server.
-- references: https://man7.org/linux/man-pages/man7/tcp.7.html https://www.rfc-editor.org/rfc/rfc6429
--   https://attack.mitre.org/techniques/T1499/002/
-- false_positives: A laptop that just woke up in another network; a client that is stopped, as a pager that shows a page.
WITH listening AS MATERIALIZED (
  SELECT coalesce(net_namespace, 0) << 16 | local_port AS place FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN'
),
stuck AS MATERIALIZED (
  SELECT keeper_pid AS pid, local_port, remote_address AS address, remote_port, send_queue,
    (coalesce(net_namespace, 0) << 16 | local_port) IN (SELECT place FROM listening) AS accepted,
    CASE timer WHEN 'retransmit' THEN 'the other end does not answer' ELSE 'the other end does not read' END AS cause
  FROM sockets
  WHERE protocol = 'tcp' AND state IN ('ESTABLISHED', 'CLOSE_WAIT') AND send_queue > 0
    AND (timer = 'retransmit' AND retransmits >= :retransmits OR timer = 'probe' AND last_send >= 1000 * :seconds)
)
SELECT p.name AS process, t.pid, p.path, t.address, CASE WHEN t.accepted THEN t.local_port ELSE t.remote_port END AS port,
  CASE WHEN t.accepted THEN 'inbound' ELSE 'outbound' END AS direction, t.cause, count(*) AS connections,
  sum(t.send_queue) AS bytes, p.unit, p.container_id AS container
FROM stuck t LEFT JOIN processes p ON p.pid = t.pid
GROUP BY t.pid, t.address, 5, 6, t.cause
ORDER BY bytes DESC, t.pid, t.address, 5, 6, t.cause;
