-- Which listeners are too slow to accept: who has hardly room for another connection, or has dropped some since it was made?
SELECT protocol, address, port, path, backlog, backlog_limit, backlog_use, drops, pid, name, unit, container_id
FROM backlog_pressure;
