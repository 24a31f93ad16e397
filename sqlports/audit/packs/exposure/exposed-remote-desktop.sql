-- title: Remote desktop reachable from the network
-- severity: high
-- description: A screen of this machine is offered to other machines: VNC, RDP or an X server. VNC's passwords have eight
--   letters at most and are open to guessing; an X server that listens on TCP gives keyboard and screen to who is let in;
--   RDP is what ransomware comes by. X and VNC are of severity high, the others medium.
-- platform: linux
-- tags: network, exposure, attack.T1021.001, attack.T1021.005, attack.T1133, cis.4.4, cis.4.8
-- requires: root
-- key: protocol, address, port, process, desktop
-- message: {process} (pid {pid}) offers {desktop} on {address} port {port} (scope: {scope})
-- fix: Turn it off, or bind it to 127.0.0.1 and reach it by `ssh -L` or a VPN; start an X server with `-nolisten tcp`.
-- references: https://attack.mitre.org/techniques/T1021/005/ https://attack.mitre.org/techniques/T1021/001/
--   https://man7.org/linux/man-pages/man1/ssh.1.html
-- false_positives: A desktop that is shared on purpose with a private network (severity low or medium): waive it by its
--   address. In a network namespace of its own, as containers have, it is of severity low: there it is reached by the
--   container's neighbours, and by others only where its port is published.
WITH desktops (desktop, protocol, ports, programs) AS (
  -- Where the path may not be read, the program is known by the name that it chose; one that may not be seen is -.
  VALUES ('VNC', 'tcp', '5900-5909', '*'), ('VNC', 'tcp', '*', 'Xvnc*, Xtigervnc*, x11vnc, wayvnc'),
    ('VNC over HTTP', 'tcp', '5800-5809', '*'), ('RDP', 'tcp', '3389', '*'), ('RDP', 'tcp', '*', 'xrdp'),
    ('X', 'tcp', '6000-6063', 'X*'), ('X', 'tcp', '6000', '-'), ('XDMCP', 'udp', '177', '*')
)
SELECT l.protocol, l.address, l.port, l.scope, min(d.desktop) AS desktop, l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN iif(d.desktop IN ('VNC', 'X'), 'high', 'medium')
    ELSE iif(d.desktop IN ('VNC', 'X'), 'medium', 'low')
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
JOIN desktops d ON d.protocol = l.protocol AND listed(l.port, d.ports)
  AND listed(coalesce(basename(p.path), l.name, '-'), d.programs)
WHERE l.protocol IN ('tcp', 'udp') AND l.state IN ('LISTEN', 'UNCONNECTED') AND l.scope <> 'loopback'
-- Of what is known by two of them, the first is taken, with its severity.
GROUP BY l.protocol, l.address, l.port, l.net_namespace, l.pid, l.uid
ORDER BY l.port, l.protocol, l.address, l.pid;
