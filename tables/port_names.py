"""port_names: every name that somebody gives a port: IANA's registry, common use, this machine's own list."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple

from sqlports.ports.assigned import STATUSES, Entry
from sqlports.schema import Column, Search, Values, table
from sqlports.sources.known_ports import KnownPorts, known_ports
from sqlports.sources.snapshot import Snapshot

SOURCES = ("iana", "common_use", "services")


class PortName(NamedTuple):
    """One name of one port, by one source."""

    port: int
    protocol: str
    service: str
    is_primary: int
    status: str | None
    description: str | None
    source: str


@table(
    Column("port", int, "port", "Port number, 0 to 65535."),
    Column("protocol", str, "protocol", "'tcp', 'udp', 'sctp' or 'dccp'; another where /etc/services has it."),
    Column("service", str, "service", "The name; where the source is common_use, what runs there in plain words."),
    Column("is_primary", int, "is_primary", "1 for the first name that the source has for the port, 0 for an alias."),
    Column(
        "status",
        str,
        "status",
        "IANA's word for it: 'assigned', or 'historic' where it is out of use; NULL of others.",
        choices=STATUSES,
    ),
    Column("description", str, "description", "What it is for, in the source's words."),
    Column(
        "source",
        str,
        "source",
        "Who says so: 'iana', 'common_use', or 'services' for this machine's /etc/services.",
        choices=SOURCES,
    ),
    key=("port", "protocol", "service", "source"),
    rows=12500,
    each={"port": 3, "service": 2},
    examples=(
        "SELECT * FROM port_names WHERE port = 80",
        "SELECT port, protocol FROM port_names WHERE service = 'www'",
        "SELECT service, count(*) FROM port_names WHERE source = 'iana' AND is_primary = 0 GROUP BY 1 ORDER BY 2 DESC LIMIT 5",
    ),
)
def port_names(
    system: Snapshot, port: Search[int] = None, service: Values[str] = None, source: Values[str] = None
) -> Iterator[PortName]:
    """Names of ports, one row for each name that a source gives a (port, protocol)."""
    known = known_ports(system)
    if source is None or "iana" in source:
        if service is not None and not isinstance(port, frozenset):
            # What the registry has by these names is found without its other lines.
            yield from _iana(known, frozenset(number for name in service for number in known.assigned.ports(name)))
        else:
            yield from _iana(known, port)
    for name, names in (("common_use", _common), ("services", _local)):
        if source is None or name in source:
            # A join asks for one port after another.
            by_port = system.memo(("port_names", name), partial(_by_port, names(known)))
            numbers = sorted(port) if isinstance(port, frozenset) else by_port
            yield from (row for number in numbers if port is None or number in port for row in by_port.get(number, ()))


def _by_port(names: Iterable[PortName]) -> dict[int, list[PortName]]:
    found: dict[int, list[PortName]] = {}
    for name in names:
        found.setdefault(name.port, []).append(name)
    return found


def _iana(known: KnownPorts, port: Search[int]) -> Iterator[PortName]:
    for entry in _entries(known, port):
        if entry.service and (port is None or entry.port in port):
            yield PortName(entry.port, entry.protocol, entry.service, entry.is_primary, entry.status, entry.description, "iana")


def _entries(known: KnownPorts, port: Search[int]) -> Iterable[Entry]:
    if not isinstance(port, frozenset):
        return known.assigned
    return (entry for number in sorted(port) for entries in known.assigned.of(number).values() for entry in entries)


def _common(known: KnownPorts) -> Iterator[PortName]:
    for (number, protocol), use in known.uses.items():
        yield PortName(number, protocol, use.use, 1, None, None, "common_use")


def _local(known: KnownPorts) -> Iterator[PortName]:
    seen: set[tuple[int, str]] = set()
    told: set[tuple[int, str, str]] = set()
    for service in known.all_services:
        key = service.port, service.protocol
        for name in (service.name, *service.aliases):
            if (*key, name) not in told:
                told.add((*key, name))
                yield PortName(*key, name, int(key not in seen), None, service.comment, "services")
                seen.add(key)
