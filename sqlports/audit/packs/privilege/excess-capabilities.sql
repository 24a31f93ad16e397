-- title: User's process with capabilities of root
-- severity: medium
-- description: A process that is not root's has capabilities by which it can become root, or do what only root can: read
--   and write all files, change its user, look into other processes, load modules. An interpreter with CAP_SETUID is a
--   shell of root. It is info for a program of a package, low for a service of systemd with a program of another place,
--   and low in a container. What has them only in a user namespace of its own (browsers, rootless containers) is not
--   meant.
-- platform: linux
-- tags: privilege, attack.T1548, attack.T1068, cis.5.4
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store, /run/wrappers' Directories in which packages put programs.
-- param: interpreters text 'python*, perl*, ruby*, php*, lua*, node, nodejs, bun, deno, tclsh*, java, sh, bash, dash,
--   ash, zsh, ksh*, gdb, vim*' Programs that do whatever they are told, and count as no package's: patterns of their file
--   names.
-- param: powerful text 'CAP_SYS_ADMIN, CAP_SYS_PTRACE, CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_DAC_OVERRIDE,
--   CAP_DAC_READ_SEARCH, CAP_SETUID, CAP_SETGID, CAP_SETPCAP, CAP_SETFCAP, CAP_CHOWN, CAP_FOWNER, CAP_MKNOD,
--   CAP_MAC_ADMIN, CAP_MAC_OVERRIDE, CAP_BPF, CAP_CHECKPOINT_RESTORE' Capabilities that are as good as root.
-- key: process, path, user, capabilities, container
-- message: {process} (pid {pid}) of user {user} has {capabilities}
-- fix: Take from it what it does not need: setcap on its file, AmbientCapabilities= and CapabilityBoundingSet= in its
--   unit.
-- references: https://man7.org/linux/man-pages/man7/capabilities.7.html https://attack.mitre.org/techniques/T1548/
-- false_positives: Services that were given just these so that they need not be root (sssd, rtkit, monitoring): what
--   remains is the question whether they need them.
WITH powerful AS MATERIALIZED (
  SELECT trim(value) AS name FROM json_each('[' || replace(json_quote(:powerful), ',', '","') || ']')
),
-- The system's own namespaces: of the kernel's threads where they are seen, else of the first process.
host AS MATERIALIZED (
  SELECT user_namespace FROM processes
  WHERE (pid = 1 OR pid = 2 AND kernel_thread = 1) AND user_namespace IS NOT NULL ORDER BY pid DESC LIMIT 1
),
found AS (
  SELECT p.*,
    (SELECT group_concat(name, ', ') FROM powerful WHERE instr('|' || upper(p.cap_effective) || '|', '|' || upper(name) || '|'))
      AS capabilities,
    below(p.path, :packaged) AND NOT listed(basename(p.path), :interpreters) AS is_packaged
  FROM processes p
  WHERE p.euid <> 0 AND p.cap_effective <> '' AND p.user_namespace = (SELECT user_namespace FROM host)
)
SELECT
  CASE
    WHEN container_id IS NOT NULL THEN 'low'
    WHEN is_packaged AND deleted IS NOT 1 THEN 'info'
    WHEN unit LIKE '%.service' AND unit NOT LIKE 'user@%' THEN 'low'
    ELSE 'medium'
  END AS severity,
  name AS process, min(pid) AS pid, path, coalesce((SELECT username FROM users u WHERE u.uid = found.euid), euid) AS user,
  capabilities, nullif(cap_ambient, '') AS ambient, count(*) AS processes, unit, container_id AS container
FROM found
WHERE capabilities IS NOT NULL
GROUP BY path, name, euid, capabilities, container_id, severity
ORDER BY path, name, euid, capabilities, container_id, pid;
