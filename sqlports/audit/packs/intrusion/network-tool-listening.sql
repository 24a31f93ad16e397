-- title: Tool for passing data waits for the network
-- severity: medium
-- description: netcat, socat, a tunnel or the little web server of a language waits for connections from other machines.
--   They check no password and write no log. Intruders use them as back doors and to take data out; people start them for
--   a moment and forget them. It is low in a container.
-- platform: linux
-- tags: intrusion, exposure, attack.T1105, attack.T1571, cis.4.8
-- requires: root
-- param: tools text 'nc, nc.*, ncat, netcat, netcat.*, cryptcat, pwncat*, socat*, sbd, rinetd, redir, chisel*, gost,
--   frps, ligolo*, iox, revsocks*, microsocks, 3proxy, ngrok, bore, ptunnel*, iodined, dnscat*, updog, miniserve,
--   darkhttpd, webfsd' Tools: patterns of the file names of programs.
-- key: protocol, address, port, path
-- message: {process} (pid {pid}) waits for {scope} on {protocol} {address} port {port}: {tool}
-- fix: End it when it is not needed any more. What is needed for long should be a service that asks who comes, or listen
--   on 127.0.0.1.
-- references: https://attack.mitre.org/techniques/T1105/ https://attack.mitre.org/techniques/T1571/
--   https://docs.python.org/3/library/http.server.html
-- false_positives: socat or rinetd that is meant to pass on a port: waive it by its port.
WITH programs AS (
  SELECT *, basename(path) AS file, json(argv) AS arguments FROM processes
  WHERE kernel_thread IS NOT 1
),
judged AS (
  SELECT *,
    CASE
      WHEN listed(file, :tools) THEN file
      WHEN (file GLOB 'busybox*' OR file = 'toybox')
        AND coalesce(nullif(basename(argv ->> 0), file), argv ->> 1)
          IN ('nc', 'netcat', 'httpd', 'telnetd', 'ftpd', 'tcpsvd', 'udpsvd') THEN file || ' as a server'
      WHEN file GLOB 'python*' AND (
        arguments LIKE '%"-m","http.server"%' OR arguments LIKE '%"-mhttp.server"%' OR arguments LIKE '%SimpleHTTPServer"%'
        OR arguments LIKE '%"-m","pyftpdlib"%' OR arguments LIKE '%"-m","uploadserver"%'
      ) THEN 'the web server of Python'
      WHEN file GLOB 'php*' AND arguments LIKE '%"-S%' THEN 'the web server of PHP'
      WHEN file GLOB 'ruby*' AND arguments LIKE '%"-run"%"httpd"%' THEN 'the web server of Ruby'
      WHEN file = 'openssl' AND arguments LIKE '%"s_server"%' THEN 'the test server of OpenSSL'
    END AS tool
  FROM programs
)
SELECT CASE WHEN p.container_id IS NOT NULL THEN 'low' ELSE 'medium' END AS severity,
  l.protocol, l.address, l.port, l.autobound, l.scope, p.name AS process, min(p.pid) AS pid, p.path, p.tool,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM judged p
  CROSS JOIN handles h ON h.pid = p.pid AND h.type = 'socket'
  CROSS JOIN listeners l ON l.inode = h.inode
WHERE p.tool IS NOT NULL AND l.protocol <> 'unix' AND l.scope IS NOT 'loopback'
  AND (l.state = 'LISTEN' OR l.state = 'UNCONNECTED' AND l.autobound IS NOT 1)
GROUP BY l.protocol, l.address, l.port, l.net_namespace, p.path
ORDER BY l.protocol, l.port, l.address, p.path, pid;
