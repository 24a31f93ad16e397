-- Which services listen on every address of this machine, and whose are they? dual_stack is 1 where '::' takes IPv4 as well.
SELECT l.protocol, l.port, l.family, l.dual_stack, l.name, p.path, u.username, l.unit, l.container_id
FROM listeners l
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN users u ON u.uid = p.euid
WHERE l.scope = 'all' AND l.net_namespace IS (SELECT net_namespace FROM net_namespaces WHERE mine = 1)
ORDER BY l.port, l.protocol, l.family;
