-- title: Which connections are open, between whom, and who began?
-- description: direction is local when both ends are on this machine: each end has a row then, and peer is the
--   process at the other one.
-- param: process text NULL Only processes with this in their name.
-- param: port integer NULL Only with this port at either end.
-- param: address text NULL Only to this address.
-- tags: connections
SELECT protocol, pid, name AS process, direction, local_address, local_port, remote_address, remote_port, peer_pid,
  peer_name AS peer
FROM connections
WHERE state = 'ESTABLISHED' AND protocol <> 'unix'
  AND (:process IS NULL OR instr(lower(name), lower(:process)))
  AND (:port IS NULL OR :port IN (local_port, remote_port))
  AND (:address IS NULL OR remote_address IN (:address, '::ffff:' || :address))
ORDER BY process, pid, remote_address, remote_port, local_port;
