-- title: Socket that nobody is seen to hold
-- severity: medium
-- description: Others may come by a socket, or a connection is open, and no process is seen to hold it, though all could
--   be looked at and none of the ordinary reasons applies (the kernel's own, not accepted yet, on its way, closed). A
--   process that is hidden from the list of processes leaves such a trace. It is low for what does not listen, and info
--   where only a part of the processes can be seen, as in a container.
-- platform: linux
-- tags: intrusion, attack.T1014, attack.T1564
-- requires: root
-- key: protocol, address, port, remote_address
-- message: {protocol} {address} port {port} ({state}) has no process that holds it
-- fix: Look again, for it may have been given from one process to another at that moment. If it stays, compare with what
--   is seen from outside (a scan of the ports, another system that has the disk), for the machine may hide a process.
-- references: https://attack.mitre.org/techniques/T1014/ https://man7.org/linux/man-pages/man7/unix.7.html
-- false_positives: Sockets of root that were being passed from one process to another (SCM_RIGHTS), and while that is so
--   those of the kernel (NFS, WireGuard, VXLAN); a process of another PID namespace, seen from a container.
SELECT
  CASE
    WHEN (SELECT complete FROM coverage WHERE aspect = 'PID namespace') IS NOT 1 THEN 'info'
    WHEN s.state = 'LISTEN' OR s.protocol IN ('packet', 'raw') THEN 'medium'
    ELSE 'low'
  END AS severity,
  s.protocol, s.local_address AS address, s.local_port AS port, s.state,
  CASE WHEN s.state NOT IN ('LISTEN', 'UNCONNECTED', 'BOUND') THEN s.remote_address END AS remote_address, count(*) AS sockets,
  (SELECT username FROM users u WHERE u.uid = s.uid) AS user
FROM sockets s
WHERE s.protocol IN ('tcp', 'udp', 'udplite', 'sctp', 'mptcp', 'raw', 'packet', 'vsock') AND s.owner_reason = 'unknown'
GROUP BY s.net_namespace, s.protocol, s.local_address, s.local_port, s.state, s.remote_address, s.uid
ORDER BY s.protocol, s.local_port, s.local_address, s.state, s.remote_address;
