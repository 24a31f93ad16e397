-- Which listeners have connections waiting to be accepted, out of how many?
-- New ones are dropped once backlog is one more than its limit: backlog_use is 1 then.
SELECT protocol, address, port, path, backlog, backlog_limit, backlog_use, drops, name
FROM listeners
WHERE state = 'LISTEN'
ORDER BY backlog_use DESC, backlog DESC, port;
