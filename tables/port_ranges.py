"""port_ranges: the ranges that port numbers fall into, IANA's and this machine's own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from sqlports.ports.ranges import IANA_RANGES
from sqlports.schema import Column, table
from sqlports.sources.snapshot import Snapshot


class PortRange(NamedTuple):
    """One range, both ends included."""

    name: str
    low: int
    high: int
    source: str
    description: str

    @property
    def ports(self) -> int:
        return self.high - self.low + 1


@table(
    Column("name", str, "name", "IANA's 'well-known', 'registered', 'dynamic'; 'ephemeral', 'reserved', 'unprivileged' here."),
    Column("low", int, "low", "First port."),
    Column("high", int, "high", "Last port."),
    Column("ports", int, "ports", "Number of ports."),
    Column("source", str, "source", "Who says so: 'IANA' or the kernel's setting."),
    Column("description", str, "description", "What it means."),
    key=("name", "low"),
    rows=10,
    examples=(
        "SELECT r.name, count(s.port) FROM port_ranges r LEFT JOIN sockets s ON s.port BETWEEN r.low AND r.high GROUP BY 1",
    ),
)
def port_ranges(system: Snapshot) -> Iterator[PortRange]:
    """Port ranges, one row each; they overlap, since IANA's and the kernel's are different questions."""
    for name, (low, high, description) in IANA_RANGES.items():
        yield PortRange(name, low, high, "IANA", description)
    settings = system.port_settings()
    if settings.ephemeral:
        yield PortRange(
            "ephemeral", *settings.ephemeral, "ip_local_port_range", "Handed out by the kernel to outgoing connections."
        )
    for low, high in settings.reserved:
        yield PortRange("reserved", low, high, "ip_local_reserved_ports", "Never handed out by the kernel.")
    if settings.unprivileged is not None:
        yield PortRange("unprivileged", settings.unprivileged, 65535, "ip_unprivileged_port_start", "Any user may bind these.")
