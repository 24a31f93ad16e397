-- title: Process that fills the memory of its control group
-- severity: medium
-- description: A process alone holds nearly as much memory as its control group may use. At the limit the kernel ends it,
--   or another of the group (the OOM killer): a container or service dies in the middle of its work. Counted is what the
--   process has for itself (resident less shared), so a group of many processes may be nearer to its limit than is told
--   here.
-- platform: linux
-- tags: health, processes, containers
-- requires: root
-- param: share real 0.95 From which share of the limit on it is told.
-- key: process, path, user, cgroup_path
-- message: {process} (pid {pid}) holds {bytes} of the {limit} bytes that {cgroup_path} may use
-- fix: Find what grows. Raise the limit (MemoryMax= of the unit, `docker update --memory`) if it is right that it does.
-- references: https://docs.kernel.org/admin-guide/cgroup-v2.html https://man7.org/linux/man-pages/man7/cgroups.7.html
-- false_positives: A database or JVM that is set to take just its limit, and stays there.
SELECT p.name AS process, p.pid, p.path, p.resident_size - p.shared_size AS bytes, p.memory_limit AS "limit", p.cgroup_path,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM processes p
WHERE p.resident_size - p.shared_size >= :share * p.memory_limit
ORDER BY bytes * 1.0 / p.memory_limit DESC, p.pid;
