-- title: Secret in a command line
-- severity: medium
-- description: A process was started with a password, a token or a key among its arguments. Every user of the machine can
--   read those (ps), and they stay in histories, logs and monitoring. The secret itself is never shown here. In a
--   container it is low: others there are fewer.
-- platform: linux
-- tags: privilege, secrets, attack.T1552, attack.T1057, cis.3.11
-- requires: root
-- key: process, path, user, container, command
-- message: {process} (pid {pid}) of user {user} was started with a secret: {command}
-- fix: Change the secret, and give it by a file that only the program may read (--password-file, LoadCredential= in the
--   unit) or by its standard input.
-- references: https://attack.mitre.org/techniques/T1552/ https://man7.org/linux/man-pages/man5/proc_pid_cmdline.5.html
-- false_positives: What only has the name of a secret, as a token that everybody may know, and passwords of test
--   databases.
WITH found AS MATERIALIZED (
  SELECT pid, name, path, euid, unit, container_id, mask_secrets(argv) AS argv FROM processes WHERE argv IS NOT NULL
)
SELECT iif(container_id IS NULL, 'medium', 'low') AS severity,
  name AS process, min(pid) AS pid, path, coalesce((SELECT username FROM users u WHERE u.uid = found.euid), euid) AS user,
  substr((SELECT group_concat(value, ' ') FROM json_each(found.argv)), 1, 400) AS command,
  count(*) AS processes, unit, container_id AS container
FROM found
WHERE argv IS NOT NULL
GROUP BY path, name, euid, container_id, argv
ORDER BY path, name, euid, container_id, pid;
