-- title: Socket that has an interface take in all packets
-- severity: high
-- description: A process has a packet socket that puts a network interface into promiscuous mode: it hears also what is
--   meant for other machines. That is what sniffers do, to get at passwords and sessions. It is medium where the program
--   is one that a package installed, as tcpdump.
-- platform: linux
-- tags: intrusion, network, attack.T1040
-- requires: root
-- param: packaged text '/usr/bin, /usr/sbin, /usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /bin, /sbin, /lib, /lib32,
--   /lib64, /snap, /nix/store, /gnu/store' Directories in which packages put programs.
-- param: interpreters text 'python*, perl*, ruby*, php*, lua*, node, nodejs, bun, deno, tclsh*, java' Programs that count
--   as what they run, and not as a package's: patterns of their file names.
-- key: path, process, interface
-- message: {process} (pid {pid}) listens to all packets, on interface {interface}
-- fix: End the capture when it is done. If nobody began one, find out who started the process.
-- references: https://attack.mitre.org/techniques/T1040/ https://man7.org/linux/man-pages/man7/packet.7.html
-- false_positives: An administrator who looks for a fault with tcpdump or Wireshark; intrusion detection (Suricata, Zeek,
--   Snort), arpwatch and probes of traffic. An interface that was made promiscuous with `ip link` is not told by any
--   socket.
SELECT
  CASE
    WHEN below(p.path, :packaged) AND NOT listed(basename(p.path), :interpreters) THEN 'medium'
    ELSE 'high'
  END AS severity,
  coalesce(s.interface, 'any') AS interface, s.subprotocol, p.name AS process, coalesce(h.pid, s.pid) AS pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, s.uid)) AS user, p.unit, p.container_id AS container,
  nullif(s.owner_reason, 'owned') AS why_no_pid
FROM sockets s
  LEFT JOIN handles h ON h.inode = s.inode
  LEFT JOIN processes p ON p.pid = h.pid
WHERE s.protocol = 'packet' AND instr('|' || s.options || '|', '|promiscuous|')
GROUP BY s.cookie, h.pid
ORDER BY p.path, h.pid, s.interface, s.cookie;
