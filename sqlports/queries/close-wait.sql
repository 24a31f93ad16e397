-- title: Who forgets to close connections that the other end has closed?
-- description: idle is how long nothing has come on them, in milliseconds, the least and the most. The other end's
--   FIN counts as one unread byte of each.
-- tags: connections, trouble
SELECT s.pid, p.name AS process, s.local_port, s.remote_address, count(*) AS connections, min(s.last_receive) AS least_idle,
  max(s.last_receive) AS most_idle, sum(s.receive_queue) AS unread
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol = 'tcp' AND s.state = 'CLOSE_WAIT'
GROUP BY s.pid, s.local_port, s.remote_address
ORDER BY connections DESC, s.pid, s.local_port, s.remote_address;
