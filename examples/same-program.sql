-- Which running programs are the same, whatever they are called and in whichever container they are?
SELECT h.sha256, group_concat(DISTINCT p.path) AS paths, count(DISTINCT p.pid) AS processes,
       count(DISTINCT h.mount_namespace_id) AS mount_namespaces
FROM processes p JOIN hash h ON h.path = p.path AND h.pid_with_namespace = p.pid
GROUP BY h.sha256
ORDER BY processes DESC;
