-- title: Which ports could a new service have?
-- description: Nothing is registered for them, nothing commonly runs there, no socket has them, and each was bound
--   for a moment just now to see that it can be.
-- param: count integer 5 How many.
-- param: low integer 1024 The first port to look at.
-- param: high integer 65535 The last port to look at.
-- param: protocol tcp|udp tcp The protocol.
-- tags: ports
WITH found AS MATERIALIZED (
  SELECT port, protocol
  FROM free_ports
  WHERE protocol = :protocol AND port BETWEEN :low AND :high AND service IS NULL AND common_use IS NULL AND bindable = 1
  LIMIT :count
)
SELECT port, protocol
FROM found
ORDER BY port;
