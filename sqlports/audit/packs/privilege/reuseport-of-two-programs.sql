-- title: One port that two programs share
-- severity: medium
-- description: Several sockets are bound to the very same address and port (SO_REUSEPORT), and they are not of one
--   program and one user. The kernel divides what comes between them, so that a second server gets a part of the
--   connections of the first and can read what was meant for it. It is high for TCP of two users, and low for UDP of one
--   user. Ports of multicast are left out, which many programs share on purpose.
-- platform: linux
-- tags: privilege, network, attack.T1557
-- requires: root
-- param: multicast text '67,68,137,138,1900,3702,5350,5353,5355,6771,21027' Ports of UDP that many programs share.
-- key: protocol, address, port
-- message: {programs} programs ({names}) of {users} users share {protocol} port {port} on {address}
-- fix: Find out which of the programs is the right one (SELECT * FROM sockets WHERE port = …), and end the other.
-- references: https://man7.org/linux/man-pages/man7/socket.7.html https://lwn.net/Articles/542629/
-- false_positives: A server that hands over to its next version from another path, and a balancer with a helper on the
--   same port.
SELECT
  CASE
    WHEN protocol = 'tcp' AND users > 1 THEN 'high'
    WHEN protocol = 'tcp' OR users > 1 THEN 'medium'
    ELSE 'low'
  END AS severity,
  protocol, address, port, interface, names AS process, names, programs, users, processes, sockets
FROM reuseport_groups
WHERE mixed = 1
  AND NOT (protocol IN ('udp', 'udplite') AND listed(port, :multicast))
ORDER BY port, protocol, address, interface, net_namespace;
