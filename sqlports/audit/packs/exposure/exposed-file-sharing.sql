-- title: File sharing reachable from the network
-- severity: medium
-- description: Files are offered to other machines: by NFS, SMB, AFP, the rsync daemon, GlusterFS or iSCSI; or rpcbind
--   tells them which such services there are, which is of severity low. NFS trusts what a client says of its users, rsync
--   has modules without password, and SMB is the way of worms.
-- platform: linux
-- tags: network, exposure, attack.T1021.002, attack.T1039, attack.T1135, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '111, 139, 445, 548, 873, 2049, 3260, 20048, 24007' Ports of file sharing.
-- key: protocol, address, port, process
-- message: port {port} ({service}) of {process} (pid {pid}) is offered on {address} (scope: {scope})
-- fix: Turn it off where nobody uses it (`systemctl disable --now rpcbind.socket nfs-server smbd`); else bind it to the
--   network that needs it (interfaces of smb.conf, `address` of rsyncd.conf, host of nfs.conf), and let a firewall pass
--   only that.
-- references: https://man7.org/linux/man-pages/man5/exports.5.html
--   https://man7.org/linux/man-pages/man5/rsyncd.conf.5.html https://man7.org/linux/man-pages/man8/rpcbind.8.html
--   https://attack.mitre.org/techniques/T1135/
-- false_positives: A file server on a network of its own is in order (severity low on a private address): waive it. NFS
--   is the kernel's: it has no process, which is no fault. rpcbind comes with many systems. In a network namespace of its
--   own, as containers have, it is of severity low: there it is reached by the container's neighbours, and by others only
--   where its port is published.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope, coalesce(r.common_use, r.service) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'info'
    WHEN l.port <> 111 AND (l.scope = 'all' OR is_global(l.address)) THEN 'medium'
    ELSE 'low'
  END AS severity
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
WHERE l.protocol IN ('tcp', 'udp') AND l.state IN ('LISTEN', 'UNCONNECTED') AND l.scope <> 'loopback'
  AND listed(l.port, :ports)
ORDER BY l.port, l.protocol, l.address, l.pid;
