-- Which network namespaces are there, whose are they, and how many sockets does each have?
-- None has none, since the kernel has some in each: sockets is NULL where they could not be told apart, or not be listed.
SELECT n.net_namespace, n.mine, n.path, n.processes, n.pid, p.name, p.container_id, p.unit,
  nullif(count(s.protocol), 0) AS sockets, sum(s.state = 'LISTEN' AND s.protocol = 'tcp') AS tcp_listeners
FROM net_namespaces n
LEFT JOIN processes p ON p.pid = n.pid
LEFT JOIN sockets s ON s.net_namespace = n.net_namespace
GROUP BY n.net_namespace, n.pid
ORDER BY n.mine DESC, sockets DESC;
