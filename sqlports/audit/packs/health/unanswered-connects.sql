-- title: Process whose connections are not answered
-- severity: low
-- description: A process tries at the same time to open several connections to one place, and nothing answers (SYN_SENT).
--   The service there is down or overloaded, or a firewall drops what is sent; each try takes a port and, mostly, a
--   worker for up to two minutes.
-- platform: linux
-- tags: health, network, connections
-- requires: root
-- param: least integer 5 How many connections at least.
-- key: process, address, port
-- message: {process} (pid {pid}) waits for {connections} connections to {address} port {port} to be answered
-- fix: See whether the service there runs and the way to it is open. Give the program a shorter time limit for
--   connecting.
-- references: https://man7.org/linux/man-pages/man2/connect.2.html https://man7.org/linux/man-pages/man7/tcp.7.html
-- false_positives: A burst over a slow line; a scanner that is meant to try.
WITH waiting AS MATERIALIZED (
  SELECT pid, CASE WHEN pid IS NULL THEN uid END AS uid, remote_address AS address, remote_port AS port, count(*) AS connections
  FROM sockets
  WHERE protocol = 'tcp' AND state = 'SYN_SENT'
  GROUP BY 1, 2, 3, 4
  HAVING count(*) >= :least
)
SELECT 'tcp' AS protocol, w.address, w.port, w.connections, p.name AS process, w.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, w.uid)) AS user, p.unit, p.container_id AS container
FROM waiting w LEFT JOIN processes p ON p.pid = w.pid
ORDER BY w.connections DESC, w.address, w.port, w.pid, w.uid;
