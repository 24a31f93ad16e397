-- title: Notebook server reachable from the network
-- severity: high
-- description: Jupyter, RStudio or another notebook listens on an address that other machines may reach. It is made to
--   run any code that is typed into it; a token or password is all that keeps others out, and it is often turned off. It
--   is known by its port with Python or Jupyter as what holds it, by its program, or by its command line on whatever
--   port.
-- platform: linux
-- tags: network, exposure, attack.T1190, attack.T1059.006, cis.4.4, cis.4.8
-- requires: root
-- param: ports text '8888, 8889, 8890, 8891, 8892' Ports of notebooks.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) offers a notebook on {address} port {port} (scope: {scope})
-- fix: Bind it to 127.0.0.1 (`--ip=127.0.0.1`) and reach it by `ssh -L`, or put JupyterHub with TLS and a login before
--   it.
-- references: https://jupyter-server.readthedocs.io/en/latest/operators/security.html
--   https://attack.mitre.org/techniques/T1059/006/ https://attack.mitre.org/techniques/T1190/
-- false_positives: Another service of Python on one of the ports. A hub with TLS and a login that is meant for others:
--   waive it. In a network namespace of its own, as containers have, it is of severity low: there it is reached by the
--   container's neighbours, and by others only where its port is published.
SELECT DISTINCT l.protocol, l.address, l.port, l.autobound, l.scope, l.name AS process, l.pid, p.path,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'low'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'high'
    ELSE 'medium'
  END AS severity
FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
  AND (
    listed(l.port, :ports) AND listed(coalesce(basename(p.path), l.name), 'python*, pypy*, jupyter*') IS NOT 0
    -- Where the path may not be read, the program is known by the name that it chose.
    OR listed(coalesce(basename(p.path), l.name), 'jupyter*, rserver')
    OR listed(p.cmdline, '*[ /]jupyter-*, *[ /]jupyter [a-z]*, *ipykernel_launcher*, *[ /]marimo edit*')
  )
ORDER BY l.port, l.protocol, l.address, l.pid;
