-- title: Which processes have ended and wait for their parent?
-- description: parent is who is to ask for the status of it. Such a process takes nothing but its number. It goes
--   when the parent asks, or ends itself.
-- tags: processes, trouble
SELECT z.pid, z.name AS process, z.start_time, z.parent, p.name AS parent_process, coalesce(p.unit, p.user_unit) AS unit,
  p.cmdline AS parent_command
FROM processes z LEFT JOIN processes p ON p.pid = z.parent
WHERE z.state = 'Z'
ORDER BY z.parent, z.pid;
