-- title: Which process has which port, in fport's columns and orders?
-- description: What fport printed: each process once for each port it has, whether it listens or is connected.
--   listening and established tell more.
-- param: sort pid|process|port|protocol|path port What the rows are sorted by.
-- tags: ports, processes
SELECT DISTINCT s.pid AS Pid, p.name AS Process, s.local_port AS Port, upper(s.protocol) AS Proto, p.path AS Path
FROM sockets s JOIN processes p ON p.pid = s.pid
WHERE s.protocol IN ('tcp', 'udp') AND s.local_port IS NOT NULL
ORDER BY CASE :sort
    WHEN 'pid' THEN s.pid WHEN 'process' THEN lower(p.name) WHEN 'protocol' THEN s.protocol WHEN 'path' THEN p.path
    ELSE s.local_port
  END, Port, Pid, Proto;
