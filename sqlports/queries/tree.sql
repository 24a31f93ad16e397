-- title: Who started whom? Every process below its parent.
-- description: Of one process: those it descends from, itself, and all below it.
-- param: pid integer NULL The process; all without one.
-- tags: processes
WITH shown (pid, relation) AS (
  SELECT pid, NULL FROM processes WHERE :pid IS NULL
  UNION ALL SELECT ancestor, 'ancestor' FROM process_tree WHERE descendant = :pid
  UNION ALL SELECT pid, 'itself' FROM processes WHERE pid = :pid
  UNION ALL SELECT descendant, 'descendant' FROM process_tree WHERE ancestor = :pid
)
SELECT p.pid, printf('%*s', 2 * count(t.ancestor), '') || p.name AS process, relation,
  (SELECT username FROM users u WHERE u.uid = p.euid) AS user, p.state, p.cmdline AS command
FROM shown JOIN processes p ON p.pid = shown.pid LEFT JOIN process_tree t ON t.descendant = p.pid
GROUP BY p.pid
ORDER BY coalesce(group_concat(printf('%010d ', t.ancestor), '' ORDER BY t.depth DESC) FILTER (WHERE t.ancestor), '')
  || printf('%010d', p.pid);
