-- title: Listener that runs from a temporary directory
-- severity: high
-- description: A process waits for connections whose program, or the script that it interprets, is in a directory for
--   temporary files. Everybody may write there, and no package installs a service there: it is where intruders put what
--   they bring along. It is medium where nobody but this machine can connect.
-- platform: linux
-- tags: intrusion, attack.T1036.005, attack.T1059
-- requires: root
-- param: directories text '/tmp, /var/tmp, /dev/shm, /dev/mqueue, /run/user, /run/lock, /run/shm' Directories for
--   temporary files.
-- param: interpreters text 'python*, perl*, ruby*, php*, lua*, node, nodejs, bun, deno, tclsh*, java, sh, bash, dash,
--   ash, zsh, ksh*' Programs of which the script counts: patterns of their file names.
-- key: protocol, address, port, program
-- message: {process} (pid {pid}) listens on {protocol} {address} port {port} and runs from {program}
-- fix: Find out who put it there and started it. If it belongs to you, install it where only root may write (/usr/local,
--   /opt).
-- references: https://attack.mitre.org/techniques/T1036/005/
--   https://refspecs.linuxfoundation.org/FHS_3.0/fhs/ch03s18.html
-- false_positives: Test runners and compilers put programs below /tmp, and installers unpack there. It is low for an AppImage,
--   which runs from what it mounts on /tmp/.mount_NAME, and for what `go run` started.
WITH programs AS (
  SELECT pid, parent, name, path, deleted, euid, unit, container_id, path AS program FROM processes
  UNION ALL
  -- The script is the first argument that is no option; a relative one is where the process is.
  SELECT pid, parent, name, path, deleted, euid, unit, container_id,
    (
      SELECT CASE
          WHEN value LIKE '/%' THEN value
          WHEN NOT EXISTS (SELECT 1 FROM json_each(argv) WHERE value IN ('-m', '-c', '-e')) THEN cwd || '/' || value
        END
      FROM json_each(argv) WHERE key > 0 AND value NOT LIKE '-%' ORDER BY key LIMIT 1
    )
  FROM processes
  WHERE listed(basename(path), :interpreters)
)
SELECT
  CASE
    -- What an AppImage mounts may not be looked at by others; of who may, its root has the number 1.
    WHEN p.deleted = 0 AND p.path GLOB '/tmp/.mount_*/*' AND NOT EXISTS (
      SELECT 1 FROM file f
      WHERE f.path = '/tmp/' || substr(p.path, 6, instr(substr(p.path, 6), '/') - 1) AND f.pid_with_namespace = p.pid
        AND f.inode <> 1
    ) THEN 'low'
    WHEN p.path GLOB '/tmp/go-build[0-9]*/*/exe/*' AND EXISTS (
      SELECT 1 FROM processes q
      WHERE q.pid = p.parent AND basename(q.path) = 'go' AND q.deleted = 0 AND NOT below(q.path, :directories)
    ) THEN 'low'
    WHEN l.scope = 'loopback' THEN 'medium'
    ELSE 'high'
  END AS severity,
  l.protocol, l.address, l.port, l.autobound, l.scope, p.name AS process, min(p.pid) AS pid, p.path, p.program,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM programs p
  CROSS JOIN handles h ON h.pid = p.pid AND h.type = 'socket'
  CROSS JOIN listeners l ON l.inode = h.inode
WHERE below(p.program, :directories)
  AND l.protocol <> 'unix' AND (l.state = 'LISTEN' OR l.state = 'UNCONNECTED' AND l.autobound IS NOT 1)
GROUP BY l.protocol, l.address, l.port, l.net_namespace, p.program
ORDER BY l.protocol, l.port, l.address, p.program, pid;
