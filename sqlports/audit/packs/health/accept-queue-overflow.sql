-- title: Listener that does not accept fast enough
-- severity: medium
-- description: Connections wait at a listener and nearly as many as may wait there, or it has dropped some already. Once
--   the queue is full the kernel drops what comes: clients see a slow server, then timeouts, while the machine itself
--   looks idle. That is a process that hangs or is overloaded, a queue that is too short, or somebody who connects and
--   sends nothing. What was dropped once and is not waiting now is of severity low.
-- platform: linux
-- tags: health, network, listeners, attack.T1499
-- requires: root
-- param: share real 0.9 From which share of the queue on it is told.
-- param: least integer 3 How many connections wait at least.
-- param: drops integer 1000 How many dropped connections are told, though few wait now.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) has {backlog} connections waiting at {place} where {limit} may, and dropped {drops}
-- fix: See what the process does instead of accepting (its wait_channel, its CPU time). Where it is merely busy, give it
--   more workers, and raise the backlog that it passes to listen(2) together with net.core.somaxconn.
-- references: https://man7.org/linux/man-pages/man2/listen.2.html https://attack.mitre.org/techniques/T1499/
--   https://docs.kernel.org/networking/ip-sysctl.html
-- false_positives: A burst that is over when you look again; one with a queue of a few places fills at once. The kernel
--   counts other segments of no use as drops, too: on a listener that the Internet scans they grow slowly.
SELECT CASE WHEN l.backlog_use >= :share AND l.backlog >= :least THEN 'medium' ELSE 'low' END AS severity, l.protocol,
  coalesce(l.address, l.path) AS address, l.port, coalesce(l.address || ' port ' || l.port, l.path) AS place, l.backlog,
  l.backlog_limit AS "limit", l.drops, l.name AS process, l.pid,
  (SELECT path FROM processes p WHERE p.pid = l.pid) AS path, l.unit, l.container_id AS container
FROM listeners l
WHERE l.state = 'LISTEN' AND ((l.backlog_use >= :share AND l.backlog >= :least) OR l.drops >= :drops)
ORDER BY l.backlog_use DESC, l.drops DESC, l.protocol, address, l.port, l.pid;
