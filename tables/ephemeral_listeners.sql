-- Services on a port that the kernel may hand to a client first: they fail to start on the day that it did. One row each.
-- It is a port of ip_local_port_range there and not of ip_local_reserved_ports, which is the remedy. Whose namespace does not
-- tell its range is left out, and scan_errors tells so. What has a port that the kernel chose and does not listen is a client.
--   protocol         'tcp', 'udp', 'udplite' or 'sctp'.
--   family           'ipv4' or 'ipv6'.
--   state            'LISTEN'; 'UNCONNECTED' without a handshake; 'BOUND': a TCP port and no more.
--   address          Address that it is bound to.
--   port             Port that it is bound to.
--   autobound        0 when it asked for that very port, 1 when it takes whatever the kernel gives; NULL if not told.
--   low              First port that the kernel hands out there.
--   high             Last port that the kernel hands out there.
--   pid              Owner, as in sockets.
--   name             Command name of that process.
--   unit             systemd unit of that process.
--   container_id     Container of that process.
--   owner_reason     'owned', or why pid is NULL.
--   inode            JOIN handles USING (inode) for all that hold it.
--   cookie           JOIN sockets USING (cookie) for all else that is known of it.
--   net_namespace    Inode of its network namespace.
WITH RECURSIVE
-- Port by port, for whoever has a namespace of his own may reserve every other one, in a range each.
-- They are looked for as one number: of two, SQLite would read all for each that is not among them.
reserved (namespace, port, high) AS (
  SELECT coalesce(net_namespace, 0), low, high FROM port_ranges WHERE name = 'reserved'
  UNION ALL SELECT namespace, port + 1, high FROM reserved WHERE port < high
)
SELECT s.protocol, s.family, s.state, s.local_address AS address, s.local_port AS port, s.autobound, r.low, r.high, s.pid,
  (SELECT name FROM processes p WHERE p.pid = s.pid) AS name,
  (SELECT unit FROM processes p WHERE p.pid = s.pid) AS unit,
  (SELECT container_id FROM processes p WHERE p.pid = s.pid) AS container_id,
  s.owner_reason, s.inode, s.cookie, s.net_namespace
FROM sockets s JOIN port_ranges r ON r.net_namespace IS s.net_namespace AND s.local_port BETWEEN r.low AND r.high
WHERE r.name = 'ephemeral' AND s.protocol IN ('tcp', 'udp', 'udplite', 'sctp')
  AND s.state IN ('LISTEN', 'BOUND', 'UNCONNECTED') AND s.remote_port IS NULL
  AND (r.reserved = 0
    OR (coalesce(s.net_namespace, 0) << 16 | s.local_port) NOT IN (SELECT namespace << 16 | port FROM reserved))
  AND (s.state = 'LISTEN' OR s.autobound IS NOT 1)
