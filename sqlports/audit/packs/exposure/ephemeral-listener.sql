-- title: Service on a port that the kernel hands out
-- severity: low
-- description: A service asks for a port of the ephemeral range, which the kernel may give to a client first: then it
--   does not start, on a day that nobody can foretell. Malware likes such ports too, for firewalls often leave the range
--   open. Sockets whose port the kernel chose and that do not listen are clients, and not found.
-- platform: linux
-- tags: network, exposure, attack.T1571, cis.4.8
-- requires: root
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) listens on {address} {protocol} port {port}, which the kernel hands out to clients
--   ({low} to {high})
-- fix: Move the service to a port outside net.ipv4.ip_local_port_range, or name its port in
--   net.ipv4.ip_local_reserved_ports.
-- references: https://docs.kernel.org/networking/ip-sysctl.html https://attack.mitre.org/techniques/T1571/
-- false_positives: A program that takes whatever port the kernel gives and tells its clients by another way (autobound 1:
--   RPC services, desktop programs) is in order, and info; so is one on the loopback.
SELECT DISTINCT e.protocol, e.address, e.port, e.low, e.high, e.autobound, e.name AS process, e.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, e.unit, e.container_id AS container,
  iif(e.autobound IS 1 OR is_loopback(e.address), 'info', 'low') AS severity
FROM ephemeral_listeners e
LEFT JOIN processes p ON p.pid = e.pid
WHERE e.state IN ('LISTEN', 'UNCONNECTED')
ORDER BY e.port, e.protocol, e.address, e.pid;
