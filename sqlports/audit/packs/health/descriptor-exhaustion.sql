-- title: Process that soon can open nothing more
-- severity: medium
-- description: A process has nearly as many descriptors open as it may. At the limit it can open neither a file nor a
--   connection (EMFILE): servers then refuse their clients, and write no log of it either. It is a leak, or a limit that
--   is too low for the load. The severity is high when next to none are left.
-- platform: linux
-- tags: health, processes, files
-- requires: root
-- param: share real 0.9 From which share of the limit on it is told.
-- param: least integer 64 Limits below this are passed over: programs that confine themselves set such.
-- key: process, path, user, container
-- message: {process} (pid {pid}) has {descriptors} descriptors open of {limit}
-- fix: See what they are: SELECT type, target, count(*) FROM handles WHERE pid = … GROUP BY 1, 2. A leak needs a restart
--   and a repair; otherwise raise the limit: LimitNOFILE= of its unit, or prlimit(1) for the process as it runs.
-- references: https://man7.org/linux/man-pages/man2/getrlimit.2.html https://man7.org/linux/man-pages/man1/prlimit.1.html
-- false_positives: A program that fills its limit on purpose (a load generator), or that raises its soft limit by itself
--   when it needs more: compare with hard_limit.
SELECT CASE WHEN p.fd_count >= 0.98 * p.open_files_limit THEN 'high' ELSE 'medium' END AS severity, p.name AS process, p.pid,
  p.path, p.fd_count AS descriptors, p.open_files_limit AS "limit", p.open_files_hard_limit AS hard_limit,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM processes p
WHERE p.fd_count >= :share * p.open_files_limit AND p.open_files_limit >= :least
ORDER BY p.fd_count * 1.0 / p.open_files_limit DESC, p.pid;
