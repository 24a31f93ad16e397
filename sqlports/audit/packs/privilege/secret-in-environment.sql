-- title: Secret in the environment of a process
-- severity: low
-- description: A process was started with a password, a token or a key in an environment variable. Its user and root can read it,
--   every program that it starts inherits it, and it ends up in crash reports and in what debug pages show. The secret itself is
--   never shown here. In a container it is info, since it is the usual way there.
-- platform: linux
-- tags: privilege, secrets, attack.T1552.007, cis.3.11
-- requires: root
-- key: variable, process, path, user, container
-- message: {process} (pid {pid}) of user {user} has a secret in {variable} ({value})
-- fix: Give it by a file that only the program may read, as LoadCredential= of systemd and the secrets of containers do.
-- references: https://systemd.io/CREDENTIALS/ https://man7.org/linux/man-pages/man5/proc_pid_environ.5.html
-- false_positives: Programs that take it in no other way, and what only has the name of a secret.
WITH found AS MATERIALIZED (
  SELECT p.pid, p.name, p.path, p.euid, p.unit, p.container_id, e.key AS variable,
    iif(is_secret_name(e.key), '****', coalesce(substr(mask_secrets(json_array(e.value)) ->> 0, 1, 200), '****')) AS value
  FROM process_envs e JOIN processes p ON p.pid = e.pid
  WHERE e.value <> '' AND mask_secrets(e.key || '=' || e.value) IS NOT NULL
)
SELECT iif(container_id IS NULL, 'low', 'info') AS severity,
  variable, value, name AS process, min(pid) AS pid, path,
  coalesce((SELECT username FROM users u WHERE u.uid = found.euid), euid) AS user, count(*) AS processes, unit,
  container_id AS container
FROM found
GROUP BY variable, path, name, euid, container_id
ORDER BY variable, path, name, euid, container_id, pid;
