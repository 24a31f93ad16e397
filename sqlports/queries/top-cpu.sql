-- title: Which processes have used the processors most?
-- description: cpu_percent is of one processor, over all the time since the process was started: what it does at this
--   moment is told by two looks, as with --watch. cpu_time is in milliseconds.
-- param: top integer 20 How many.
-- param: sort percent|time percent By the share since its start, or by the time as a whole.
-- tags: processes
SELECT pid, name AS process, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, cpu_percent,
  user_time + system_time AS cpu_time, threads, state, coalesce(unit, user_unit) AS unit, container_id AS container,
  cmdline AS command
FROM processes p
ORDER BY CASE :sort WHEN 'time' THEN user_time + system_time ELSE cpu_percent END DESC, pid
LIMIT :top;
