-- title: What has each container or unit: processes, memory, ports?
-- description: Of the containers those that have processes here. ports are where it listens; connections are those of
--   TCP and UDP that are open.
-- param: by container|unit|cgroup container What is counted together.
-- tags: containers, processes, sockets
WITH grouped AS MATERIALIZED (
  SELECT pid, resident_size, container_runtime,
    CASE :by WHEN 'unit' THEN coalesce(user_unit, unit) WHEN 'cgroup' THEN cgroup_path ELSE container_id END AS place
  FROM processes
),
has AS (
  SELECT g.place, count(CASE WHEN s.remote_port IS NOT NULL THEN 1 END) AS connections,
    group_concat(DISTINCT CASE WHEN s.state = 'LISTEN' OR s.protocol = 'udp' AND s.remote_port IS NULL AND s.autobound IS NOT 1
      THEN s.local_port END) AS ports
  FROM sockets s JOIN grouped g ON g.pid = s.pid
  WHERE s.protocol IN ('tcp', 'udp')
  GROUP BY g.place
)
SELECT g.place AS name, max(g.container_runtime) AS runtime, count(*) AS processes, sum(g.resident_size) AS resident_size,
  has.ports, coalesce(has.connections, 0) AS connections
FROM grouped g LEFT JOIN has ON has.place = g.place
WHERE g.place IS NOT NULL
GROUP BY g.place
ORDER BY sum(g.resident_size) DESC, g.place;
