-- title: Connection to elsewhere by a program that was deleted
-- severity: high
-- description: A process has connected to another machine, and the file of its program is gone, with nothing in its
--   place. It is how a back door or a miner looks that deleted itself after its start. A program that was replaced by an
--   upgrade is not meant. It is medium where packages are installed (/usr, /opt, /snap).
-- platform: linux
-- tags: intrusion, attack.T1070.004, attack.T1071
-- requires: root
-- key: path, protocol, remote_address, remote_port
-- message: {process} (pid {pid}) is connected to {protocol} {remote_address} port {remote_port}, and its program {path}
--   was deleted
-- fix: Save the program before it ends (cp /proc/PID/exe), find out who started it, and end it. If its package was
--   removed, stop the service.
-- references: https://attack.mitre.org/techniques/T1070/004/ https://attack.mitre.org/tactics/TA0011/
-- false_positives: A program whose package was removed or moved to another directory while it ran: its path tells. It is
--   in order after a restart.
SELECT
  CASE WHEN p.path LIKE '/usr/%' OR p.path LIKE '/opt/%' OR p.path LIKE '/snap/%' THEN 'medium' ELSE 'high' END AS severity,
  s.protocol, s.remote_address, s.remote_port, count(DISTINCT s.cookie) AS connections, p.name AS process, min(p.pid) AS pid,
  p.path, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM processes p
  CROSS JOIN handles h ON h.pid = p.pid AND h.type = 'socket'
  CROSS JOIN sockets s ON s.inode = h.inode
WHERE p.deleted = 1 AND p.on_disk = 0 AND p.path NOT LIKE '/memfd:%'
  -- One that is confined to a directory does not see its own program, which may be there.
  AND (p.root = '/' OR NOT EXISTS (SELECT 1 FROM file f WHERE f.path = p.path AND f.pid_with_namespace = 0))
  AND s.protocol IN ('tcp', 'udp', 'udplite', 'sctp', 'mptcp') AND s.remote_port IS NOT NULL
  AND NOT is_loopback(s.remote_address)
  -- Where there is a listener at this end, the other one has connected.
  AND NOT EXISTS (
    SELECT 1 FROM sockets l
    WHERE l.state = 'LISTEN' AND l.local_port = s.local_port AND l.protocol = s.protocol AND l.net_namespace IS s.net_namespace
  )
GROUP BY p.path, s.protocol, s.remote_address, s.remote_port
ORDER BY p.path, s.protocol, s.remote_address, s.remote_port, pid;
