-- title: Who may be reading the network's packets, or makes its own?
-- description: Packet and raw sockets. A DHCP client has one as well; subprotocol all and an interface NULL, which is
--   any, is what tcpdump looks like.
-- tags: sockets, security
SELECT s.protocol, s.family, s.type, s.subprotocol, s.interface, s.pid, p.name AS process,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, s.uid)) AS user, p.path,
  nullif(s.owner_reason, 'owned') AS why_no_pid, s.net_namespace
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol IN ('packet', 'raw')
ORDER BY s.protocol, s.pid, s.inode;
