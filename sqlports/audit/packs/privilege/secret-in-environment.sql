-- title: Secret in the environment of a process
-- severity: low
-- description: A process was started with a password, a token or a key in an environment variable. Its user and root can
--   read it, every program that it starts inherits it, and it ends up in crash reports and in what debug pages show. The
--   secret itself is never shown here. In a container it is info, since it is the usual way there.
-- platform: linux
-- tags: privilege, secrets, attack.T1552.007, cis.3.11
-- requires: root
-- key: variable, process, path, user, container
-- message: {process} (pid {pid}) of user {user} has a secret in {variable} ({value})
-- fix: Give it by a file that only the program may read, as LoadCredential= of systemd and the secrets of containers do.
-- references: https://systemd.io/CREDENTIALS/ https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html
-- false_positives: Programs that take it in no other way, and what only has the name of a secret.
-- Most variables are inherited: each is looked at once, however many processes have it.
WITH variables AS MATERIALIZED (SELECT DISTINCT key, value FROM process_envs WHERE value <> ''),
secrets AS MATERIALIZED (
  SELECT key, value,
    iif(is_secret_name(key), '****', coalesce(substr(mask_secrets(json_array(value)) ->> 0, 1, 200), '****')) AS shown
  FROM variables
  WHERE mask_secrets(key || '=' || value) IS NOT NULL
),
found AS (
  SELECT p.*, s.key AS variable, s.shown
  FROM secrets s
    CROSS JOIN process_envs e ON e.key = s.key AND e.value = s.value
    CROSS JOIN processes p ON p.pid = e.pid
)
SELECT iif(container_id IS NULL, 'low', 'info') AS severity,
  variable, shown AS value, name AS process, min(pid) AS pid, path,
  coalesce((SELECT username FROM users u WHERE u.uid = found.euid), euid) AS user, count(*) AS processes, unit,
  container_id AS container
FROM found
GROUP BY variable, path, name, euid, container_id
ORDER BY variable, path, name, euid, container_id, pid;
