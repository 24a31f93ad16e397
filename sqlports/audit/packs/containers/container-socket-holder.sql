-- title: Socket of a container runtime in other hands
-- severity: low
-- description: A process that is not the runtime itself is connected to the socket of Docker, containerd, CRI-O or
--   Podman. Who can speak there starts a container with all files of the host in it: it is root. It is high for a process
--   in a container.
-- platform: linux
-- tags: containers, privilege, attack.T1611, attack.T1610, attack.T1552.007
-- requires: root
-- param: sockets text '*/docker.sock, */containerd.sock, */containerd.sock.ttrpc, */crio.sock, */podman.sock,
--   */buildkitd.sock, */cri-dockerd.sock' Their sockets: patterns of paths.
-- param: runtimes text '/usr/bin/docker*, /usr/sbin/docker*, /usr/libexec/docker/*, /usr/bin/containerd*,
--   /usr/local/bin/containerd*, /usr/bin/ctr, /usr/bin/crictl, /usr/bin/nerdctl, /usr/bin/podman, /usr/bin/crio,
--   /usr/libexec/crio/*, /usr/bin/kubelet, /usr/local/bin/kubelet, /usr/bin/buildkitd, /usr/bin/cri-dockerd,
--   /snap/docker/*, /usr/lib/systemd/systemd' Programs that belong to the runtimes: patterns of their paths; in a
--   container they do not count.
-- key: path, socket, container
-- message: {process} (pid {pid}) is connected to {socket}
-- fix: Take the socket out of the container (-v /var/run/docker.sock), or put a proxy before it that passes only what is
--   needed.
-- references: https://attack.mitre.org/techniques/T1611/
--   https://docs.docker.com/engine/security/#docker-daemon-attack-surface
-- false_positives: Tools that manage containers (Portainer, Traefik, CI runners, editors): what reaches them is root of
--   the host.
WITH
-- Who holds the socket that listens is the runtime, or what started it.
listening AS MATERIALIZED (
  SELECT h.pid, s.path
  FROM sockets s JOIN handles h ON h.inode = s.inode
  WHERE s.protocol = 'unix' AND s.state = 'LISTEN' AND listed(s.path, :sockets)
),
connected AS MATERIALIZED (
  SELECT c.inode, c.path FROM connections c
  WHERE c.protocol = 'unix' AND listed(c.path, :sockets)
)
SELECT iif(p.container_id IS NULL, 'low', 'high') AS severity,
  c.path AS socket, p.name AS process, min(p.pid) AS pid, p.path,
  coalesce((SELECT username FROM users u WHERE u.uid = p.euid), p.euid) AS user, p.unit, p.container_id AS container,
  count(DISTINCT c.inode) AS connections
FROM connected c JOIN handles h ON h.inode = c.inode JOIN processes p ON p.pid = h.pid
WHERE NOT EXISTS (SELECT 1 FROM listening l WHERE l.pid = p.pid AND l.path = c.path)
  AND (p.container_id IS NOT NULL OR listed(p.path, :runtimes) IS NOT 1)
GROUP BY c.path, p.path, p.name, p.container_id
ORDER BY c.path, p.path, p.name, p.container_id, pid;
