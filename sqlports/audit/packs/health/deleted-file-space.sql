-- title: Removed files that still take much space
-- severity: low
-- description: A process has files open that have no name any more. Their space is free only when the last descriptor is
--   closed: df(1) shows a full disk and du(1) finds nothing. Often it is a log that was removed instead of rotated. On a
--   tmpfs it is memory that they take.
-- platform: linux
-- tags: health, files
-- requires: root
-- param: bytes integer 1073741824 How many bytes they have at least, all of a process together.
-- key: process, path, user, container
-- message: {process} (pid {pid}) holds {files} removed files of {bytes} bytes, the largest {largest}
-- fix: Have the process open its log anew (for many by SIGHUP), or start it again. In need, shorten the file by way of
--   /proc/PID/fd/FD: truncate -s 0.
-- references: https://man7.org/linux/man-pages/man2/unlink.2.html https://man7.org/linux/man-pages/man1/lsof.1.html
-- false_positives: Databases, compilers and browsers make temporary files that have no name from the start. The size of a
--   file with holes is more than what it takes on disk.
WITH files AS MATERIALIZED (
  -- A file that is open twice in a process takes its space once.
  SELECT pid, max(size) AS size, max(target) AS target
  FROM handles
  WHERE deleted = 1 AND type = 'file'
  GROUP BY pid, device, coalesce(file_inode, target)
),
holders AS MATERIALIZED (
  -- The target is that of the row with the greatest size.
  SELECT pid, count(*) AS files, sum(size) AS bytes, max(size) AS most, target AS largest
  FROM files
  GROUP BY pid
  HAVING sum(size) >= :bytes
)
SELECT p.name AS process, h.pid, p.path, h.files, h.bytes, h.largest,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM holders h LEFT JOIN processes p ON p.pid = h.pid
ORDER BY h.bytes DESC, h.pid;
