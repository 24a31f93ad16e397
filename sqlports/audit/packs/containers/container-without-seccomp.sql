-- title: Container without a filter of system calls
-- severity: info
-- description: A process of a container may make every system call of the kernel (seccomp is off). The filter that
--   runtimes have closed many ways out of containers before they were known. Kubernetes has it off unless a pod asks for
--   it.
-- platform: linux
-- tags: containers, privilege, attack.T1611
-- requires: root
-- key: container, process
-- message: {process} (pid {pid}) of container {container} ({runtime}) may make every system call
-- fix: Leave out seccomp=unconfined; in Kubernetes set seccompProfile to RuntimeDefault, or seccompDefault of the
--   kubelet.
-- references: https://docs.kernel.org/userspace-api/seccomp_filter.html https://docs.docker.com/engine/security/seccomp/
-- false_positives: Containers that debug or trace, and what runs a cluster.
SELECT p.container_id AS container, p.container_runtime AS runtime, p.name AS process, min(p.pid) AS pid, p.path,
  coalesce((SELECT username FROM users u WHERE u.uid = p.euid), p.euid) AS user, p.unit, p.pod_uid AS pod, count(*) AS processes
FROM processes p
WHERE p.container_id IS NOT NULL AND p.seccomp = 'disabled'
GROUP BY p.container_id, p.container_runtime, p.name
ORDER BY p.container_id, p.name, pid;
