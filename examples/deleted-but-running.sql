-- Which processes run an executable that was removed or replaced, and do they listen?
SELECT p.pid, p.name, p.path, datetime(p.start_time, 'unixepoch') AS started, group_concat(s.local_port) AS listens_on
FROM processes p LEFT JOIN sockets s ON s.pid = p.pid AND s.state = 'LISTEN'
WHERE p.on_disk = 0
GROUP BY p.pid;
