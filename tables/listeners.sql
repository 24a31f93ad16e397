-- Endpoints where others may come: sockets that listen, and those that have a port or a name and no peer, one row each.
--   protocol         'tcp', 'udp', 'udplite', 'sctp', 'vsock' or 'unix'; MPTCP's are there as TCP's.
--   family           'ipv4', 'ipv6', 'unix' or 'vsock'.
--   type             'stream', 'datagram' or 'seqpacket'.
--   state            'LISTEN'; 'UNCONNECTED' without a handshake; 'BOUND': a TCP port and no more.
--   address          Address that it is bound to.
--   port             Port that it is bound to; NULL of a unix socket.
--   path             Name of a unix socket.
--   scope            How far away a peer may be: 'loopback', 'link', 'address' (who reaches that one), 'all'; NULL of unix.
--   dual_stack       1 for '::' that takes IPv4 as well, else 0; NULL of unix.
--   interface        Network interface that it is bound to; NULL for any.
--   autobound        1 when the kernel chose the port, 0 when the program did; NULL if not told.
--   backlog          Connections that are not accepted yet.
--   backlog_limit    How many may wait; new ones are dropped once there is one more.
--   backlog_use      Share of that which is taken: 1 when the next is dropped.
--   drops            Connections or datagrams dropped here since it was made.
--   siblings         Other sockets on the very same address and port (SO_REUSEPORT).
--   pid              Owner, as in sockets.
--   name             Command name of that process.
--   unit             systemd unit of that process.
--   container_id     Container of that process.
--   owners           How many processes are seen to hold it.
--   owner_reason     'owned', or why pid is NULL.
--   uid              User that made it.
--   inode            JOIN handles USING (inode) for all that hold it.
--   cookie           JOIN sockets USING (cookie) for all else that is known of it.
--   net_namespace    Inode of its network namespace.
WITH bound AS NOT MATERIALIZED (
  SELECT protocol, family, type, state, local_address AS address, local_port AS port, path, interface, autobound, pid, owners,
    owner_reason, uid, backlog, backlog_limit, siblings, v6only, drops, inode, cookie, net_namespace
  FROM sockets
  WHERE protocol IN ('tcp', 'udp', 'udplite', 'sctp', 'vsock', 'unix') AND state IN ('LISTEN', 'BOUND', 'UNCONNECTED')
    AND (local_port IS NOT NULL OR path IS NOT NULL)
)
SELECT protocol, family, type, state, address, port, path,
  CASE
    WHEN family NOT IN ('ipv4', 'ipv6') THEN NULL
    WHEN address LIKE '127.%' OR address = '::1' OR address LIKE '::ffff:127.%' THEN 'loopback'
    WHEN address LIKE '169.254.%' OR address LIKE 'fe8_:%' OR address LIKE 'fe9_:%' OR address LIKE 'fea_:%'
      OR address LIKE 'feb_:%' THEN 'link'
    WHEN address IN ('0.0.0.0', '::', '::ffff:0.0.0.0') THEN 'all'
    ELSE 'address'
  END AS scope,
  CASE WHEN family = 'ipv6' AND address = '::' THEN 1 - v6only WHEN family IN ('ipv4', 'ipv6') THEN 0 END AS dual_stack,
  interface, autobound, backlog, backlog_limit,
  CASE WHEN state = 'LISTEN' THEN round(backlog * 1.0 / (backlog_limit + 1), 3) END AS backlog_use,
  drops,
  siblings,
  pid,
  (SELECT name FROM processes p WHERE p.pid = bound.pid) AS name,
  (SELECT unit FROM processes p WHERE p.pid = bound.pid) AS unit,
  (SELECT container_id FROM processes p WHERE p.pid = bound.pid) AS container_id,
  owners, owner_reason, uid, inode, cookie, net_namespace
FROM bound
