-- title: Who still uses a program or a library that was replaced?
-- description: After an upgrade they run the old one, with its faults, until they are started again. Looks at what
--   they have mapped to be executed, so it takes the longer the more processes there are.
-- tags: processes, files
SELECT p.pid, p.name AS process, coalesce(p.unit, p.user_unit) AS unit, p.container_id AS container,
  count(DISTINCT m.path) AS files, group_concat(DISTINCT replace(m.path, ' (deleted)', '')) AS replaced
FROM processes p JOIN process_memory_map m ON m.pid = p.pid
WHERE m.path LIKE '/% (deleted)' AND m.permissions LIKE '__x_' AND m.path NOT LIKE '/memfd:%' AND m.path NOT LIKE '/dev/%'
  AND m.path NOT LIKE '/SYSV%'
GROUP BY p.pid
ORDER BY unit IS NULL, unit, p.pid;
