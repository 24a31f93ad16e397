-- title: Listener whose program was deleted
-- severity: high
-- description: A process waits for connections, and the file of its program is gone, with nothing in its place. Intruders
--   start a program and delete it, so that nothing is left on disk to be found. A program that was replaced by an upgrade
--   is not meant: the audit needs-restart has those. It is high where the program was in a place where anybody or its
--   user may write, medium where packages are installed (/usr, /opt, /snap) or nobody but this machine can connect.
-- platform: linux
-- tags: intrusion, attack.T1070.004
-- requires: root
-- key: protocol, address, port, path
-- message: {process} (pid {pid}) listens on {protocol} {address} port {port}, and its program {path} was deleted
-- fix: Save the program before it ends (cp /proc/PID/exe), find out who started it, and end it. If its package was
--   removed, stop the service.
-- references: https://attack.mitre.org/techniques/T1070/004/ https://man7.org/linux/man-pages/man5/proc_pid_exe.5.html
-- false_positives: A service whose package was removed or moved to another directory while it ran, and a program that was
--   built into a directory that is gone (`go run`, tests): its path tells. It is in order after a restart.
SELECT
  CASE
    WHEN l.scope = 'loopback' OR p.path LIKE '/usr/%' OR p.path LIKE '/opt/%' OR p.path LIKE '/snap/%' THEN 'medium'
    ELSE 'high'
  END AS severity,
  l.protocol, l.address, l.port, l.autobound, l.scope, p.name AS process, min(p.pid) AS pid, p.path,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM processes p
  CROSS JOIN handles h ON h.pid = p.pid AND h.type = 'socket'
  CROSS JOIN listeners l ON l.inode = h.inode
WHERE p.deleted = 1 AND p.on_disk = 0 AND p.path NOT LIKE '/memfd:%'
  -- One that is confined to a directory does not see its own program, which may be there.
  AND (p.root = '/' OR NOT EXISTS (SELECT 1 FROM file f WHERE f.path = p.path AND f.pid_with_namespace = 0))
  AND l.protocol <> 'unix' AND (l.state = 'LISTEN' OR l.state = 'UNCONNECTED' AND l.autobound IS NOT 1)
GROUP BY l.protocol, l.address, l.port, l.net_namespace, p.path
ORDER BY l.protocol, l.port, l.address, p.path, pid;
