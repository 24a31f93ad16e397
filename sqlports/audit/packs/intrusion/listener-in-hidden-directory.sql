-- title: Listener that runs from a hidden directory
-- severity: medium
-- description: A process waits for connections whose program is in a hidden directory or is a hidden file: some part of
--   its path begins with a dot, so that `ls` does not show it. Intruders hide what they bring along in that way, also
--   behind names such as '...' and '. '. It is high outside of home directories, where hardly anything else does so, and
--   low where all hidden directories of the path are those of common tools (~/.local, ~/.cargo).
-- platform: linux
-- tags: intrusion, attack.T1564.001
-- requires: root
-- param: known text '.local, .cache, .cargo, .rustup, .nvm, .npm, .volta, .bun, .deno, .pyenv, .rbenv, .asdf, .goenv,
--   .jenv, .sdkman, .jdks, .gradle, .m2, .dotnet, .vscode, .vscode-server, .cursor, .cursor-server, .windsurf-server,
--   .steam, .wine, .var, .venv, .tox, .nox, .linuxbrew, .nix-profile, .krew, .minikube, .ollama, .lmstudio, .vscode-insiders,
--   .vscode-server-insiders, .vscode-oss, .vscodium-server, .zed_server, .codeium, .pnpm, .yarn, .fnm, .nodenv, .ghcup, .cabal,
--   .stack, .opam, .elan, .julia, .juliaup, .mamba, .conda, .virtualenvs, .terraform, .android, .docker, .dropbox-dist,
--   .minecraft' Names of
--   hidden directories that common tools have in a home directory.
-- key: protocol, address, port, path
-- message: {process} (pid {pid}) listens on {protocol} {address} port {port} and runs from {path}
-- fix: Find out who put it there and started it. If it belongs to you, install it where packages or administrators put
--   programs.
-- references: https://attack.mitre.org/techniques/T1564/001/
-- false_positives: Tools that users install for themselves keep programs in hidden directories of their home; the common
--   ones are low. An AppImage, which runs from what it mounts on
--   /tmp/.mount_NAME, is low.
SELECT
  CASE
    -- What an AppImage mounts may not be looked at by others; of who may, its root has the number 1.
    WHEN p.deleted = 0 AND p.path GLOB '/tmp/.mount_*/*' AND NOT EXISTS (
      SELECT 1 FROM file f
      WHERE f.path = '/tmp/' || substr(p.path, 6, instr(substr(p.path, 6), '/') - 1) AND f.pid_with_namespace = p.pid
        AND f.inode <> 1
    ) THEN 'low'
    WHEN p.path NOT LIKE '/home/%' AND p.path NOT LIKE '/root/%' AND p.path NOT LIKE '/var/home/%' THEN 'high'
    WHEN EXISTS (
      SELECT 1 FROM json_each('[' || replace(json_quote(p.path), '/', '","') || ']')
      WHERE value LIKE '.%' AND NOT listed(value, :known)
    ) THEN 'medium'
    ELSE 'low'
  END AS severity,
  l.protocol, l.address, l.port, l.autobound, l.scope, p.name AS process, min(p.pid) AS pid, p.path,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM listeners l
  CROSS JOIN handles h ON h.inode = l.inode AND h.type = 'socket'
  CROSS JOIN processes p ON p.pid = h.pid
WHERE p.path LIKE '%/.%'
  AND l.protocol <> 'unix' AND (l.state = 'LISTEN' OR l.state = 'UNCONNECTED' AND l.autobound IS NOT 1)
GROUP BY l.protocol, l.address, l.port, l.net_namespace, p.path
ORDER BY l.protocol, l.port, l.address, p.path, pid;
