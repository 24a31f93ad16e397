-- title: Many processes deaf to signals
-- severity: low
-- description: Several processes wait in one place of the kernel in which no signal reaches them (state D). They wait for
--   a disk or a network file system that is slow or hangs, and until it answers they mostly cannot be ended, not even by
--   SIGKILL. One look cannot tell for how long; that several wait in the same place is what makes it suspicious.
-- platform: linux
-- tags: health, processes, files
-- requires: root
-- param: least integer 5 How many processes at least.
-- key: wait_channel
-- message: {processes} processes wait deaf to signals in {wait_channel}: {names}
-- fix: Look again, and if they still wait, find what they wait for: an NFS server, a disk (dmesg(1)), a lock held by
--   another.
-- references: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html https://man7.org/linux/man-pages/man5/nfs.5.html
-- false_positives: A burst of writing that is over when you look again. Where wait_channel is unknown they may wait for
--   different things. A parent waits so for a child of vfork(2), for a moment.
SELECT coalesce(p.wait_channel, 'an unknown place') AS wait_channel, count(*) AS processes,
  substr(group_concat(DISTINCT p.name ORDER BY p.name), 1, 200) AS names, min(p.pid) AS pid
FROM processes p
WHERE p.state = 'D' AND NOT p.kernel_thread
GROUP BY p.wait_channel
HAVING count(*) >= :least
ORDER BY processes DESC, 1;
