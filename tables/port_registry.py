"""port_registry: every TCP and UDP port: what it is registered for, what runs there, and what this machine does with it."""

from __future__ import annotations

from sqlports.ports.assigned import STATUSES
from sqlports.ports.ranges import IANA_RANGES
from sqlports.schema import Batches, Column, Search, Values, table
from sqlports.sources.known_ports import among, finder, known_ports
from sqlports.sources.snapshot import Snapshot


@table(
    Column("port", int, "port", "Port number, 0 to 65535."),
    Column("protocol", str, "protocol", "'tcp' or 'udp'; another where a list has it: 'sctp', 'dccp'."),
    Column(
        "range",
        str,
        "range",
        "IANA's range: 'well-known' to 1023, 'registered' to 49151, 'dynamic' above.",
        choices=tuple(IANA_RANGES),
    ),
    Column("service", str, "named.service", "Name that IANA's registry has for it; the first, where it has several."),
    Column("aliases", str, "named.aliases", "Its other names there, separated by spaces; each is a row of port_names."),
    Column(
        "status",
        str,
        "named.status",
        "What the registry says of it: 'assigned', 'reserved', 'unassigned', 'historic'.",
        choices=STATUSES,
    ),
    Column("description", str, "named.description", "What it is for, in the registry's words."),
    Column("common_use", str, "common_use", "What commonly runs there, in this project's words; NULL where nothing is known."),
    Column("programs", str, "programs", "Executables that are expected to hold it, as patterns of GLOB; a JSON array."),
    Column("local_service", str, "local_service", "Name that this machine's own /etc/services has for it."),
    Column("local_aliases", str, "local_aliases", "Its other names there, separated by spaces."),
    Column("source", str, "source", "Which lists have a name for it: of 'iana', 'common_use' and 'services'; NULL for none."),
    Column("ephemeral", int, "ephemeral", "1 when the kernel hands it out by itself (ip_local_port_range)."),
    Column("reserved", int, "reserved", "1 when it is kept from being handed out (ip_local_reserved_ports)."),
    Column("privileged", int, "privileged", "1 when binding it needs privilege (ip_unprivileged_port_start)."),
    key=("port", "protocol"),
    rows=131072,
    each={"port": 2, "protocol": 65_536, "service": 2},
    examples=(
        "SELECT port, protocol, service, description, common_use FROM port_registry WHERE port = 8080",
        "SELECT port, service FROM port_registry WHERE service LIKE 'http%'",
        "SELECT s.protocol, s.port, r.service, r.common_use FROM sockets s JOIN port_registry r USING (port, protocol)",
    ),
    find=finder,
)
def port_registry(
    system: Snapshot, port: Search[int] = None, protocol: Values[str] = None, service: Values[str] = None
) -> Batches:
    """Ports, one row for each (port, protocol), assigned or not."""
    known = known_ports(system)
    numbers = among(port)
    if service is not None:
        numbers = sorted({found for name in service for found in known.assigned.ports(name)}.intersection(numbers))
    return Batches(known.batches(numbers, protocol))
