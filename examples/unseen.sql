-- What could this look not see? Run it as root and as yourself.
SELECT count(*) AS sockets, count(pid) AS with_owner FROM sockets;
SELECT source, reason, count(DISTINCT pid) AS processes, sum(count) AS times
FROM scan_errors
GROUP BY source, reason;
