-- Which files were removed while a process still has them open? Their space is not free yet.
SELECT h.pid, p.name, h.fd, h.target, h.access
FROM handles h JOIN processes p USING (pid)
WHERE h.deleted = 1 AND h.type = 'file'
ORDER BY h.pid, h.fd;
