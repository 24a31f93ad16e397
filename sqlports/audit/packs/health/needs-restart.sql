-- title: Process that runs an executable that was replaced
-- severity: low
-- description: The file of a program was replaced, as by an upgrade, and processes still run the old one. They keep the
--   faults that the upgrade mended, security holes among them, until they are started again. Replaced libraries are not
--   looked for; `sqlports run needs-restart` does that.
-- platform: linux
-- tags: health, processes, cis.7.3
-- requires: root
-- key: path, user, unit, container
-- message: {processes} processes run an older {path} than is there now, {process} (pid {pid}) the longest
-- fix: Start the unit or the program again; needrestart(1) does it for whole systems.
-- references: https://man7.org/linux/man-pages/man5/proc_pid_exe.5.html
-- false_positives: A process that must not be interrupted and is started again at its next time of maintenance. A desktop
--   program, such as a browser, that has been open since before the upgrade.
SELECT p.path, count(*) AS processes, p.name AS process, p.pid, min(p.started) AS started,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM processes p
WHERE p.deleted = 1 AND p.on_disk = 1
GROUP BY p.path, p.euid, p.unit, p.container_id
ORDER BY p.path, user, p.unit, p.container_id;
