-- Who started whom? Every process below its parents.
WITH RECURSIVE tree(pid, depth, line) AS (
  SELECT pid, 0, name FROM processes WHERE parent = 0
  UNION ALL
  SELECT p.pid, depth + 1, printf('%*s', 2 * (depth + 1), '') || p.name
  FROM tree t JOIN processes p ON p.parent = t.pid
  ORDER BY 2 DESC, 1
)
SELECT pid, line FROM tree;
