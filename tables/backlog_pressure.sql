-- Listeners that accept too slowly: three quarters of their queue is full or more, or they have dropped. The fullest first.
--   protocol         'tcp', 'sctp', 'vsock' or 'unix'; MPTCP's are there as TCP's.
--   family           'ipv4', 'ipv6', 'unix' or 'vsock'.
--   address          Address that it is bound to.
--   port             Port that it is bound to; NULL of a unix socket.
--   path             Name of a unix socket.
--   backlog          Connections that are not accepted yet.
--   backlog_limit    How many may wait; new ones are dropped once there is one more.
--   backlog_use      Share of that which is taken: 1 when the next is dropped.
--   drops            Connections dropped here since it was made.
--   pid              Owner, as in sockets.
--   name             Command name of that process.
--   unit             systemd unit of that process.
--   container_id     Container of that process.
--   owner_reason     'owned', or why pid is NULL.
--   inode            JOIN handles USING (inode) for all that hold it.
--   cookie           JOIN sockets USING (cookie) for all else that is known of it.
--   net_namespace    Inode of its network namespace.
SELECT protocol, family, address, port, path, backlog, backlog_limit, backlog_use, drops, pid, name, unit, container_id,
  owner_reason, inode, cookie, net_namespace
FROM listeners
WHERE state = 'LISTEN' AND (backlog_use >= 0.75 OR drops > 0)
ORDER BY backlog_use DESC, drops DESC
