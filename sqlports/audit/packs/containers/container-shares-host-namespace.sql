-- title: Container that shares namespaces of the host
-- severity: medium
-- description: All processes of a container are in a namespace of the host. With the mount namespace it has all files of
--   the host (high), with the PID namespace it sees and may trace its processes (medium), with the network namespace it
--   reaches what listens on 127.0.0.1 and hears its traffic, with the others it reaches shared memory or the host name
--   (low).
-- platform: linux
-- tags: containers, privilege, attack.T1611, attack.T1610
-- requires: root
-- key: container, shared
-- message: Container {container} ({runtime}; {process}, pid {pid}) shares {shared} with the host
-- fix: Start it without --network=host, --pid=host, --ipc=host, --uts=host (hostNetwork, hostPID, hostIPC of a pod).
-- references: https://man7.org/linux/man-pages/man7/namespaces.7.html https://attack.mitre.org/techniques/T1611/
--   https://kubernetes.io/docs/concepts/security/pod-security-standards/
-- false_positives: What runs a cluster: kube-proxy, network plug-ins (network), exporters and security agents (pid,
--   network).
WITH
-- The system's own namespaces: of the kernel's threads where they are seen, else of the first process.
host AS MATERIALIZED (
  SELECT net_namespace, pid_namespace, ipc_namespace, mnt_namespace, uts_namespace FROM processes
  WHERE (pid = 1 OR pid = 2 AND kernel_thread = 1) AND user_namespace IS NOT NULL ORDER BY pid DESC LIMIT 1
),
-- A supervisor in the control group of its container, as systemd-nspawn's, does not make the container share.
containers AS (
  SELECT p.container_id AS container, p.container_runtime AS runtime, min(p.pid) AS pid, p.name, p.path, p.euid, p.pod_uid,
    p.unit, count(*) AS processes,
    min(p.mnt_namespace = h.mnt_namespace) AS mount, min(p.pid_namespace = h.pid_namespace) AS pids,
    min(p.net_namespace = h.net_namespace) AS network, min(p.ipc_namespace = h.ipc_namespace) AS ipc,
    min(p.uts_namespace = h.uts_namespace) AS uts
  FROM processes p CROSS JOIN host h
  WHERE p.container_id IS NOT NULL
  GROUP BY p.container_id, p.container_runtime
)
SELECT CASE WHEN mount THEN 'high' WHEN pids THEN 'medium' ELSE 'low' END AS severity,
  container, runtime,
  substr(iif(mount, ', mount', '') || iif(pids, ', pid', '') || iif(network, ', network', '') || iif(ipc, ', ipc', '')
    || iif(uts, ', uts', ''), 3) AS shared,
  name AS process, pid, path, coalesce((SELECT username FROM users u WHERE u.uid = euid), euid) AS user, unit, pod_uid AS pod,
  processes
FROM containers
WHERE mount OR pids OR network OR ipc OR uts
ORDER BY container, runtime;
