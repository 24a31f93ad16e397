"""What is known of a port: by IANA's registry, by common use, by this machine's own list and by its kernel's settings."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from itertools import chain, groupby
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.ports.ranges import flags, range_name
from sqlports.schema import Range
from sqlports.sources import service_names
from sqlports.sources.records import Service

if TYPE_CHECKING:
    from sqlports.ports.assigned import Assigned, Entry
    from sqlports.ports.common import Use
    from sqlports.sources.snapshot import Snapshot

PORTS = range(65536)
# Of these every port has a row, of others those that some list has.
PROTOCOLS = ("tcp", "udp")
IANAS = ("tcp", "udp", "sctp", "dccp")
# For more ports than these the registry is read as a whole.
MANY = 4096


class Named(NamedTuple):
    """What the registry says of a port: the first of its names and what that is for, and the other names."""

    service: str | None
    aliases: str | None
    status: str | None
    description: str | None


UNASSIGNED = Named(None, None, "unassigned", None)
# Of a protocol whose numbers are none of IANA's registry: AppleTalk's, say, in /etc/services.
_NOT_IANAS = Named(None, None, None, None)


class Port:
    """One port of one protocol, as a row."""

    __slots__ = ("_named", "known", "port", "protocol")

    def __init__(self, known: KnownPorts, port: int, protocol: str) -> None:
        self.known = known
        self.port = port
        self.protocol = protocol
        self._named: Named | None = None

    @property
    def range(self) -> str | None:
        return range_name(self.port) if self.protocol in IANAS else None

    @property
    def named(self) -> Named:
        if self._named is None:
            entries = self.known.assigned.of(self.port).get(self.protocol, ())
            self._named = named(entries) if self.protocol in IANAS else _NOT_IANAS
        return self._named

    @property
    def source(self) -> str | None:
        lists = {"iana": self.named.service, "common_use": self.common_use, "services": self.local_service}
        return " ".join(name for name, said in lists.items() if said is not None) or None

    @property
    def common_use(self) -> str | None:
        use = self.known.uses.get((self.port, self.protocol))
        return use.use if use else None

    @property
    def programs(self) -> str | None:
        use = self.known.uses.get((self.port, self.protocol))
        return json.dumps(use.programs) if use and use.programs else None

    @property
    def local_service(self) -> str | None:
        service = self.known.services.get((self.port, self.protocol))
        return service.name if service else None

    @property
    def local_aliases(self) -> str | None:
        service = self.known.services.get((self.port, self.protocol))
        return " ".join(service.aliases) or None if service else None

    @property
    def ephemeral(self) -> int | None:
        return _flag(self.known.ephemeral, self.port)

    @property
    def reserved(self) -> int | None:
        return _flag(self.known.reserved, self.port)

    @property
    def privileged(self) -> int | None:
        return _flag(self.known.privileged, self.port)


class Ports(Sequence[Port]):
    """Rows of one protocol, which give whole columns too."""

    def __init__(self, known: KnownPorts, protocol: str, numbers: Sequence[int]) -> None:
        self.known = known
        self.protocol = protocol
        self.numbers = numbers

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: Any) -> Any:
        return self.known.row((self.numbers[index], self.protocol))

    def column(self, path: str) -> Sequence[Any] | None:
        """All values of a column, where they are had without most of the rows."""
        if path == "port":
            return self.numbers
        if path == "protocol":
            return [self.protocol] * len(self)
        if path in ("ephemeral", "reserved", "privileged"):
            known = getattr(self.known, path)
            return [_flag(known, number) for number in self.numbers]
        if path == "range":
            return [range_name(number) for number in self.numbers]
        # What is in no list has the same to say as any other such port.
        value = attrgetter(path)
        listed = self.known.listed(self.protocol)
        values = {number: value(self.known.row((number, self.protocol))) for number in listed}
        unlisted = next((number for number in PORTS if number not in listed), 0)
        nothing = value(Port(self.known, unlisted, self.protocol))
        return [values.get(number, nothing) for number in self.numbers]


class KnownPorts:
    """What one look at a system knows of ports; each list is read when it is first asked for."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._rows: dict[tuple[int, str], Port] = {}

    @cached_property
    def assigned(self) -> Assigned:
        """IANA's registry: the user's own copy, or the shipped one."""
        from sqlports.ports import assigned

        return assigned.load(lambda path, error: self.system.refuse(path, None, error))

    @cached_property
    def uses(self) -> Mapping[tuple[int, str], Use]:
        """What commonly runs on a port, by port and protocol."""
        from sqlports.ports import common

        return common.uses()

    @cached_property
    def services(self) -> dict[tuple[int, str], Service]:
        """The machine's own list: the first line that names a port is the one that getservbyport(3) answers with."""
        found: dict[tuple[int, str], Service] = {}
        for service in self.all_services:
            found.setdefault((service.port, service.protocol), service)
        return found

    @property
    def all_services(self) -> list[Service]:
        """Every line of the machine's own list."""
        return self.system.ask("services", service_names.read)

    @cached_property
    def ephemeral(self) -> bytes | None:
        """For each port 1 or 0: whether the kernel hands it out; None where it does not say."""
        settings = self.system.port_settings()
        return flags([settings.ephemeral]) if settings.ephemeral else None

    @cached_property
    def reserved(self) -> bytes | None:
        """For each port 1 or 0: whether the kernel never hands it out."""
        settings = self.system.port_settings()
        return flags(settings.reserved) if settings.ephemeral else None

    @cached_property
    def privileged(self) -> bytes | None:
        """For each port 1 or 0: whether to bind it takes privilege."""
        start = self.system.port_settings().unprivileged
        return None if start is None else flags([(1, start - 1)])

    def listed(self, protocol: str) -> frozenset[int]:
        """The ports of a protocol that some list has."""
        return self._listed.get(protocol, frozenset())

    @cached_property
    def _listed(self) -> dict[str, frozenset[int]]:
        found: dict[str, set[int]] = {}
        registered = ((entry.port, entry.protocol) for entry in self.assigned)
        for port, protocol in chain(registered, self.services, self.uses):
            found.setdefault(protocol, set()).add(port)
        return {protocol: frozenset(ports) for protocol, ports in found.items()}

    def row(self, key: tuple[int, str]) -> Port:
        """The row of a port of a protocol."""
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = Port(self, *key)
        return found

    def find(self, key: tuple[int, str]) -> Port | None:
        """The row of a port of a protocol; None where there is none."""
        is_one = 0 <= key[0] <= 65535 and (key[1] in PROTOCOLS or self._is_listed(key))
        return self.row(key) if is_one else None

    def _is_listed(self, key: tuple[int, str]) -> bool:
        return key[1] in self.assigned.of(key[0]) or key in self.services or key in self.uses

    def _others(self, numbers: Sequence[int]) -> Iterator[tuple[str, int]]:
        """Protocols beside those that have every port, each with those of these ports that some list has."""
        wanted = set(numbers)
        if len(numbers) > MANY:
            found = {(port, protocol) for protocol, ports in self._listed.items() for port in ports}
        else:
            found = {(port, protocol) for port in numbers for protocol in self.assigned.of(port)}
            found.update(key for key in chain(self.services, self.uses) if key[1] not in PROTOCOLS)
        for port, protocol in found:
            if port in wanted and protocol not in PROTOCOLS:
                yield protocol, port

    def batches(self, numbers: Sequence[int], protocols: frozenset[str] | None) -> Iterator[Sequence[Port]]:
        """The rows of these ports, protocol by protocol; where they are many, they give whole columns."""
        for protocol in PROTOCOLS:
            if protocols is None or protocol in protocols:
                yield self._batch(numbers, protocol)
        if protocols is None or not protocols <= set(PROTOCOLS):
            for protocol, found in groupby(sorted(self._others(numbers)), itemgetter(0)):
                if protocols is None or protocol in protocols:
                    yield [self.row((port, protocol)) for _, port in found]

    def _batch(self, numbers: Sequence[int], protocol: str) -> Sequence[Port]:
        if len(numbers) <= MANY or not isinstance(numbers, range):
            return [self.row((port, protocol)) for port in numbers]
        return self.system.memo(("ports", numbers, protocol), partial(Ports, self, protocol, numbers))


def among(port: frozenset[int] | Range | None) -> Sequence[int]:
    """The ports that a search asks for, ascending."""
    if isinstance(port, frozenset):
        return sorted(number for number in port if number in PORTS)
    low, high = port or (None, None)
    return range(max(low or 0, 0), min(65535 if high is None else high, 65535) + 1)


def known_ports(system: Snapshot) -> KnownPorts:
    """What a look knows of ports."""
    return system.memo("known ports", partial(KnownPorts, system))


def finder(system: Snapshot) -> Callable[[tuple[Any, ...]], Port | None]:
    """The function that finds the row of a port and protocol."""
    return known_ports(system).find


def named(entries: Sequence[Entry]) -> Named:
    """What the registry's entries for one port and protocol say together."""
    if not entries:
        return UNASSIGNED
    first, *others = entries
    aliases = " ".join(entry.service for entry in others if entry.service)
    return Named(first.service, aliases or None, first.status, first.description)


def _flag(known: bytes | None, port: int) -> int | None:
    return None if known is None else known[port]
