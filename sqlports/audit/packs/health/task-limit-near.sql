-- title: User who soon can start nothing more
-- severity: medium
-- description: The processes and threads of a user are nearly as many as one of them may have (RLIMIT_NPROC). At the
--   limit fork(2) fails with EAGAIN: that process, and what inherits its limit, can start neither programs nor threads.
--   It is a leak of threads, a fork bomb, or a limit that is too low. Root is not held to it.
-- platform: linux
-- tags: health, processes, attack.T1499
-- param: share real 0.9 From which share of the limit on it is told.
-- param: least integer 16 Limits below this are passed over: programs that confine themselves set such.
-- key: process, path, user, container
-- message: {user} runs {tasks} processes and threads, where {process} (pid {pid}) may have {limit}
-- fix: See what they are: SELECT name, count(*), sum(threads) FROM processes WHERE uid = … GROUP BY 1. End what is too
--   much, or raise the limit: LimitNPROC= of the unit, or /etc/security/limits.conf.
-- references: https://man7.org/linux/man-pages/man2/getrlimit.2.html
--   https://man7.org/linux/man-pages/man5/limits.conf.5.html https://attack.mitre.org/techniques/T1499/
-- false_positives: Containers whose users have the same number share what is counted, where they have no user namespace.
--   A process that never starts anything.
WITH seen AS MATERIALIZED (
  SELECT uid, user_namespace, sum(max(threads, 1)) AS tasks FROM processes WHERE uid > 0 GROUP BY uid, user_namespace
),
limited AS MATERIALIZED (
  SELECT pid, name, path, uid, user_namespace, unit, container_id, json_extract(limits, '$.RLIMIT_NPROC[0]') AS soft
  FROM processes
  WHERE uid > 0 AND limits IS NOT NULL
)
SELECT coalesce((SELECT username FROM users u WHERE u.uid = l.uid), l.uid) AS user, s.tasks, l.soft AS "limit",
  count(*) AS limited, l.name AS process, min(l.pid) AS pid, l.path, l.unit, l.container_id AS container
FROM limited l JOIN seen s ON s.uid = l.uid AND s.user_namespace IS l.user_namespace
WHERE l.soft >= :least AND s.tasks >= :share * l.soft
GROUP BY l.uid, l.user_namespace, l.soft, l.name, l.path, l.unit, l.container_id
ORDER BY s.tasks * 1.0 / l.soft DESC, l.uid, pid;
