-- title: Root's listener on a port that needs no root
-- severity: low
-- description: A process of root takes connections from other machines on a port that every user could have taken. A
--   fault in it gives away the whole machine, and the port is no reason to be root. In a container it is info.
-- platform: linux
-- tags: privilege, network, attack.T1068, cis.4.8
-- requires: root
-- param: known text '/usr/bin/docker-proxy, /usr/sbin/docker-proxy, /usr/libexec/docker/docker-proxy, /usr/bin/rpcbind,
--   /usr/sbin/rpcbind, /usr/lib/systemd/systemd' Programs for which it is so by their nature: patterns of their paths.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) listens as root on {protocol} {address} port {port}
-- fix: Let it run as a user of its own (User= or DynamicUser= in its unit), or bind it to 127.0.0.1.
-- references: https://man7.org/linux/man-pages/man5/systemd.exec.5.html https://attack.mitre.org/techniques/T1068/
-- false_positives: Programs that need root for what they do, as agents of backups, hypervisors and the kubelet.
WITH privileged AS MATERIALIZED (SELECT net_namespace, high FROM port_ranges WHERE name = 'privileged')
SELECT DISTINCT iif(p.container_id IS NULL, 'low', 'info') AS severity,
  l.protocol, l.address, l.port, l.autobound, l.scope, p.name AS process, p.pid, p.path, 'root' AS user, p.unit, p.container_id AS container
FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
WHERE l.protocol IN ('tcp', 'sctp') AND l.state = 'LISTEN' AND l.scope IN ('all', 'address', 'link')
  -- Of an owner that is not seen it is known who made the socket.
  AND coalesce(p.euid, l.uid) = 0 AND l.owner_reason <> 'kernel'
  AND l.port > coalesce((SELECT max(high) FROM privileged r WHERE r.net_namespace IS l.net_namespace), 1023)
  AND listed(p.path, :known) IS NOT 1
ORDER BY l.port, l.protocol, l.address, p.pid;
