-- Can a server of this user's have 127.0.0.1:8080, if it sets SO_REUSEADDR as servers do? Who is in the way?
-- No row that starts with 'blocks': it can. Leave out address for all addresses, reuse_address for "what would help?".
SELECT verdict, why, obstacle, state, local_address, pid, name, owner_reason
FROM port_conflicts
WHERE port = 8080 AND protocol = 'tcp' AND address = '127.0.0.1' AND reuse_address = 1 AND reuse_port = 0;
