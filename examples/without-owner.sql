-- How many sockets has no process, and why?
SELECT protocol, state, owner_reason, count(*) AS sockets
FROM sockets
WHERE pid IS NULL
GROUP BY protocol, state, owner_reason
ORDER BY sockets DESC;
