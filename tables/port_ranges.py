"""port_ranges: the ranges that port numbers fall into, IANA's and this machine's own, and how much of them is in use."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from functools import cached_property, partial
from typing import NamedTuple

from sqlports.ports.ranges import IANA_RANGES, flags
from sqlports.schema import Column, Values, table
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import PortSettings
from sqlports.sources.snapshot import Snapshot

# Handed out to outgoing connections elsewhere and formerly, and still in the rules of firewalls.
_OLD_DEFAULTS = (
    ("old-bsd", 1024, 5000, "4.4BSD", "Handed out to outgoing connections by 4.4BSD and what descends from it."),
    ("old-windows", 1025, 5000, "Windows XP", "Handed out to outgoing connections by Windows before Vista and Server 2008."),
    ("old-linux", 1024, 4999, "Linux 2.4", "Handed out to outgoing connections by Linux 2.4 and older, with little memory."),
    ("old-linux", 32768, 61000, "Linux 4.1", "Handed out to outgoing connections by Linux before 4.2, which ends at 60999."),
    (
        "sun-rpc",
        32768,
        65535,
        "Solaris",
        "Where Solaris puts RPC programs that ask for no certain port, and rpcbind tells which.",
    ),
)

_NAMES = (
    *IANA_RANGES,
    "ephemeral",
    "reserved",
    "privileged",
    "unprivileged",
    *dict.fromkeys(name for name, *_ in _OLD_DEFAULTS),
)


class Place:
    """A network namespace and its ports; what is in use there is listed when it is asked for."""

    def __init__(self, system: Snapshot, namespace: Namespace) -> None:
        self.system = system
        self.namespace = namespace

    @cached_property
    def settings(self) -> PortSettings:
        return self.system.port_settings(self.namespace)

    @cached_property
    def reserved(self) -> list[int] | None:
        """The ports that the kernel never hands out, ascending; None where it does not say."""
        if self.settings.ephemeral is None:
            return None
        return [port for port, is_one in enumerate(flags(self.settings.reserved)) if is_one] if self.settings.reserved else []

    @cached_property
    def tcp(self) -> list[int] | None:
        return self.system.network.ports(self.namespace, "tcp")

    @cached_property
    def udp(self) -> list[int] | None:
        return self.system.network.ports(self.namespace, "udp")


class PortRange(NamedTuple):
    """One range in one network namespace, both ends included."""

    name: str
    low: int
    high: int
    source: str
    description: str
    place: Place

    @property
    def ports(self) -> int:
        return self.high - self.low + 1

    @property
    def reserved(self) -> int | None:
        return self._among(self.place.reserved)

    @property
    def tcp_in_use(self) -> int | None:
        return self._among(self.place.tcp)

    @property
    def udp_in_use(self) -> int | None:
        return self._among(self.place.udp)

    @property
    def net_namespace(self) -> int | None:
        return self.place.namespace.inode

    def _among(self, ports: list[int] | None) -> int | None:
        return None if ports is None else bisect_right(ports, self.high) - bisect_left(ports, self.low)


@table(
    Column(
        "name",
        str,
        "name",
        "IANA's 'well-known', 'registered', 'dynamic'; the kernel's 'ephemeral', 'reserved', 'privileged', …; 'old-linux', …",
        choices=_NAMES,
    ),
    Column("low", int, "low", "First port."),
    Column("high", int, "high", "Last port."),
    Column("ports", int, "ports", "Number of ports."),
    Column(
        "reserved", int, "reserved", "How many of them the kernel never hands out (ip_local_reserved_ports); NULL if not told."
    ),
    Column("tcp_in_use", int, "tcp_in_use", "How many of them some TCP socket has, in whatever state."),
    Column("udp_in_use", int, "udp_in_use", "How many of them some UDP socket has."),
    Column(
        "net_namespace",
        int,
        "net_namespace",
        "Inode of the network namespace where that is so; NULL if not told.",
        references="net_namespaces.net_namespace",
    ),
    Column("source", str, "source", "Who says so: 'IANA', the kernel's setting, or the system that had it by default."),
    Column("description", str, "description", "What it means."),
    rows=40,
    each={"net_namespace": 10},
    examples=(
        "SELECT name, low, high, ports, tcp_in_use, udp_in_use FROM port_ranges"
        " JOIN net_namespaces USING (net_namespace) WHERE mine = 1",
        "SELECT net_namespace, low, high, reserved, tcp_in_use FROM port_ranges WHERE name = 'ephemeral'",
        "SELECT r.name, count(s.port) FROM port_ranges r LEFT JOIN sockets s"
        " ON s.port BETWEEN r.low AND r.high AND s.net_namespace IS r.net_namespace GROUP BY r.name",
    ),
)
def port_ranges(system: Snapshot, net_namespace: Values[int] = None) -> Iterator[PortRange]:
    """Port ranges, one row each in every network namespace; the one that is looked from comes first.

    They overlap, since IANA's and the kernel's are different questions.
    """
    for namespace in system.network.namespaces(net_namespace):
        yield from system.memo(("port_ranges", namespace), partial(_rows, system, namespace))


def _rows(system: Snapshot, namespace: Namespace) -> list[PortRange]:
    place = Place(system, namespace)
    rows = [PortRange(name, low, high, "IANA", text, place) for name, (low, high, text) in IANA_RANGES.items()]
    settings = place.settings
    if settings.ephemeral is not None:
        text = "Handed out by the kernel to outgoing connections, and to who asks for any port."
        rows.append(PortRange("ephemeral", *settings.ephemeral, "ip_local_port_range", text, place))
    for low, high in settings.reserved:
        rows.append(PortRange("reserved", low, high, "ip_local_reserved_ports", "Never handed out by the kernel.", place))
    start = settings.unprivileged
    if start is not None:
        source = "ip_unprivileged_port_start"
        if start > 1:
            rows.append(PortRange("privileged", 1, start - 1, source, "To bind one takes CAP_NET_BIND_SERVICE.", place))
        rows.append(PortRange("unprivileged", start, 65535, source, "Any user may bind these.", place))
    return rows + [PortRange(*old, place) for old in _OLD_DEFAULTS]
