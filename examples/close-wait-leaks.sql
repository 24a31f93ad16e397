-- Which processes forget to close connections that the other end has closed, and since when has nothing come on them?
-- The other end's FIN counts as one unread byte of each.
SELECT s.pid, p.name, s.local_port, s.remote_address, count(*) AS connections,
  min(s.last_receive) / 60000 AS idle_minutes_least, max(s.last_receive) / 60000 AS idle_minutes_most,
  sum(s.receive_queue) AS unread
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol = 'tcp' AND s.state = 'CLOSE_WAIT'
GROUP BY s.pid, s.local_port, s.remote_address
ORDER BY connections DESC;
