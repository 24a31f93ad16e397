-- title: Which processes take the most memory?
-- description: resident_size is what each has in RAM, shared_size the part of it that others may have too: libraries
--   and shared memory count for all who use them.
-- param: top integer 20 How many.
-- tags: processes, memory
SELECT pid, name AS process, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, resident_size, shared_size, swap_size,
  coalesce(unit, user_unit) AS unit, container_id AS container, cmdline AS command
FROM processes p
WHERE resident_size > 0
ORDER BY resident_size DESC, pid
LIMIT :top;
