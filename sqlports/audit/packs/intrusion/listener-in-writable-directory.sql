-- title: Listener whose program everybody may replace
-- severity: medium
-- description: A process waits for connections, and its program or a directory on the way to it is writable by all users.
--   Any of them can put another program in its place, which runs with the rights of this one when it starts again. It is
--   high where that is root, and low in a container, where only the users of the container count. Directories with the
--   sticky bit, as /tmp has it, do not count here: in those nobody can replace what is another's.
-- platform: linux
-- tags: intrusion, attack.T1574.010, attack.T1222.002, cis.3.3
-- requires: root
-- key: protocol, address, port, writable
-- message: {process} (pid {pid}) listens on {protocol} {address} port {port}, and everybody may write to {writable}
--   ({mode})
-- fix: Take the right from all others (chmod o-w), after a look whether the program is still the one that was installed.
-- references: https://attack.mitre.org/techniques/T1574/010/ https://man7.org/linux/man-pages/man7/inode.7.html
-- false_positives: A machine with one user only, and images of containers that were made with `chmod -R 777`: it is a bad
--   habit still.
WITH RECURSIVE
waiting AS MATERIALIZED (
  SELECT l.protocol, l.address, l.port, l.autobound, l.scope, l.net_namespace, p.pid, p.name, p.path, p.euid, p.unit, p.container_id
  FROM listeners l
    CROSS JOIN handles h ON h.inode = l.inode
    CROSS JOIN processes p ON p.pid = h.pid
  WHERE l.protocol IN ('tcp', 'udp', 'udplite', 'sctp', 'vsock')
    AND (l.state = 'LISTEN' OR l.state = 'UNCONNECTED' AND l.autobound IS NOT 1)
    AND p.path LIKE '/%' AND p.path NOT LIKE '/memfd:%' AND p.deleted = 0
),
-- The program, its directory, the directory of that, and so on up.
up (pid, path) AS (
  SELECT pid, path FROM waiting
  UNION
  SELECT pid, coalesce(nullif(rtrim(rtrim(path, replace(path, '/', '')), '/'), ''), '/') FROM up WHERE path <> '/'
),
writable AS MATERIALIZED (
  SELECT up.pid, f.path, f.mode
  FROM up CROSS JOIN file f ON f.path = up.path AND f.pid_with_namespace = up.pid
  -- The last digit is of all others, 2 in it the right to write; 1 in the fourth from the end is the sticky bit.
  WHERE f.mode GLOB '*[2367]' AND NOT (f.type = 'directory' AND f.mode GLOB '*[1357]???')
)
SELECT CASE WHEN p.container_id IS NOT NULL THEN 'low' WHEN p.euid = 0 THEN 'high' ELSE 'medium' END AS severity,
  p.protocol, p.address, p.port, p.autobound, p.scope, p.name AS process, min(p.pid) AS pid, p.path, w.path AS writable, w.mode,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM waiting p JOIN writable w ON w.pid = p.pid
GROUP BY p.protocol, p.address, p.port, p.net_namespace, w.path
ORDER BY p.protocol, p.port, p.address, w.path, pid;
