-- Sockets that wait for others to come, one row for each (process, descriptor) that holds one. osquery's columns and codes.
-- Here listening means it: a TCP or unix socket in state LISTEN, a UDP socket with a port and no peer.
--   pid              Process that holds it; -1 where none is known to.
--   port             Port; 0 of a unix socket.
--   protocol         6 tcp, 17 udp, 136 udplite, 132 sctp, 0 unix.
--   family           2 IPv4, 10 IPv6, 1 unix.
--   address          Address that it is bound to; '' of a unix socket.
--   fd               Its descriptor; -1 where there is none.
--   socket           Inode.
--   path             Name of a unix socket; '' for none.
--   net_namespace    Inode of its network namespace, as text.
SELECT pid, local_port AS port, protocol, family, local_address AS address, fd, socket, path, net_namespace
FROM process_open_sockets
WHERE state IN ('LISTEN', 'UNCONNECTED') AND (state = 'LISTEN' OR protocol IN (17, 136))
