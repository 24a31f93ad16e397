-- What is open on the ports that once only root could bind?
SELECT protocol, local_address, local_port, state, remote_address, remote_port, pid, fd, owners, owner_reason, uid,
  net_namespace
FROM sockets
WHERE port < 1024;
