-- What is open on the ports that once only root could bind?
SELECT * FROM sockets WHERE port < 1024;
