-- title: Connection to a port of mining pools
-- severity: medium
-- description: A process has connected to a port at which pools for mining cryptocurrency commonly wait. Miners are what
--   intruders install most often: they cost power and money, and where one got in, others can. It is low where the other
--   end has a private address.
-- platform: linux
-- tags: intrusion, network, attack.T1496.001
-- requires: root
-- param: ports text '3032, 3333, 3334, 3335, 4444, 5555, 5556, 6666, 7777, 8008, 9999, 10128, 10300, 12222, 13333, 14433,
--   14444, 18081, 20535, 20536, 33333, 45560, 45700, 55555' Ports of mining pools.
-- key: path, remote_address, remote_port
-- message: {process} (pid {pid}) is connected to {remote_address} port {remote_port}, where mining pools commonly wait
-- fix: Look at the program and how much of the processor it takes. End a miner, find out how it came in, and close that.
-- references: https://attack.mitre.org/techniques/T1496/001/
-- false_positives: Other services use these ports as well: Selenium's grid (4444), Android's debugger (5555), Monero's
--   own nodes (18081). Pools are also on 80 and 443, which cannot be told by the port.
WITH outbound AS MATERIALIZED (
  SELECT protocol, local_port, remote_port, net_namespace, pid, uid, cookie,
    CASE WHEN remote_address LIKE '::ffff:%.%' THEN substr(remote_address, 8) ELSE remote_address END AS remote_address
  FROM sockets s
  WHERE protocol = 'tcp' AND state IN ('ESTABLISHED', 'SYN_SENT', 'CLOSE_WAIT')
    AND listed(remote_port, :ports)
)
SELECT
  iif(is_private(s.remote_address) OR ip_in(s.remote_address, '169.254.0.0/16, fe80::/10'), 'low', 'medium') AS severity,
  s.protocol, s.remote_address, s.remote_port, count(*) AS connections, p.name AS process, min(s.pid) AS pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, s.uid)) AS user, p.unit, p.container_id AS container
FROM outbound s LEFT JOIN processes p ON p.pid = s.pid
WHERE NOT is_loopback(s.remote_address)
  -- Where there is a listener at this end, the other one has connected.
  AND NOT EXISTS (
    SELECT 1 FROM sockets l
    WHERE l.state = 'LISTEN' AND l.local_port = s.local_port AND l.protocol = 'tcp' AND l.net_namespace IS s.net_namespace
  )
GROUP BY s.remote_address, s.remote_port, p.path
ORDER BY s.remote_address, s.remote_port, p.path, pid;
