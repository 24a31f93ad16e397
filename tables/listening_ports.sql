-- Sockets that wait for others to come, one row for each (process, descriptor) that holds one. osquery's columns and codes:
-- protocol 6 tcp, 17 udp, 136 udplite, 132 sctp, 0 unix; family 2 IPv4, 10 IPv6, 1 unix; pid and fd -1 where no owner is known.
-- Here listening means it: a TCP or unix socket in state LISTEN, a UDP socket with a port and no peer.
SELECT pid, local_port AS port, protocol, family, local_address AS address, fd, socket, path, net_namespace
FROM process_open_sockets
WHERE state IN ('LISTEN', 'UNCONNECTED') AND (state = 'LISTEN' OR protocol IN (17, 136))
