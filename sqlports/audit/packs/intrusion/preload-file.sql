-- title: Library that is pushed into every program
-- severity: high
-- description: The file /etc/ld.so.preload is there and not empty: the libraries in it are loaded into every program that
--   starts, also into those of root. Hardly a system has it; user-mode rootkits live by it, which hide files, processes
--   and connections. Looked at are this system and the roots of all processes, as containers have.
-- platform: linux
-- tags: intrusion, attack.T1574.006, attack.T1014
-- requires: root
-- key: path, container
-- message: {path} is there with {size} bytes, written to at {modified}, as process {pid} ({process}) sees it
-- fix: Look what it has with a program that is linked statically (busybox cat), because the library may hide it; find out
--   which package or person wrote it. An intruder's has to be removed together with its library, from another system.
-- references: https://attack.mitre.org/techniques/T1574/006/ https://man7.org/linux/man-pages/man8/ld.so.8.html
-- false_positives: Raspberry Pi OS (libarmmem) and some tools that watch or record programs put a library there.
WITH roots (pid) AS (
  SELECT 0
  UNION ALL
  SELECT min(pid) FROM processes WHERE kernel_thread = 0 AND mnt_namespace IS NOT NULL GROUP BY mnt_namespace, root
)
SELECT f.path, f.size, datetime(f.mtime, 'unixepoch') AS modified, f.mode, f.uid, max(r.pid) AS pid, p.name AS process,
  p.container_id AS container
FROM roots r
  CROSS JOIN file f ON f.path = '/etc/ld.so.preload' AND f.pid_with_namespace = r.pid
  LEFT JOIN processes p ON p.pid = r.pid
WHERE f.size > 0 AND f.type = 'regular'
-- The same file is seen by many.
GROUP BY f.inode, f.ctime, f.size
ORDER BY pid;
