-- Who talks to whom, and who began? Where both ends are on this machine, each has a row, and both names are known.
SELECT name, direction, remote_address, CASE accepted WHEN 0 THEN remote_port END AS remote_port,
  CASE accepted WHEN 1 THEN local_port END AS port_here, peer_name, count(*) AS connections
FROM connections
WHERE protocol = 'tcp' AND state = 'ESTABLISHED'
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY connections DESC, name;
