-- title: Raw or packet socket of an unusual program
-- severity: medium
-- description: A program that no package installed, or an interpreter, has a socket by which it reads or makes packets as
--   they are on the wire, past the firewall and past all ports. Back doors wait in that way for a packet that wakes them,
--   and open no port that could be seen; scanners and tools that fake packets need it as well. It is low in a container,
--   and where the holder is not known. The programs that systems come with (ping, DHCP clients, NetworkManager) are not
--   meant.
-- platform: linux
-- tags: intrusion, network, attack.T1205.002, attack.T1095, attack.T1040
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store' Directories in which packages put programs.
-- param: interpreters text 'python*, perl*, ruby*, php*, lua*, node, nodejs, bun, deno, tclsh*, java, sh, bash, dash,
--   ash, zsh, ksh*' Programs that count as what they run, and not as a package's: patterns of their file names.
-- key: protocol, subprotocol, path, process
-- message: {process} (pid {pid}) has a {protocol} socket for {subprotocol} packets
-- fix: Find out what the program is for. If it is not needed, end it and take CAP_NET_RAW from its unit or container.
-- references: https://attack.mitre.org/techniques/T1205/002/ https://man7.org/linux/man-pages/man7/raw.7.html
--   https://man7.org/linux/man-pages/man7/packet.7.html
-- false_positives: Network programs that were installed by hand or are scripts: monitoring by ping, VRRP, routing, VPNs.
SELECT CASE WHEN p.container_id IS NOT NULL OR p.path IS NULL THEN 'low' ELSE 'medium' END AS severity,
  s.protocol, coalesce(s.subprotocol, 'no') AS subprotocol, s.interface, p.name AS process, min(h.pid) AS pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, s.uid)) AS user, p.unit, p.container_id AS container,
  count(DISTINCT s.cookie) AS sockets, nullif(s.owner_reason, 'owned') AS why_no_pid
FROM sockets s
  LEFT JOIN handles h ON h.inode = s.inode
  LEFT JOIN processes p ON p.pid = h.pid
WHERE s.protocol IN ('packet', 'raw') AND NOT coalesce(instr('|' || s.options || '|', '|promiscuous|'), 0)
  -- Without the right to see who holds it, and of the kernel's own, nothing can be said.
  AND (p.path IS NOT NULL OR s.owner_reason IN ('unknown', 'in_flight', 'io_uring'))
  AND (p.deleted IS NOT 1 AND below(p.path, :packaged) AND NOT listed(basename(p.path), :interpreters)) IS NOT 1
GROUP BY s.protocol, s.subprotocol, s.interface, coalesce(p.path, s.cookie), p.name
ORDER BY s.protocol, s.subprotocol, p.path, pid;
