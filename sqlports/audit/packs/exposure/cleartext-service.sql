-- title: Service without encryption
-- severity: medium
-- description: A service whose protocol has no encryption listens on an address that other machines may reach: Telnet,
--   FTP, rlogin and its kin, TFTP, finger, or POP3, IMAP and LDAP, which can change to TLS and need not. Who is on the
--   way reads names, passwords and data, and may change them. Telnet and the r-services are of severity high; POP3, IMAP
--   and LDAP are low, for they mostly demand TLS.
-- platform: linux
-- tags: network, exposure, cleartext, attack.T1040, attack.T1557, cis.3.10, cis.4.8
-- requires: root
-- param: ports text '21, 23, 79, 110, 143, 389, 512, 513, 514, 2121, 2323' TCP ports of services without encryption.
-- param: udp_ports text '69' UDP ports of such.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers port {port} ({service}), which has no encryption, on {address} (scope: {scope})
-- fix: Use SSH and SFTP for Telnet, rlogin and FTP, and HTTPS for TFTP; offer IMAP, POP3 and LDAP over TLS (993, 995,
--   636), or demand STARTTLS before a login.
-- references: https://attack.mitre.org/techniques/T1040/ https://attack.mitre.org/techniques/T1557/
--   https://www.rfc-editor.org/rfc/rfc8314
-- false_positives: Servers that demand STARTTLS before a login (ssl = required of Dovecot) are in order. TFTP serves what
--   computers boot from, on a network of its own. Port 514 of TCP is found only where no syslog server holds it.
SELECT DISTINCT l.protocol, l.address, l.port, l.scope,
  (SELECT coalesce(common_use, service) FROM port_registry r WHERE r.port = l.port AND r.protocol = l.protocol) AS service,
  l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.port IN (23, 512, 513, 514) AND (l.scope = 'all' OR is_global(l.address)) THEN 'high'
    WHEN l.port IN (110, 143, 389) THEN 'low'
    ELSE 'medium'
  END AS severity
FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
WHERE l.protocol IN ('tcp', 'udp') AND l.state IN ('LISTEN', 'UNCONNECTED') AND l.scope <> 'loopback'
  AND listed(l.port, iif(l.protocol = 'tcp', :ports, :udp_ports))
  -- What is to be told apart is a remote shell from syslog over TCP, which has no port of its own.
  AND (l.port <> 514 OR listed(coalesce(basename(p.path), l.name),
    '*syslog*, otelcol*, alloy, fluent-bit, java, logstash, promtail, splunkd, telegraf, vector, wazuh-remoted') IS NOT 1)
ORDER BY l.port, l.protocol, l.address, l.pid;
