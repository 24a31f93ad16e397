-- How near are the kernel's own ports to running out? To one address and port there may be one connection for each.
-- Those in TIME_WAIT count. A UDP port is taken for all destinations.
SELECT protocol, local_address, remote_address, remote_port, used, ports AS out_of, use, time_wait
FROM ephemeral_use
ORDER BY use DESC
LIMIT 20;
