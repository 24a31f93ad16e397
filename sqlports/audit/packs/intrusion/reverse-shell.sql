-- title: Shell whose input comes from the network
-- severity: critical
-- description: A shell has a network connection as its standard input or output, or an interpreter (Python, Perl, …), or
--   a program that no package installs, has one as both. Whoever is at the other end types commands here: it is how an
--   intruder's reverse or bind shell looks. Where systemd, inetd or xinetd listens and started it for one connection, as
--   they do for services that are scripts, it is low; it is high of a program that is neither a shell nor an interpreter,
--   low of an interpreter whose parent listens and is of the same service, and medium where a shell has opened a connection
--   by itself (/dev/tcp) that is none of its streams.
-- platform: linux
-- tags: intrusion, attack.T1059.004, attack.T1071
-- requires: root
-- param: shells text 'sh, bash, rbash, dash, ash, zsh, ksh, ksh93, mksh, lksh, pdksh, fish, csh, tcsh, busybox, toybox,
--   pwsh, yash, es, rc, elvish, nu' Shells: patterns of the file names of programs.
-- param: interpreters text 'python*, perl*, ruby*, php*, lua*, luajit*, node, nodejs, bun, deno, tclsh*, wish*, expect,
--   awk, gawk, mawk, guile*, java, R' Interpreters: patterns of the file names of programs.
-- param: connecting text 'bash, rbash, ksh, ksh93, zsh, gawk' Shells and interpreters that connect by themselves: patterns of
--   the file names of programs.
-- param: servers text '/usr/lib/systemd/systemd, /lib/systemd/systemd, /usr/sbin/inetd, /usr/sbin/xinetd,
--   /usr/sbin/inetutils-inetd, /usr/sbin/openbsd-inetd, /usr/bin/tcpserver' Programs that start a service for each
--   connection.
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store' Directories in which packages put programs.
-- key: path, user, protocol, remote_address
-- message: {process} (pid {pid}, user {user}) takes its commands from {remote_address} port {remote_port}: {path} has
--   that connection as its {stream}
-- fix: It is an incident: keep the machine as it is, note what is open (sqlports run open-files --pid PID), cut it off from
--   the network, and find out by which process it was started.
-- references: https://attack.mitre.org/techniques/T1059/004/ https://man7.org/linux/man-pages/man2/dup.2.html
-- false_positives: Services that are scripts, started by systemd (Accept=yes) or inetd for each connection, as Checkmk's
--   agent: these are low. Programs of your own that are started so. A
--   script that asks a server by /dev/tcp, for as long as it does (medium).
WITH programs AS (
  SELECT *, basename(path) AS file FROM processes
  WHERE kernel_thread IS NOT 1 AND path IS NOT NULL
),
kinds AS (
  SELECT *,
    CASE
      WHEN listed(file, :shells) THEN 'shell'
      WHEN listed(file, :interpreters) THEN 'interpreter'
      WHEN deleted = 1 OR NOT below(path, :packaged) THEN 'program'
    END AS kind
  FROM programs
),
streams AS (
  SELECT p.*, i.inode AS input, o.inode AS output
  FROM kinds p
    LEFT JOIN handles i ON i.pid = p.pid AND i.fd = 0 AND i.tid IS NULL AND i.type = 'socket'
    LEFT JOIN handles o ON o.pid = p.pid AND o.fd = 1 AND o.tid IS NULL AND o.type = 'socket'
  WHERE kind IS NOT NULL
),
ends AS MATERIALIZED (
  SELECT *, CASE WHEN input IS output THEN 'input and output' WHEN input IS NULL THEN 'output' ELSE 'input' END AS stream,
    coalesce(input, output) AS inode
  FROM streams
  WHERE kind = 'shell' AND coalesce(input, output) IS NOT NULL OR input = output
  UNION ALL
  -- One connection for each direction.
  SELECT *, 'output', output FROM streams WHERE kind = 'shell' AND input <> output
  UNION ALL
  -- By any descriptor, in a program that connects by itself (/dev/tcp). What another program had before it is inherited.
  SELECT p.*, NULL, NULL, 'descriptor ' || min(h.fd), h.inode
  FROM kinds p CROSS JOIN handles h ON h.pid = p.pid AND h.type = 'socket' AND h.tid IS NULL AND h.fd > 2
  WHERE listed(p.file, :connecting) AND NOT EXISTS (
    SELECT 1 FROM handles o CROSS JOIN processes q ON q.pid = o.pid
    WHERE o.inode = h.inode AND NOT coalesce(listed(basename(q.path), :connecting), 0)
      AND (q.started < p.started OR q.pid = p.parent)
  )
  GROUP BY p.pid, h.inode
)
SELECT
  CASE
    WHEN EXISTS (
      SELECT 1 FROM processes q CROSS JOIN handles h ON h.pid = q.pid CROSS JOIN sockets l ON l.inode = h.inode
      WHERE q.pid = p.parent AND q.deleted = 0 AND listed(q.path, :servers)
        AND l.state = 'LISTEN' AND l.local_port = s.local_port AND l.net_namespace IS s.net_namespace
    ) THEN 'low'
    WHEN p.stream LIKE 'descriptor %' THEN 'medium'
    WHEN p.kind = 'interpreter' AND p.unit LIKE '%.service' AND p.unit NOT LIKE 'user@%' AND EXISTS (
      SELECT 1 FROM processes q CROSS JOIN handles h ON h.pid = q.pid CROSS JOIN sockets l ON l.inode = h.inode
      WHERE q.pid = p.parent AND q.path = p.path AND q.unit = p.unit
        AND l.state = 'LISTEN' AND l.local_port = s.local_port AND l.net_namespace IS s.net_namespace
    ) THEN 'low'
    WHEN p.kind = 'program' THEN 'high'
    ELSE 'critical'
  END AS severity,
  p.name AS process, p.pid, p.path, p.stream, s.protocol, s.local_address, s.local_port, s.remote_address,
  s.remote_port, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container,
  p.parent AS parent_pid
FROM ends p CROSS JOIN sockets s ON s.inode = p.inode
WHERE s.protocol IN ('tcp', 'udp', 'udplite', 'sctp', 'mptcp', 'vsock') AND s.remote_port IS NOT NULL AND s.ulp IS NOT 'mptcp'
  AND (p.stream NOT LIKE 'descriptor %' OR NOT is_loopback(s.remote_address) AND NOT EXISTS (
    SELECT 1 FROM sockets l WHERE l.state = 'LISTEN' AND l.local_port = s.local_port AND l.net_namespace IS s.net_namespace
  ) AND NOT EXISTS (SELECT 1 FROM ends e WHERE e.pid = p.pid AND e.inode = p.inode AND e.stream NOT LIKE 'descriptor %'))
ORDER BY p.pid, p.stream, s.protocol;
