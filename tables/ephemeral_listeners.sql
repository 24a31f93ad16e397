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
SELECT s.protocol, s.family, s.state, s.local_address AS address, s.local_port AS port, s.autobound, r.low, r.high, s.pid,
  (SELECT name FROM processes p WHERE p.pid = s.pid) AS name,
  (SELECT unit FROM processes p WHERE p.pid = s.pid) AS unit,
  (SELECT container_id FROM processes p WHERE p.pid = s.pid) AS container_id,
  s.owner_reason, s.inode, s.cookie, s.net_namespace
FROM sockets s JOIN port_ranges r ON r.net_namespace IS s.net_namespace AND s.local_port BETWEEN r.low AND r.high
WHERE r.name = 'ephemeral' AND s.protocol IN ('tcp', 'udp', 'udplite', 'sctp')
  AND s.state IN ('LISTEN', 'BOUND', 'UNCONNECTED') AND s.remote_port IS NULL
  AND (r.reserved = 0 OR NOT EXISTS (
    SELECT 1 FROM port_ranges kept
    WHERE kept.name = 'reserved' AND kept.net_namespace IS s.net_namespace AND s.local_port BETWEEN kept.low AND kept.high
  ))
  AND (s.state = 'LISTEN' OR s.autobound IS NOT 1)
