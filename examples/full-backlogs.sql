-- Which listeners are too slow to accept: who has no room for another connection now, or has dropped some since it was made?
SELECT protocol, address, port, path, backlog, backlog_limit, drops, pid, name, unit, container_id
FROM listeners
WHERE state = 'LISTEN' AND (backlog_use >= 1 OR drops > 0)
ORDER BY drops DESC, backlog_use DESC;
