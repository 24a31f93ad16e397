-- Who listens on which port, what is that port registered for, and is it here or in another network namespace?
SELECT l.protocol, l.address, l.port, r.service, l.pid, l.name AS process, u.username AS user,
  CASE l.owner_reason WHEN 'owned' THEN NULL ELSE l.owner_reason END AS why_no_pid,
  (SELECT max(mine) FROM net_namespaces n WHERE n.net_namespace IS l.net_namespace) AS here
FROM listeners l
LEFT JOIN port_registry r ON r.port = l.port AND r.protocol = l.protocol
LEFT JOIN processes p ON p.pid = l.pid
LEFT JOIN users u ON u.uid = coalesce(p.euid, l.uid)
WHERE l.port IS NOT NULL AND l.state IN ('LISTEN', 'UNCONNECTED')
ORDER BY here DESC, l.port, l.protocol, l.address;
