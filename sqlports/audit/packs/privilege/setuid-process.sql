-- title: Process that got its rights from a set-uid program
-- severity: medium
-- description: A process runs with the rights of another user than who started it, because its program has the set-uid
--   bit or it changed its user by half. A set-uid shell is the oldest way to keep root. It is high where the rights are
--   root's and no package put the program there, and info for a program in the directories of packages or in /opt, in a
--   container, and for one that only put rights aside. Well-known ones (sudo, su, fusermount) are not meant.
-- platform: linux
-- tags: privilege, attack.T1548.001
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store, /run/wrappers' Directories in which packages put programs.
-- param: known text 'sudo, sudoedit, su, doas, pkexec, polkit-agent-helper-1, passwd, chsh, chfn, newgrp, sg, gpasswd,
--   crontab, at, mount, umount, mount.*, umount.*, fusermount, fusermount3, ping, ping6, newuidmap, newgidmap,
--   ssh-keysign, dbus-daemon-launch-helper, Xorg.wrap, Xorg, snap-confine, chrome-sandbox, bwrap, screen, unix_chkpwd,
--   pam_timestamp_check, cockpit-session' Programs that have the bit on many systems: patterns of their file names; they
--   count in the directories of packages.
-- key: path, user, real_user, container
-- message: {process} (pid {pid}) of user {real_user} runs {path} with the rights of {user}
-- fix: Find out who put the program there and when; take the bit from it (chmod u-s) unless its package needs it.
-- references: https://attack.mitre.org/techniques/T1548/001/ https://man7.org/linux/man-pages/man7/credentials.7.html
-- false_positives: Set-uid programs of packages that are not in the list, and servers of mail and files that change
--   between users.
WITH
-- Each program is looked at once, as one of its processes sees it.
programs AS MATERIALIZED (
  SELECT path, mnt_namespace, min(pid) AS pid FROM processes WHERE path LIKE '/%' AND deleted = 0 GROUP BY path, mnt_namespace
),
set_uid AS MATERIALIZED (
  SELECT g.path, g.mnt_namespace, f.uid
  FROM programs g CROSS JOIN file f ON f.path = g.path AND f.pid_with_namespace = g.pid
  WHERE f.mode GLOB '[4567]???'
),
found AS (
  SELECT p.*, s.uid AS file_owner, below(p.path, :packaged) AS is_packaged
  FROM processes p LEFT JOIN set_uid s ON s.path = p.path AND s.mnt_namespace IS p.mnt_namespace
  WHERE p.kernel_thread = 0
    AND (p.uid <> p.euid OR p.suid <> p.euid OR s.uid IS NOT NULL AND s.uid = p.euid AND s.uid <> p.login_uid)
)
SELECT
  CASE
    WHEN is_packaged OR path LIKE '/opt/%' OR container_id IS NOT NULL OR file_owner IS NULL AND uid = 0 THEN 'info'
    WHEN euid = 0 OR suid = 0 THEN 'high'
    ELSE 'medium'
  END AS severity,
  name AS process, min(pid) AS pid, path, coalesce((SELECT username FROM users u WHERE u.uid = found.euid), euid) AS user,
  coalesce((SELECT username FROM users u WHERE u.uid = found.uid), uid) AS real_user, file_owner IS NOT NULL AS set_uid,
  count(*) AS processes, unit, container_id AS container
FROM found
WHERE (is_packaged AND listed(basename(path), :known)) IS NOT 1
GROUP BY path, container_id, uid, euid
ORDER BY path, container_id, uid, euid;
