-- title: With which environment was a process started?
-- description: What it has set since is not told. It may have passwords in it.
-- param: pid integer The process.
-- param: name text NULL Only variables with this in their name.
-- tags: processes
SELECT key AS name, value
FROM process_envs
WHERE pid = :pid AND (:name IS NULL OR instr(lower(key), lower(:name)))
ORDER BY key;
