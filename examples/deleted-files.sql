-- Which files were removed while processes still have them open, and how large are they? Their space is not free yet.
-- Each file is one row, by device and inode, whoever has it open and by which of its names.
SELECT max(h.size) AS size, h.device, h.file_inode, min(h.target) AS target, count(*) AS descriptors,
  group_concat(DISTINCT h.pid || ' ' || coalesce(p.name, '?')) AS holders
FROM handles h LEFT JOIN processes p ON p.pid = h.pid
WHERE h.deleted AND h.type = 'file'
GROUP BY h.device, coalesce(h.file_inode, h.target)
ORDER BY size DESC;
