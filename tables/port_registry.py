"""port_registry: every TCP and UDP port: its range, its service, and what this machine does with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlports.ports.ranges import range_name
from sqlports.schema import Column, Range, Search, Values, table
from sqlports.sources import service_names
from sqlports.sources.records import PortSettings, Service
from sqlports.sources.snapshot import Snapshot


class Port(NamedTuple):
    """One port of one protocol."""

    port: int
    protocol: str
    local: Service | None
    settings: PortSettings

    @property
    def range(self) -> str:
        return range_name(self.port)

    @property
    def service(self) -> str | None:
        return self.local.name if self.local else None

    @property
    def aliases(self) -> str | None:
        return " ".join(self.local.aliases) or None if self.local else None

    @property
    def description(self) -> str | None:
        return self.local.comment if self.local else None

    @property
    def ephemeral(self) -> int | None:
        ephemeral = self.settings.ephemeral
        return None if ephemeral is None else int(ephemeral[0] <= self.port <= ephemeral[1])

    @property
    def reserved(self) -> int | None:
        if self.settings.ephemeral is None:
            return None
        return int(any(low <= self.port <= high for low, high in self.settings.reserved))

    @property
    def privileged(self) -> int | None:
        return None if self.settings.unprivileged is None else int(0 < self.port < self.settings.unprivileged)


@table(
    Column("port", int, "port", "Port number, 0 to 65535."),
    Column("protocol", str, "protocol", "'tcp' or 'udp'; another where the services file has it."),
    Column("range", str, "range", "IANA's range: 'well-known' to 1023, 'registered' to 49151, 'dynamic' above."),
    Column("service", str, "service", "Name of the service, as far as this machine's /etc/services knows it."),
    Column("aliases", str, "aliases", "Other names of the service, separated by spaces."),
    Column("description", str, "description", "The remark beside the service in /etc/services."),
    Column("ephemeral", int, "ephemeral", "1 when the kernel hands it out by itself (ip_local_port_range)."),
    Column("reserved", int, "reserved", "1 when it is kept from being handed out (ip_local_reserved_ports)."),
    Column("privileged", int, "privileged", "1 when binding it needs privilege (ip_unprivileged_port_start)."),
    key=("port", "protocol"),
    rows=131072,
    examples=(
        "SELECT port, protocol, service FROM port_registry WHERE port = 443",
        "SELECT port, service FROM port_registry WHERE service LIKE 'http%'",
    ),
)
def port_registry(system: Snapshot, port: Search[int] = None, protocol: Values[str] = None) -> Iterable[Port]:
    """Ports, one row for each (port, protocol), assigned or not."""
    return _rows(system, port, protocol)


def _rows(system: Snapshot, port: frozenset[int] | Range | None, protocol: frozenset[str] | None) -> Iterator[Port]:
    settings = system.port_settings()
    named = system.memo("services by port", lambda: _by_port(system.ask("services", service_names.read)))
    protocols = system.memo("protocols", lambda: sorted({"tcp", "udp"} | {protocol for _, protocol in named}))
    for number in _numbers(port):
        for name in protocols:
            if protocol is not None and name not in protocol:
                continue
            service = named.get((number, name))
            if service is not None or name in ("tcp", "udp"):
                yield Port(number, name, service, settings)


def _by_port(services: list[Service]) -> dict[tuple[int, str], Service]:
    """The first line of the file that names a port is the one getservbyport(3) answers with."""
    named: dict[tuple[int, str], Service] = {}
    for service in services:
        named.setdefault((service.port, service.protocol), service)
    return named


def _numbers(port: frozenset[int] | Range | None) -> Iterable[int]:
    if isinstance(port, frozenset):
        return sorted(number for number in port if 0 <= number <= 65535)
    low, high = port or (None, None)
    return range(max(low or 0, 0), min(65535 if high is None else high, 65535) + 1)
