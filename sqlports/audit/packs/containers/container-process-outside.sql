-- title: Process of a container that is in the host's mounts
-- severity: high
-- description: A process belongs to a container by its control group, and it has the mount namespace of the host, while
--   others of the container have not: it has left the container (nsenter, an escape) and has all files of the host.
-- platform: linux
-- tags: containers, intrusion, attack.T1611
-- requires: root
-- param: runtimes text '/usr/bin/systemd-nspawn, /usr/bin/runc, /usr/sbin/runc, /usr/local/bin/runc,
--   /usr/local/sbin/runc, /usr/bin/crun, /usr/lib/*/runc, /usr/bin/conmon, /usr/libexec/*/conmon, /usr/bin/lxc-*,
--   /usr/bin/containerd-shim*, /usr/local/bin/containerd-shim*, /proc/self/exe, /memfd:runc_cloned*, / (deleted)'
--   Programs that start containers, and are so for a moment or for as long as the container lives: patterns of their
--   paths.
-- key: container, process, path
-- message: {process} (pid {pid}) of container {container} ({runtime}) is in the mount namespace of the host
-- fix: Find out who started it (SELECT * FROM process_tree WHERE descendant = …). If nobody did so on purpose, the host
--   is taken.
-- references: https://attack.mitre.org/techniques/T1611/ https://man7.org/linux/man-pages/man1/nsenter.1.html
-- false_positives: Tools that give a shell on a node of a cluster, and agents that start nsenter for what they do.
WITH
-- The system's own namespaces: of the kernel's threads where they are seen, else of the first process.
host AS MATERIALIZED (
  SELECT mnt_namespace FROM processes
  WHERE (pid = 1 OR pid = 2 AND kernel_thread = 1) AND user_namespace IS NOT NULL ORDER BY pid DESC LIMIT 1
),
inside AS MATERIALIZED (
  SELECT DISTINCT container_id FROM processes
  WHERE container_id IS NOT NULL AND mnt_namespace <> (SELECT mnt_namespace FROM host)
)
SELECT p.container_id AS container, p.container_runtime AS runtime, p.name AS process, min(p.pid) AS pid, p.path,
  coalesce((SELECT username FROM users u WHERE u.uid = p.euid), p.euid) AS user, p.unit, p.pod_uid AS pod, count(*) AS processes
FROM processes p
WHERE p.container_id IN (SELECT container_id FROM inside) AND p.mnt_namespace = (SELECT mnt_namespace FROM host)
  AND listed(p.path, :runtimes) IS NOT 1
GROUP BY p.container_id, p.container_runtime, p.name, p.path
ORDER BY p.container_id, p.name, p.path, pid;
