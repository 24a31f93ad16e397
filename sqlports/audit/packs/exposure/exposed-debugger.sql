-- title: Debugger reachable from the network
-- severity: critical
-- description: A debugger waits on an address that other machines may reach. Who connects runs any code in the debugged
--   process: none of these protocols (inspector of Node.js, JDWP of Java, debugpy, Delve, gdbserver, DevTools of Chrome,
--   adb) asks for a login. It is known by its port with the program that holds it, by the program, or by the port that
--   the command line names.
-- platform: linux
-- tags: network, exposure, attack.T1190, attack.T1210, cis.4.8
-- requires: root
-- key: protocol, address, port, process, debugger
-- message: {process} (pid {pid}) can be debugged over {address} port {port} ({debugger}) (scope: {scope})
-- fix: Stop debugging where it is over. Else bind it to 127.0.0.1 (`--inspect=127.0.0.1:9229`, `address=127.0.0.1:5005`)
--   and reach it by `ssh -L`.
-- references: https://nodejs.org/en/learn/getting-started/debugging
--   https://docs.oracle.com/en/java/javase/21/docs/specs/jpda/conninv.html
--   https://man7.org/linux/man-pages/man1/gdbserver.1.html https://attack.mitre.org/techniques/T1210/
-- false_positives: A port of these that such a program uses for something else. On a private address it is of severity
--   high, and in a network namespace of its own, as containers have, medium.
WITH debuggers (debugger, port, programs, argument, before) AS (
  -- Of `argument` each # is the port; `before` stands before it. A program that may not be seen is -.
  VALUES ('Node.js inspector', 9229, '*', NULL, NULL), ('Node.js inspector', NULL, '*', '--inspect*[:=]#', NULL),
    ('Java debugger', 5005, 'java*, -', NULL, NULL),
    ('Java debugger', NULL, '*', '*jdwp[:=]*[:=]#', NULL), ('Java debugger', NULL, '*', '*jdwp[:=]*[:=]#,*', NULL),
    ('debugpy', 5678, 'python*, -', NULL, NULL),
    ('debugpy', NULL, 'python*', '*:#', '--listen'), ('debugpy', NULL, 'python*', '#', '--listen'),
    ('Chrome DevTools', 9222, '*', NULL, NULL), ('Chrome DevTools', NULL, '*', '--remote-debugging-port=#', NULL),
    ('Delve', NULL, 'dlv', NULL, NULL), ('gdbserver', NULL, 'gdbserver*, *-gdbserver', NULL, NULL),
    ('GDB stub of QEMU', 1234, 'qemu-*', NULL, NULL), ('LLDB server', NULL, 'lldb-server*', NULL, NULL),
    ('Android debug bridge', 5037, 'adb', NULL, NULL), ('Android debug bridge', 5555, 'adbd', NULL, NULL)
),
l AS (
  -- Where the path may not be read, the program is known by the name that it chose.
  SELECT l.*, p.path AS exe, p.euid, p.argv,
    coalesce(basename(p.path), l.name, '-') AS program
  FROM listeners l LEFT JOIN processes p ON p.pid = l.pid
  WHERE l.protocol = 'tcp' AND l.state = 'LISTEN' AND l.scope <> 'loopback'
)
SELECT DISTINCT l.protocol, l.address, l.port, l.autobound, l.scope, d.debugger, l.name AS process, l.pid, l.exe AS path,
  (SELECT username FROM users u WHERE u.uid = coalesce(l.euid, l.uid)) AS user, l.unit, l.container_id AS container,
  CASE
    WHEN l.net_namespace IS NOT (SELECT net_namespace FROM net_namespaces WHERE mine = 1) THEN 'medium'
    WHEN l.scope = 'all' OR is_global(l.address) THEN 'critical'
    ELSE 'high'
  END AS severity
FROM l JOIN debuggers d ON l.port = coalesce(d.port, l.port) AND listed(l.program, d.programs)
WHERE d.argument IS NULL OR EXISTS (
  SELECT 1 FROM json_each(l.argv) a
  WHERE a.value GLOB replace(d.argument, '#', l.port)
    AND (d.before IS NULL OR a.key > 0 AND d.before = l.argv ->> (a.key - 1) AND instr(l.argv, 'debugpy'))
)
ORDER BY l.port, l.protocol, l.address, l.pid, d.debugger;
