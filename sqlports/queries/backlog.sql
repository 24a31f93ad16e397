-- title: Which listeners have connections waiting, and which dropped some?
-- description: New ones are dropped once backlog is one more than its limit: backlog_use is 1 then.
-- param: use real 0 Only those with at least this share of their queue taken: 0.75 for three quarters.
-- tags: listeners, trouble
SELECT protocol, address, port, path, backlog, backlog_limit, backlog_use, drops, pid, name AS process, unit,
  container_id AS container
FROM listeners
WHERE state = 'LISTEN' AND (:use = 0 OR backlog_use >= :use)
ORDER BY backlog_use DESC, drops DESC, backlog_limit, port, path;
