-- title: Connection without encryption
-- severity: medium
-- description: This machine talks with another by a protocol that has no encryption: Telnet, FTP, rlogin and its kin, or
--   POP3, IMAP and LDAP, which can change to TLS and need not. Who is on the way reads names, passwords and data, and may
--   change them. A connection to such a service of this machine is found as well as one from here to another's. POP3,
--   IMAP and LDAP are of severity low, for they mostly change to TLS.
-- platform: linux
-- tags: network, exposure, cleartext, attack.T1040, attack.T1557, cis.3.10
-- requires: root
-- param: ports text '21, 23, 110, 143, 389, 512, 513, 2121, 2323' TCP ports of services without encryption.
-- key: direction, remote_address, port, process
-- message: {process} (pid {pid}) talks with {remote_address} by port {port} ({service}), which has no encryption
--   ({direction})
-- fix: Use SSH and SFTP for Telnet, rlogin and FTP; have clients use the ports of TLS (993, 995, 636), or demand
--   STARTTLS.
-- references: https://attack.mitre.org/techniques/T1040/ https://attack.mitre.org/techniques/T1557/
--   https://www.rfc-editor.org/rfc/rfc8314
-- false_positives: A connection that changed to TLS by STARTTLS, or that goes through a VPN. Connections between two ends
--   that are both on this machine are not found. Port 514 of TCP (syslog or rsh) is not among the defaults.
SELECT DISTINCT c.protocol, c.direction, c.remote_address, iif(c.accepted, c.local_port, c.remote_port) AS port,
  coalesce(r.common_use, r.service) AS service, c.local_address AS address, c.name AS process, c.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, c.uid)) AS user, p.unit, p.container_id AS container,
  iif(iif(c.accepted, c.local_port, c.remote_port) IN (110, 143, 389), 'low', 'medium') AS severity
FROM connections c
LEFT JOIN processes p ON p.pid = c.pid
LEFT JOIN port_registry r ON r.port = iif(c.accepted, c.local_port, c.remote_port) AND r.protocol = c.protocol
-- The state is not searched for: other audits need all of them, and a search asks each network namespace again.
WHERE c.protocol = 'tcp' AND +c.state = 'ESTABLISHED' AND c.direction IS NOT 'local'
  AND listed(iif(c.accepted, c.local_port, c.remote_port), :ports)
  AND NOT is_loopback(c.remote_address)
ORDER BY port, c.direction, c.remote_address, c.pid;
