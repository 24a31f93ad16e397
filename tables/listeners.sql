-- Endpoints where others may come: sockets that listen, and those that have a port or a name and no peer. One row each.
-- scope is how far away a peer may be: 'loopback', 'link', 'address' (who reaches that one address), 'all'; NULL for unix.
-- siblings are other sockets on the very same address and port, by SO_REUSEPORT; backlog_use is 1 when the next is dropped.
WITH bound AS NOT MATERIALIZED (
  SELECT protocol, family, type, state, local_address AS address, local_port AS port, path, interface, pid, owners,
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
    WHEN address IN ('0.0.0.0', '::') THEN 'all'
    ELSE 'address'
  END AS scope,
  CASE WHEN family = 'ipv6' AND address = '::' THEN 1 - v6only WHEN family IN ('ipv4', 'ipv6') THEN 0 END AS dual_stack,
  interface, backlog, backlog_limit,
  CASE WHEN state = 'LISTEN' THEN round(backlog * 1.0 / (backlog_limit + 1), 3) END AS backlog_use,
  drops,
  siblings,
  pid,
  (SELECT name FROM processes p WHERE p.pid = bound.pid) AS name,
  (SELECT unit FROM processes p WHERE p.pid = bound.pid) AS unit,
  (SELECT container_id FROM processes p WHERE p.pid = bound.pid) AS container_id,
  owners, owner_reason, uid, inode, cookie, net_namespace
FROM bound
