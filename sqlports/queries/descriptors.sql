-- title: Who has most descriptors open, and how near is the limit?
-- description: At the limit neither a file nor a connection can be opened (EMFILE). use is the share of it: 1 is the
--   end.
-- param: top integer 20 How many.
-- tags: processes, files, trouble
SELECT pid, name AS process, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, fd_count, open_files_limit,
  round(fd_count * 1.0 / open_files_limit, 3) AS use, coalesce(unit, user_unit) AS unit, container_id AS container
FROM processes p
WHERE fd_count IS NOT NULL AND NOT kernel_thread
ORDER BY use DESC, fd_count DESC, pid
LIMIT :top;
