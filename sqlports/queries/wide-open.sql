-- title: Which services can others reach, and whose are they?
-- description: All that listen here on more than the loopback. scope: all is every address of this machine, address
--   the one that it is bound to, link its own network link. A firewall is not looked at. dual_stack is 1 where '::'
--   takes IPv4 too.
-- param: scope all|address|link NULL Only of this scope.
-- tags: ports, listeners, security
SELECT l.protocol, l.address, l.port, r.service, l.scope, l.dual_stack, l.pid, l.name AS process,
  (SELECT username FROM users u WHERE u.uid = coalesce(p.euid, l.uid)) AS user, coalesce(p.unit, p.user_unit) AS unit,
  l.container_id AS container, p.path
FROM listeners l
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
LEFT JOIN processes p ON p.pid = l.pid
WHERE l.scope <> 'loopback' AND l.state IN ('LISTEN', 'UNCONNECTED') AND (:scope IS NULL OR l.scope = :scope)
  AND l.net_namespace IS (SELECT net_namespace FROM net_namespaces WHERE mine = 1)
ORDER BY l.port, l.protocol, l.address;
