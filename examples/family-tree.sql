-- Who started whom? Every process below its parents.
SELECT p.pid, printf('%*s', 2 * count(t.ancestor), '') || p.name AS line
FROM processes p LEFT JOIN process_tree t ON t.descendant = p.pid
GROUP BY p.pid
ORDER BY coalesce(group_concat(printf('%07d ', t.ancestor), '' ORDER BY t.depth DESC), '') || printf('%07d', p.pid);
