-- title: What is in the way of a server that wants a port?
-- description: Sockets in every state, privilege, reserved ports and the rest. No row whose verdict begins with
--   blocks: it can have the port, if it sets SO_REUSEADDR as servers do.
-- param: port integer The port.
-- param: protocol tcp|udp tcp The protocol.
-- param: address text '::' The address it wants to be bound to; '::' takes all, those of IPv4 too.
-- tags: ports
SELECT verdict, why, obstacle, state, local_address, remote_address, remote_port, pid, name AS process,
  nullif(owner_reason, 'owned') AS why_no_pid
FROM port_conflicts
WHERE port = :port AND protocol = :protocol AND address = :address AND reuse_address = 1 AND reuse_port = 0
ORDER BY verdict LIKE 'blocks%' DESC, verdict, obstacle, pid;
