-- Which services are bound to a port that the kernel may hand to an outgoing connection first?
-- autobound is 0 where the program asked for that very port: it fails to start on the day that the port is taken.
SELECT protocol, address, port, autobound, name, unit, container_id, net_namespace
FROM ephemeral_listeners
ORDER BY autobound, port;
