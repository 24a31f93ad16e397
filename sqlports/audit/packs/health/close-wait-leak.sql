-- title: Process that does not close what the other end has closed
-- severity: medium
-- description: Very many connections of one process are in CLOSE_WAIT: the other end has closed them and the process
--   never did. The kernel keeps such a connection for ever. It is a fault of the program, or a process that hangs, and it
--   ends when no descriptors are left. Connections that still wait to be accepted count for the listener's process.
-- platform: linux
-- tags: health, network, connections
-- requires: root
-- param: least integer 100 How many connections at least.
-- key: process, path, user, container
-- message: {process} (pid {pid}) keeps {connections} connections that their other ends have closed
-- fix: Start it again, which frees them, and report the fault. If it hangs, see first in what (its wait_channel).
-- references: https://man7.org/linux/man-pages/man7/tcp.7.html https://www.rfc-editor.org/rfc/rfc9293#section-3.3.2
-- false_positives: A proxy or a client that keeps a pool and tidies it up later: then the number does not grow from look
--   to look.
WITH waiting AS MATERIALIZED (
  -- Those whose holder cannot be seen are put together by the user who made them.
  SELECT keeper_pid AS pid, CASE WHEN keeper_pid IS NULL THEN uid END AS uid, count(*) AS connections,
    count(DISTINCT remote_address) AS addresses, max(last_receive) / 1000 AS longest
  FROM sockets
  WHERE protocol = 'tcp' AND state = 'CLOSE_WAIT'
  GROUP BY 1, 2
  HAVING count(*) >= :least
)
SELECT p.name AS process, w.pid, p.path, w.connections, w.addresses, w.longest AS longest_seconds,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, w.uid)) AS user, p.unit, p.container_id AS container
FROM waiting w LEFT JOIN processes p ON p.pid = w.pid
ORDER BY w.connections DESC, w.pid, w.uid;
