-- Which files are locked, and by whom?
SELECT h.pid, p.name, h.fd, h.target, l.value ->> 'type' AS type, l.value ->> 'mode' AS mode, l.value ->> 'start' AS start,
  l.value ->> 'end' AS end
FROM handles h, json_each(h.locks) l JOIN processes p USING (pid)
ORDER BY h.target, h.pid;
