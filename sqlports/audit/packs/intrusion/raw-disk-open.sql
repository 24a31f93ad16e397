-- title: Disk that is open to be written past its file system
-- severity: medium
-- description: A process has a disk or partition open for writing. Past the file system it can change any file without a
--   trace of who did, put itself where the machine starts from, or destroy everything. It is low where a package
--   installed the program, as with LVM, QEMU and dd.
-- platform: linux
-- tags: intrusion, attack.T1006, attack.T1561, attack.T1542.003
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store' Directories in which packages put programs.
-- key: file, path, process
-- message: {process} (pid {pid}) has {file} open for writing
-- fix: Find out what the program is for. If nobody writes an image or a partition at this moment, end it and look at the
--   disk's boot sectors.
-- references: https://attack.mitre.org/techniques/T1006/ https://attack.mitre.org/techniques/T1561/
-- false_positives: Virtual machines and databases that have a disk of their own, programs that write images, storage
--   daemons that were installed by hand.
SELECT iif(p.deleted = 0 AND below(p.path, :packaged), 'low', 'medium') AS severity,
  h.target AS file, h.detail ->> 'device' AS device, p.name AS process, h.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM handles h LEFT JOIN processes p ON p.pid = h.pid
WHERE h.type = 'device' AND h.access IN ('w', 'rw') AND h.target NOT IN ('/dev/null', '/dev/zero', '/dev/tty', '/dev/ptmx')
  AND h.target NOT LIKE '/dev/pts/%' AND h.detail ->> 'kind' = 'block'
GROUP BY h.pid, h.target
ORDER BY h.target, h.pid;
