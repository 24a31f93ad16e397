-- title: Program that was started from memory
-- severity: high
-- description: The file of a running program never had a name on disk: it was made in memory (memfd_create(2)) and
--   started from there. Intruders do so to leave nothing to be found on disk, and to get around mounts that permit no
--   execution. runc and LXC start so, too, to protect themselves from what they start: where the parent is one of these
--   it is info.
-- platform: linux
-- tags: intrusion, attack.T1620, attack.T1027.011
-- requires: root
-- param: runtimes text '/usr/bin/runc, /usr/sbin/runc, /usr/local/bin/runc, /usr/local/sbin/runc, /usr/bin/crun,
--   /usr/bin/containerd-shim-runc-v2, /usr/local/bin/containerd-shim-runc-v2, /usr/bin/conmon, /usr/bin/lxc-start,
--   /usr/bin/lxc-attach' Container runtimes that start a copy of themselves from memory.
-- key: path, process, user
-- message: {process} (pid {pid}) runs a program that was made in memory: {path}
-- fix: Save the program before it ends (cp /proc/PID/exe), find out who started it (its parent, its user, its open
--   connections), and end it.
-- references: https://attack.mitre.org/techniques/T1620/ https://man7.org/linux/man-pages/man2/memfd_create.2.html
-- false_positives: Container runtimes, for a moment; sandboxes and tools that unpack themselves into memory: their parent
--   tells.
SELECT
  CASE
    WHEN EXISTS (
      SELECT 1 FROM processes q
      WHERE q.pid = p.parent AND q.deleted = 0 AND listed(q.path, :runtimes)
    ) THEN 'info'
    ELSE 'high'
  END AS severity,
  p.name AS process, p.pid, p.path, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit,
  p.container_id AS container, p.parent AS parent_pid, (SELECT path FROM processes q WHERE q.pid = p.parent) AS parent_path
FROM processes p
-- A file of that name in the root directory has it on disk as well.
WHERE p.path LIKE '/memfd:%' AND p.on_disk IS NOT 1
ORDER BY p.path, p.pid;
