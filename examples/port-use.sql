-- What is each port known for, and who really holds it? First what is held by something else than is expected there.
SELECT protocol, address, port, service AS registered, common_use, pid, name, path, unit, mismatch, owner_reason
FROM port_use
ORDER BY mismatch DESC, port, protocol, address;
