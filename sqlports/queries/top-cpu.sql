-- title: Which processes have used the processors most?
-- description: cpu_percent is of one processor, over all the time since the process was started: what it does at this
--   moment is told by two looks, as with --watch. cpu_time is in milliseconds.
-- param: top integer 20 How many.
-- param: sort time|percent time By the time as a whole, or by the share since its start, where who has just begun is first.
-- tags: processes
SELECT pid, name AS process, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, cpu_percent,
  user_time + system_time AS cpu_time, threads, state, coalesce(unit, user_unit) AS unit, container_id AS container,
  cmdline AS command
FROM processes p
ORDER BY CASE :sort WHEN 'percent' THEN cpu_percent ELSE user_time + system_time END DESC, pid
LIMIT :top;
