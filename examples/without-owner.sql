-- How many sockets has no process, why, and who answers for them?
SELECT s.protocol, s.state, s.owner_reason, s.keeper_pid, p.name AS keeper, count(*) AS sockets
FROM sockets s LEFT JOIN processes p ON p.pid = s.keeper_pid
WHERE s.pid IS NULL
GROUP BY s.protocol, s.state, s.owner_reason, s.keeper_pid
ORDER BY sockets DESC;
