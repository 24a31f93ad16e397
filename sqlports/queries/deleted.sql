-- title: Which programs and open files were removed, of which size?
-- description: how tells what became of it. replaced: there is another file of its name now, as after an upgrade,
--   and the process runs the old one. memfd: it never had a name (memfd_create(2)). A file is one row, whoever has it
--   open and by which of its names: its space is free when the last of them closes it.
-- tags: files, processes
SELECT * FROM (
  SELECT 'program' AS what,
    CASE WHEN p.on_disk THEN 'replaced' WHEN p.path LIKE '/memfd:%' THEN 'memfd' ELSE 'removed' END AS how, NULL AS size,
    p.path, p.pid || ' ' || p.name AS holders
  FROM processes p
  WHERE p.deleted
  UNION ALL
  SELECT 'file', 'removed', max(h.size), min(h.target), group_concat(DISTINCT h.pid || ' ' || coalesce(p.name, '?'))
  FROM handles h LEFT JOIN processes p ON p.pid = h.pid
  WHERE h.deleted AND h.type = 'file'
  GROUP BY h.device, coalesce(h.file_inode, h.target)
)
ORDER BY what DESC, size DESC, path, holders;
