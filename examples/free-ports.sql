-- Which three ports could a new service have? Nothing is registered for them, nothing commonly runs there, and they can be
-- bound just now.
SELECT port
FROM free_ports
WHERE protocol = 'tcp' AND service IS NULL AND common_use IS NULL AND bindable = 1
LIMIT 3;
