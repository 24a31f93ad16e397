-- Who may be reading the network's packets, or sends its own: packet and raw sockets?
-- A DHCP client has one as well; subprotocol 'all' and an interface NULL, which is any, is what tcpdump looks like.
SELECT s.protocol, s.family, s.type, s.subprotocol, s.interface, s.pid, p.name, p.path, s.uid, s.owner_reason, s.net_namespace
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol IN ('packet', 'raw')
ORDER BY s.protocol, s.pid;
