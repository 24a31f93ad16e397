-- title: Program of root that others may change
-- severity: high
-- description: A process runs as root, and the file of its program belongs to another user, or others may write to it.
--   Who changes it becomes root when it is started again. It is high where everybody may write, medium where a user or
--   group may, and low in a container.
-- platform: linux
-- tags: privilege, attack.T1574.010, attack.T1554, cis.3.3
-- requires: root
-- key: path, container
-- message: {process} (pid {pid}) runs as root, and {who} may write to {path} (mode {mode}, owner {owner})
-- fix: Look whether the program is still the one that was installed; then give it to root (chown root:root, chmod go-w).
-- references: https://attack.mitre.org/techniques/T1574/010/ https://man7.org/linux/man-pages/man7/inode.7.html
-- false_positives: What an administrator built or installed in his own directory and started by sudo: it is a way to root
--   for who takes over his account.
WITH programs AS MATERIALIZED (
  SELECT path, mnt_namespace, container_id, min(pid) AS pid, name, unit
  FROM processes
  WHERE euid = 0 AND path LIKE '/%' AND path NOT LIKE '/memfd:%' AND deleted = 0
  GROUP BY path, mnt_namespace, container_id
),
looked AS MATERIALIZED (
  SELECT g.*, f.mode, f.uid, f.gid,
    CASE
      WHEN f.mode GLOB '*[2367]' THEN 'everybody'
      -- 65534 is whoever has no number in this user namespace.
      WHEN f.uid NOT IN (0, 65534) THEN 'its owner'
      WHEN f.gid NOT IN (0, 65534) AND f.mode GLOB '*[2367]?' THEN 'its group'
    END AS who
  FROM programs g CROSS JOIN file f ON f.path = g.path AND f.pid_with_namespace = g.pid
)
SELECT CASE WHEN container_id IS NOT NULL THEN 'low' WHEN who = 'everybody' THEN 'high' ELSE 'medium' END AS severity,
  name AS process, min(pid) AS pid, path, who, mode,
  coalesce((SELECT username FROM users u WHERE u.uid = looked.uid), uid) AS owner, gid AS owner_group, 'root' AS user, unit,
  container_id AS container
FROM looked
WHERE who IS NOT NULL
GROUP BY path, container_id
ORDER BY path, container_id, pid;
