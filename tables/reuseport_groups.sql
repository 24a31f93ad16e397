-- Places where several sockets are bound to the very same address and port, between which the kernel divides what comes.
-- One row each. TCP permits it to one user where all set SO_REUSEPORT; UDP also where all set SO_REUSEADDR, as for multicast,
-- which looks the same here.
--   protocol         'tcp', 'udp', 'udplite' or 'sctp'; MPTCP's are there as TCP's.
--   family           'ipv4' or 'ipv6'.
--   address          Address that they are bound to.
--   port             Port that they are bound to.
--   interface        Network interface that they are bound to; NULL for any.
--   sockets          How many there are: they listen, or are bound without a peer where there is no handshake.
--   processes        How many processes own them.
--   programs         How many executables these processes run.
--   names            Their command names, separated by commas.
--   users            How many users made them.
--   mixed            1 when executables or users differ: a second server got in; 0 when not; NULL if not all are known.
--   net_namespace    Inode of their network namespace.
WITH bound AS NOT MATERIALIZED (
  SELECT protocol, family, local_address AS address, local_port AS port, interface, pid, uid, net_namespace,
    (SELECT path FROM processes p WHERE p.pid = s.pid) AS path,
    (SELECT name FROM processes p WHERE p.pid = s.pid) AS name
  FROM sockets s
  WHERE protocol IN ('tcp', 'udp', 'udplite', 'sctp') AND state IN ('LISTEN', 'UNCONNECTED') AND siblings > 0
)
SELECT protocol, family, address, port, interface, count(*) AS sockets, count(DISTINCT pid) AS processes,
  count(DISTINCT path) AS programs, group_concat(DISTINCT name) AS names, count(DISTINCT uid) AS users,
  CASE
    WHEN count(DISTINCT path) > 1 OR count(DISTINCT uid) > 1 THEN 1
    WHEN count(path) = count(*) AND count(uid) = count(*) THEN 0
  END AS mixed,
  net_namespace
FROM bound
GROUP BY net_namespace, protocol, family, address, port, interface
