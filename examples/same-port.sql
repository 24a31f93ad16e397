-- Which ports do several sockets listen on at once (SO_REUSEPORT), and are they all of one program?
SELECT protocol, address, port, count(*) AS sockets, count(DISTINCT name) AS programs, group_concat(DISTINCT name) AS names
FROM listeners
WHERE siblings > 0 AND port IS NOT NULL
GROUP BY net_namespace, protocol, family, address, port, interface
ORDER BY programs DESC, sockets DESC;
