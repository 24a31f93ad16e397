-- How near are the kernel's own ports to running out? To one address and port there may be one connection for each.
-- Those in TIME_WAIT count; port_ranges is of the network namespace of sqlports, and so are the rows.
SELECT s.local_address, s.remote_address, s.remote_port, count(*) AS used, r.ports AS out_of,
  sum(s.state = 'TIME_WAIT') AS in_time_wait
FROM port_ranges r JOIN sockets s ON s.local_port BETWEEN r.low AND r.high
WHERE r.name = 'ephemeral' AND s.protocol = 'tcp' AND s.remote_port IS NOT NULL
  AND s.net_namespace IS (SELECT net_namespace FROM net_namespaces WHERE mine = 1)
GROUP BY s.local_address, s.remote_address, s.remote_port
ORDER BY used DESC
LIMIT 20;
