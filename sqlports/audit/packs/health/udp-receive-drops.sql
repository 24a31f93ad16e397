-- title: UDP socket that lost datagrams
-- severity: low
-- description: So many datagrams came for a UDP socket that was full that the kernel dropped them. Nobody is told: what
--   is lost are names that do not resolve, lines of a log, measurements. The program reads too slowly, its buffer is too
--   small, or it is flooded.
-- platform: linux
-- tags: health, network, attack.T1498
-- requires: root
-- param: least integer 1000 How many datagrams at least, since the socket was made.
-- key: protocol, address, port, process
-- message: {process} (pid {pid}) lost {drops} datagrams at {address} port {port}; its buffer has {buffer} bytes
-- fix: Raise the buffer (SO_RCVBUF, and net.core.rmem_max), add workers with SO_REUSEPORT, or keep out who floods.
-- references: https://man7.org/linux/man-pages/man7/udp.7.html https://man7.org/linux/man-pages/man7/socket.7.html
--   https://attack.mitre.org/techniques/T1498/
-- false_positives: A socket that has been open for months and lost them long ago: look whether the number grows.
--   Datagrams with a wrong checksum, and those that a filter of the socket refuses, are counted, too.
SELECT s.protocol, s.local_address AS address, s.local_port AS port, s.drops, s.receive_queue AS queue,
  s.receive_buffer AS buffer, p.name AS process, s.pid, p.path, p.unit, p.container_id AS container
FROM sockets s LEFT JOIN processes p ON p.pid = s.pid
WHERE s.protocol IN ('udp', 'udplite') AND s.drops >= :least
ORDER BY s.drops DESC, s.local_port, s.local_address, s.pid;
