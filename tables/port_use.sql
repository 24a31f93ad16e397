-- What a port is registered as, what commonly runs there, and who really holds it, side by side: one row for each socket to
-- which others may come by a port. None of these is guessed from another: what holds port 80 need not be a web server.
-- Expected are the executables of port_registry.programs, whatever a process calls itself. For an assigned port below 1024 of
-- which nothing is known but its name, it is one that is named alike: sshd for ssh. Of a holder that passes on what comes to
-- another (docker-proxy, ssh, a systemd socket), or is many programs in one file, and of a port that the kernel chose, nothing
-- is said.
--   protocol         'tcp', 'udp', 'udplite' or 'sctp'; MPTCP's are there as TCP's.
--   state            'LISTEN', or 'UNCONNECTED' without a handshake.
--   address          Address that it is bound to.
--   port             Port that it is bound to.
--   scope            How far away a peer may be: 'loopback', 'link', 'address' (who reaches that one), 'all'.
--   autobound        1 when the kernel chose the port, 0 when the program did; NULL if not told.
--   service          Name that IANA's registry has for the port; UDP-Lite's is UDP's.
--   description      What the port is for, in the registry's words.
--   common_use       What commonly runs there; NULL where nothing is known.
--   local_service    Name that this machine's own /etc/services has for it.
--   pid              Owner, as in sockets.
--   name             Command name of that process, as it chose.
--   path             Executable of that process.
--   unit             systemd unit of that process.
--   container_id     Container of that process.
--   uid              User that made the socket.
--   owner_reason     'owned', or why pid is NULL.
--   mismatch         1 when another executable holds it than is expected, 0 when such a one does, NULL where that is not known.
--   inode            JOIN handles USING (inode) for all that hold it.
--   cookie           JOIN sockets USING (cookie) for all else that is known of it.
--   net_namespace    Inode of its network namespace.
WITH used AS NOT MATERIALIZED (
  SELECT *, CASE protocol WHEN 'udplite' THEN 'udp' ELSE protocol END AS registered
  FROM listeners
  WHERE protocol IN ('tcp', 'udp', 'udplite', 'sctp') AND state IN ('LISTEN', 'UNCONNECTED') AND port IS NOT NULL
),
-- They listen for others, or take any free port below 1024 (bindresvport(3)), or are many programs in one file.
stand_ins (pattern) AS (
  VALUES ('docker-proxy'), ('rootlessport*'), ('rootlesskit*'), ('slirp4netns'), ('pasta*'), ('passt*'), ('gvproxy'),
    ('conmon'), ('kube-proxy'), ('kubectl'), ('qemu-*'), ('VBox*'), ('tailscaled'), ('frps'),
    ('systemd'), ('systemd-socket-*'), ('init'), ('launchd'), ('inetd'), ('*xinetd'), ('*tcpserver*'), ('tcpsvd'),
    ('sslh*'), ('stunnel*'), ('socat*'), ('rinetd'), ('redir'), ('ssh'), ('sshd'), ('sshd-session'), ('dropbear'),
    ('rpcbind'), ('rpc.*'), ('ypbind'), ('busybox*'), ('toybox')
)
SELECT protocol, state, address, port, scope, autobound,
  (SELECT service FROM port_registry r WHERE r.port = used.port AND r.protocol = registered) AS service,
  (SELECT description FROM port_registry r WHERE r.port = used.port AND r.protocol = registered) AS description,
  (SELECT common_use FROM port_registry r WHERE r.port = used.port AND r.protocol = registered) AS common_use,
  (SELECT local_service FROM port_registry r WHERE r.port = used.port AND r.protocol = registered) AS local_service,
  pid, name,
  (SELECT path FROM processes p WHERE p.pid = used.pid) AS path,
  unit, container_id, uid, owner_reason,
  (
    SELECT CASE
        WHEN executable IS NULL THEN NULL
        WHEN programs IS NULL AND (range <> 'well-known' OR status <> 'assigned' OR service IS NULL
          OR common_use IS NOT NULL) THEN NULL
        WHEN EXISTS (SELECT 1 FROM json_each(programs) WHERE executable GLOB value) THEN 0
        WHEN programs IS NULL AND EXISTS (
          SELECT 1 FROM json_each('[' || replace(json_quote(concat_ws(' ', service, aliases)), ' ', '","') || ']')
          WHERE length(value) >= 3 AND instr(lower(executable), lower(value))
            OR length(executable) >= 3 AND instr(lower(value), lower(executable))
        ) THEN 0
        WHEN EXISTS (SELECT 1 FROM stand_ins WHERE executable GLOB pattern) THEN NULL
        WHEN autobound THEN NULL
        ELSE 1
      END
    FROM port_registry r, (
      -- What follows the last '/'; where the path may not be read, the name that the process chose.
      SELECT coalesce(substr(file, length(rtrim(file, replace(file, '/', ''))) + 1), name) AS executable
      FROM (
        SELECT name, CASE WHEN deleted IS NULL AND path LIKE '% (deleted)' THEN substr(path, 1, length(path) - 10) ELSE path END
          AS file
        FROM processes p WHERE p.pid = used.pid
      )
    )
    WHERE r.port = used.port AND r.protocol = registered
  ) AS mismatch,
  inode, cookie, net_namespace
FROM used
