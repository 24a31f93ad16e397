-- title: Which network namespaces are there, and whose are they?
-- description: sockets is NULL where they could not be told apart, or not be listed. pid is the lowest process in it.
-- tags: containers, sockets
SELECT n.net_namespace, n.mine, n.path, n.processes, n.pid, p.name AS process, p.container_id AS container,
  coalesce(p.unit, p.user_unit) AS unit, nullif(count(s.protocol), 0) AS sockets,
  sum(s.state = 'LISTEN' AND s.protocol = 'tcp') AS tcp_listeners
FROM net_namespaces n
LEFT JOIN processes p ON p.pid = n.pid
LEFT JOIN sockets s ON s.net_namespace = n.net_namespace
GROUP BY n.net_namespace, n.pid
ORDER BY n.mine DESC, sockets DESC, n.net_namespace;
