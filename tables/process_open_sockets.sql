-- Sockets, one row for each (process, descriptor) that holds one, and one for each socket that no process is known to hold.
-- osquery's columns and codes. MPTCP is there by its TCP sockets.
--   pid              Process that holds it; -1 where none is known to.
--   fd               Its descriptor; -1 where there is none.
--   socket           Inode; -1 where it has none.
--   family           2 IPv4, 10 IPv6, 1 unix, 17 packet.
--   protocol         6 tcp, 17 udp, 136 udplite, 132 sctp, 255 raw, 1 icmp, 0 unix and packet.
--   local_address    Address of this end; '' where there is none.
--   remote_address   Address of the other end; '0.0.0.0', '::' or '' where there is none.
--   local_port       Port of this end; 0 where there is none.
--   remote_port      Port of the other end; 0 where there is none.
--   path             Name of a unix socket; '' for none.
--   state            As in sockets.
--   net_namespace    Inode of its network namespace, as text.
WITH coded AS NOT MATERIALIZED (
  SELECT pid, inode, state, named_pid, named_fd,
    -- Compared as columns are that were declared, '6' with 6 too.
    CAST(CASE family WHEN 'ipv4' THEN 2 WHEN 'ipv6' THEN 10 WHEN 'packet' THEN 17 ELSE 1 END AS INTEGER) AS family,
    CAST(CASE protocol
      WHEN 'tcp' THEN 6 WHEN 'udp' THEN 17 WHEN 'udplite' THEN 136 WHEN 'sctp' THEN 132 WHEN 'raw' THEN 255 WHEN 'icmp' THEN 1
      ELSE 0
    END AS INTEGER) AS protocol,
    coalesce(local_address, '') AS local_address,
    coalesce(remote_address, CASE family WHEN 'ipv4' THEN '0.0.0.0' WHEN 'ipv6' THEN '::' ELSE '' END) AS remote_address,
    CAST(coalesce(local_port, 0) AS INTEGER) AS local_port,
    CAST(coalesce(remote_port, 0) AS INTEGER) AS remote_port,
    coalesce(path, '') AS path,
    CAST(net_namespace AS TEXT) AS net_namespace
  FROM sockets
  WHERE protocol IN ('tcp', 'udp', 'udplite', 'sctp', 'raw', 'icmp', 'unix', 'packet')
)
SELECT h.pid AS pid, h.fd AS fd, s.inode AS socket, family, protocol, local_address, remote_address, local_port, remote_port,
  path, state, net_namespace
FROM coded s JOIN handles h ON h.inode = s.inode
UNION ALL
SELECT CAST(-1 AS INTEGER), CAST(-1 AS INTEGER), CAST(coalesce(inode, -1) AS INTEGER), family, protocol, local_address,
  remote_address, local_port, remote_port, path, state, net_namespace
FROM coded WHERE pid IS NULL
UNION ALL
SELECT named_pid, CAST(coalesce(named_fd, -1) AS INTEGER), CAST(-1 AS INTEGER), family, protocol, local_address,
  remote_address, local_port, remote_port, path, state, net_namespace
FROM coded WHERE named_pid IS NOT NULL
