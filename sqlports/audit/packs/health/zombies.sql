-- title: Process that does not ask for its ended children
-- severity: low
-- description: Many children of one process have ended and wait to be asked for their status (zombies). Each keeps a
--   number of a process, which count against the limits of its user and control group; when none are left nothing new can
--   be started. It is a fault of the parent, or a container whose first process is no init.
-- platform: linux
-- tags: health, processes
-- param: least integer 20 How many zombies at least.
-- key: process, path, user, container
-- message: {process} (pid {pid}) has {zombies} ended children that it did not wait for ({names})
-- fix: End or restart the parent: its zombies go with it. In a container run an init (`docker run --init`, or tini).
-- references: https://man7.org/linux/man-pages/man2/wait.2.html
-- false_positives: A build or a test run that collects its children later, all at once.
WITH ended AS MATERIALIZED (
  -- One with more threads is no zombie: only its first thread has ended.
  SELECT parent, count(*) AS zombies, group_concat(DISTINCT name ORDER BY name) AS names
  FROM processes
  WHERE state = 'Z' AND threads <= 1
  GROUP BY parent
  HAVING count(*) >= :least
)
SELECT p.name AS process, e.parent AS pid, p.path, e.zombies, substr(e.names, 1, 200) AS names,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM ended e LEFT JOIN processes p ON p.pid = e.parent
ORDER BY e.zombies DESC, e.parent;
