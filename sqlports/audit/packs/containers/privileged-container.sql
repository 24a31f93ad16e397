-- title: Privileged container
-- severity: high
-- description: A process in a container has the capabilities to load modules and to administer the system, and no filter
--   of system calls, as `--privileged` gives them. It gets out of the container with a few commands (mounting a disk of
--   the host is one). Containers in a user namespace of their own are not meant: there the capabilities hold for their
--   own things only.
-- platform: linux
-- tags: containers, privilege, attack.T1611, attack.T1610
-- requires: root
-- key: container, process
-- message: Container {container} ({runtime}) is privileged: {process} (pid {pid}) has {capabilities} capabilities and no
--   seccomp
-- fix: Start it without --privileged, and give it the single capabilities and devices that it needs.
-- references: https://attack.mitre.org/techniques/T1611/ https://man7.org/linux/man-pages/man7/capabilities.7.html
--   https://docs.kernel.org/userspace-api/seccomp_filter.html
-- false_positives: What runs a cluster (kube-proxy, network and storage plug-ins), builders of images, and LXC containers
--   that were made to be like a machine.
WITH
-- The system's own namespaces: of the kernel's threads where they are seen, else of the first process.
host AS MATERIALIZED (
  SELECT user_namespace, mnt_namespace FROM processes
  WHERE (pid = 1 OR pid = 2 AND kernel_thread = 1) AND user_namespace IS NOT NULL ORDER BY pid DESC LIMIT 1
)
SELECT p.container_id AS container, p.container_runtime AS runtime, p.name AS process, min(p.pid) AS pid, p.path,
  length(p.cap_effective) - length(replace(p.cap_effective, '|', '')) + 1 AS capabilities, p.seccomp, p.lsm_label,
  coalesce((SELECT username FROM users u WHERE u.uid = p.euid), p.euid) AS user, p.unit, p.pod_uid AS pod, count(*) AS processes
FROM processes p
WHERE p.container_id IS NOT NULL AND p.seccomp = 'disabled'
  AND instr('|' || p.cap_effective || '|', '|CAP_SYS_ADMIN|') AND instr('|' || p.cap_effective || '|', '|CAP_SYS_MODULE|')
  AND p.user_namespace = (SELECT user_namespace FROM host)
  -- A process in the host's mounts is the container's runtime, or has left it already, which another audit tells.
  AND p.mnt_namespace IS NOT (SELECT mnt_namespace FROM host)
GROUP BY p.container_id, p.container_runtime, p.name
ORDER BY p.container_id, p.name, pid;
