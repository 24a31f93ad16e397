-- title: Program that calls itself a thread of the kernel
-- severity: critical
-- description: A process has a name by which a thread of the kernel goes, or its first argument is in brackets, as `ps`
--   shows those, but it is an ordinary program. Nobody looks twice at [kworker/0:1], and so miners and back doors call
--   themselves that.
-- platform: linux
-- tags: intrusion, attack.T1036.004, attack.T1036.011
-- requires: root
-- param: names text 'kworker*, ksoftirqd/*, kthreadd, migration/*, cpuhp/*, rcu_*, rcuog/*, rcuop/*, kswapd*, kcompactd*,
--   khugepaged, ksmd, khungtaskd, kdevtmpfs, kdevtmpfsi, kauditd, kblockd, kintegrityd, kthrotld, kpsmoused, ksgxd,
--   oom_reaper, oom_kill*, watchdog/*, irq/*, jbd2/*, ext4-*, xfsaild/*, xfs-*, btrfs-*, scsi_eh_*, scsi_tmf_*,
--   dm_bufio*, kcryptd*, idle_inject/*, inet_frag_wq, slub_flushwq, mm_percpu_wq, pool_workqueue*, khubd, kjournald*,
--   ata_sff' Names of the kernel's threads, as patterns; those that run now count as well.
-- key: process, shown, path
-- message: {process} (pid {pid}) shows itself as {shown} like a thread of the kernel, and is {path}
-- fix: It is an incident: keep its program (cp /proc/PID/exe), note its connections (sqlports run sockets-of --pid PID) and
--   who started it, and cut the machine off from the network.
-- references: https://attack.mitre.org/techniques/T1036/ https://man7.org/linux/man-pages/man2/PR_SET_NAME.2const.html
-- false_positives: Hardly any: a program that puts its title into brackets by itself. Celery's have blanks in them and
--   are not found.
WITH called AS (
  SELECT *, basename(path) AS file,
    -- Blanks of other kinds are not seen either.
    trim(argv ->> 0, char(9, 10, 11, 12, 13, 32, 133, 160, 8192, 8193, 8194, 8195, 8201, 8202, 8203, 8239, 12288, 65279)) AS title
  FROM processes
  -- What the kernel starts a program with has no memory yet, and goes by the name of a worker until then.
  WHERE kernel_thread = 0 AND total_size IS NOT NULL
)
SELECT p.name AS process, p.pid, CASE
    WHEN p.title GLOB '[[]*' OR listed(p.title, :names) THEN p.title
    -- So ps shows what has no arguments.
    WHEN p.argv IN ('[]', '[""]') THEN '[' || p.name || ']'
    ELSE p.name
  END AS shown, p.path,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM called p
WHERE p.title GLOB '[[]?*]' AND (
    instr(p.title, ' ') = 0
    OR listed(trim(p.title, '[] '), :names)
  )
  OR p.name GLOB '[[]?*]'
  OR listed(p.title, :names) AND p.title <> p.file
  OR p.argv IN ('[]', '[""]') AND p.path NOT GLOB '/usr/[bs]*' AND p.path NOT GLOB '/[bs]*'
  OR (listed(p.name, :names) OR p.name IN (SELECT name FROM processes WHERE kernel_thread = 1))
  -- A program that is really called so: watchdogd is one as well.
  AND NOT (substr(p.file, 1, 15) = p.name AND p.deleted = 0 AND (p.path GLOB '/usr/[bs]*' OR p.path GLOB '/[bs]*'))
ORDER BY p.pid;
