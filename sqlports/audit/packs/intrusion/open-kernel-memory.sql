-- title: Process that has the memory of the machine open
-- severity: high
-- description: A process has a device open by which it sees or changes all memory or the ports of the processor
--   (/dev/mem, /dev/kmem, /dev/port, /proc/kcore). By that the kernel can be changed while it runs, which rootkits do,
--   and any secret be read. It is medium for a program that a package installed and that only reads.
-- platform: linux
-- tags: intrusion, attack.T1014, attack.T1003
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store' Directories in which packages put programs.
-- key: file, path, process
-- message: {process} (pid {pid}) has {file} open ({access})
-- fix: Find out what the program is. Lock the kernel down (lockdown=integrity, on with Secure Boot), which refuses all of
--   it.
-- references: https://attack.mitre.org/techniques/T1014/ https://man7.org/linux/man-pages/man4/mem.4.html
--   https://man7.org/linux/man-pages/man7/kernel_lockdown.7.html
-- false_positives: Old X servers, programs that write firmware (flashrom), and debuggers of the kernel (crash, drgn,
--   SystemTap).
WITH devices AS (
  SELECT * FROM handles
  WHERE target IN ('/dev/mem', '/dev/kmem', '/dev/port') AND type = 'device' OR target = '/proc/kcore'
  UNION
  -- By its number, wherever the node is. Those that are everywhere are not looked at.
  SELECT * FROM handles
  WHERE type = 'device' AND target NOT LIKE '/dev/pts/%'
    AND target NOT IN ('/dev/null', '/dev/zero', '/dev/full', '/dev/random', '/dev/urandom', '/dev/tty', '/dev/ptmx')
    AND detail ->> 'kind' = 'character' AND detail ->> 'device' IN ('1:1', '1:2', '1:4')
)
SELECT
  CASE
    WHEN h.access = 'r' AND p.deleted = 0 AND below(p.path, :packaged) THEN 'medium'
    ELSE 'high'
  END AS severity,
  h.target AS file, h.access, p.name AS process, h.pid, p.path, (SELECT username FROM users u WHERE u.uid = p.euid) AS user,
  p.unit, p.container_id AS container
FROM devices h LEFT JOIN processes p ON p.pid = h.pid
GROUP BY h.pid, h.target, h.access
ORDER BY h.target, h.pid, h.access;
