-- Which ports do several sockets share (SO_REUSEPORT), and did a second program or user get in?
SELECT protocol, address, port, sockets, processes, names, mixed
FROM reuseport_groups
ORDER BY mixed DESC, sockets DESC;
