-- title: Library that was pushed into a program by its environment
-- severity: high
-- description: A process was started with LD_PRELOAD or LD_AUDIT, so that a library of somebody's choice runs inside of
--   it and may change what it does. Intruders hide files and processes so, and read passwords. It is high for a library
--   in a directory for temporary files, in memory or in a hidden directory, medium for a relative path, low elsewhere and
--   in the hidden directories of common tools, info for a library of the system. LD_LIBRARY_PATH with such a directory is
--   low.
-- platform: linux
-- tags: intrusion, attack.T1574.006
-- requires: root
-- param: temporary text '/tmp, /var/tmp, /dev/shm, /dev/mqueue, /run/user, /run/lock, /run/shm, /proc' Directories for
--   temporary files, and where files in memory have a path.
-- param: packaged text '/usr/lib, /usr/lib32, /usr/lib64, /usr/libexec, /usr/$LIB, /lib, /lib32, /lib64, /$LIB, /snap,
--   /nix/store, /gnu/store' Directories in which packages put libraries.
-- param: known text '.local, .cache, .steam, .var, .wine, .linuxbrew, .nix-profile, .nvm, .pyenv, .rbenv, .asdf, .venv'
--   Names of hidden directories that common tools have.
-- key: variable, library, path
-- message: {process} (pid {pid}) was started with {variable} {library}
-- fix: Look at the library, find out who wrote it and where the variable is set (the unit, a shell's start-up file, the
--   parent). Take it out there and start the program again.
-- references: https://attack.mitre.org/techniques/T1574/006/ https://man7.org/linux/man-pages/man8/ld.so.8.html
-- false_positives: jemalloc and tcmalloc, tools that watch memory, fakeroot, Steam's overlay, libraries that change how a
--   desktop looks. AppImages set LD_LIBRARY_PATH below /tmp. What a process has changed of its environment since is not
--   told.
WITH
-- LD_PRELOAD is parted by blanks, too (ld.so(8)).
libraries AS (
  SELECT e.pid, e.key AS variable, parts.value AS library
  FROM process_envs e,
    json_each('["' || replace(replace(substr(json_quote(e.value), 2, length(json_quote(e.value)) - 2),
      CASE e.key WHEN 'LD_PRELOAD' THEN ' ' ELSE ':' END, ':'), ':', '","') || '"]') parts
  WHERE e.key IN ('LD_PRELOAD', 'LD_AUDIT', 'LD_LIBRARY_PATH') AND e.value IS NOT NULL
),
judged AS MATERIALIZED (
  SELECT pid, variable, library,
    below(library, :temporary) AS is_temporary,
    below(library, :packaged) AS is_packaged,
    EXISTS (
      SELECT 1 FROM json_each('[' || replace(json_quote(library), '/', '","') || ']')
      WHERE value LIKE '.%' AND value NOT IN ('.', '..') AND NOT listed(value, :known)
    ) AS is_hidden
  FROM libraries WHERE library <> ''
)
SELECT
  CASE
    WHEN variable = 'LD_LIBRARY_PATH' THEN 'low'
    WHEN is_temporary OR is_hidden THEN 'high'
    -- It is looked for in the directories of LD_LIBRARY_PATH.
    WHEN instr(library, '/') = 0 AND EXISTS (
      SELECT 1 FROM judged d CROSS JOIN file f ON f.path = d.library || '/' || j.library AND f.pid_with_namespace = j.pid
      WHERE d.pid = j.pid AND d.variable = 'LD_LIBRARY_PATH' AND (d.is_temporary OR d.is_hidden)
    ) THEN 'high'
    WHEN is_packaged AND library NOT LIKE '%/../%' OR instr(library, '/') = 0 THEN 'info'
    WHEN library LIKE '/%' THEN 'low'
    ELSE 'medium'
  END AS severity,
  variable, library, p.name AS process, min(p.pid) AS pid, p.path, count(DISTINCT p.pid) AS processes,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.unit, p.container_id AS container
FROM judged j JOIN processes p ON p.pid = j.pid
WHERE variable <> 'LD_LIBRARY_PATH' OR is_temporary OR is_hidden
GROUP BY variable, library, p.path
ORDER BY variable, library, p.path;
