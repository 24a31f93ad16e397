-- title: Container whose root is the host's root
-- severity: info
-- description: Processes of a container run as root, and not in a user namespace of their own. Who gets out of the
--   container, by a fault of the kernel or of the runtime, is root of the host. Most containers are so.
-- platform: linux
-- tags: containers, privilege, attack.T1611
-- requires: root
-- key: container
-- message: Container {container} ({runtime}; {process}, pid {pid}) runs as the root of the host
-- fix: Let it run as a user (USER, --user, runAsNonRoot), or in a user namespace (userns-remap, rootless, hostUsers of a
--   pod).
-- references: https://man7.org/linux/man-pages/man7/user_namespaces.7.html
--   https://docs.docker.com/engine/security/userns-remap/
-- false_positives: None: it is so, and it is usual.
WITH
-- The system's own namespaces: of the kernel's threads where they are seen, else of the first process.
host AS MATERIALIZED (
  SELECT user_namespace FROM processes
  WHERE (pid = 1 OR pid = 2 AND kernel_thread = 1) AND user_namespace IS NOT NULL ORDER BY pid DESC LIMIT 1
)
SELECT p.container_id AS container, p.container_runtime AS runtime, p.name AS process, min(p.pid) AS pid, p.path,
  'root' AS user, p.unit, p.pod_uid AS pod, count(*) AS processes
FROM processes p
WHERE p.container_id IS NOT NULL AND p.euid = 0 AND p.user_namespace = (SELECT user_namespace FROM host)
GROUP BY p.container_id, p.container_runtime
ORDER BY p.container_id, p.container_runtime;
