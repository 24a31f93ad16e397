"""Ports that no socket has, and the one trial that tells for sure: binding one."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, partial
from typing import TYPE_CHECKING

from sqlports.sources.known_ports import known_ports
from sqlports.sources.records import Unsupported

if TYPE_CHECKING:
    from sqlports.sources.known_ports import Port
    from sqlports.sources.namespaces import Namespace
    from sqlports.sources.snapshot import Snapshot

PROTOCOLS = ("tcp", "udp")

_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
# The system has no such family, or it is switched off: nothing can be in the way there.
_NO_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)


class FreePort:
    """A port that no socket has, of one protocol."""

    __slots__ = ("_bindable", "known", "try_it")

    def __init__(self, known: Port, try_it: Callable[[int, str], int | None]) -> None:
        self.known = known
        self.try_it = try_it
        self._bindable: list[int | None] = []

    @property
    def bindable(self) -> int | None:
        """Whether it could be bound when that was first asked, 1 or 0; None where it cannot be tried."""
        if not self._bindable:
            self._bindable.append(self.try_it(self.known.port, self.known.protocol))
        return self._bindable[0]


class FreePorts:
    """The free ports of one look, in the network namespace that is looked from."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._rows: dict[tuple[int, str], FreePort] = {}
        self._taken: dict[str, set[int] | None] = {}

    @cached_property
    def namespace(self) -> Namespace:
        """That namespace."""
        return next(one for one in self.system.network.namespaces(mine=True) if one.mine)

    @cached_property
    def allowed(self) -> bytes | None:
        """For each port 1 where anybody may bind it and the kernel neither hands it out nor keeps it; None: not known."""
        known = known_ports(self.system)
        flags = known.ephemeral, known.reserved, known.privileged
        if None in flags:
            self._refuse("ports", "the kernel's own port ranges are not known, so no port is said to be free")
            return None
        allowed = bytearray(not any(of_one) for of_one in zip(*filter(None, flags), strict=True))
        allowed[0] = 0  # it stands for any that the kernel chooses
        return bytes(allowed)

    def rows(self, numbers: Sequence[int], protocols: frozenset[str] | None) -> Iterator[FreePort]:
        """Those of these ports and protocols that are free."""
        allowed = self.allowed
        wanted = [protocol for protocol in PROTOCOLS if protocols is None or protocol in protocols]
        taken = {protocol: self._ports(protocol) for protocol in wanted} if allowed is not None else {}
        for port in numbers:
            for protocol, used in taken.items():
                if allowed is not None and allowed[port] and used is not None and port not in used:
                    yield self._row(port, protocol)

    def _row(self, port: int, protocol: str) -> FreePort:
        found = self._rows.get((port, protocol))
        if found is None:
            row = known_ports(self.system).row((port, protocol))
            found = self._rows[port, protocol] = FreePort(row, self._try)
        return found

    def _ports(self, protocol: str) -> set[int] | None:
        """The ports that sockets of a protocol have, in any state; None where these could not be listed."""
        if protocol not in self._taken:
            lists = [
                self.system.network.dumps.column(kind, self.namespace, "local_port")
                for kind in self.system.backend.kinds
                if kind.protocol == protocol
            ]
            ports = [ports for ports in lists if ports is not None]
            # A system without IPv6 has no list of it, which says nothing of the other.
            if not ports:
                self._refuse(protocol, "its sockets could not be listed, so no port is said to be free")
            self._taken[protocol] = {port for of_one in ports for port in of_one if port} if ports else None
        return self._taken[protocol]

    def _try(self, port: int, protocol: str) -> int | None:
        if not self.namespace.here:
            self._refuse("bind", "another system's ports cannot be tried from here")
            return None
        return try_to_bind(port, protocol)

    def _refuse(self, what: str, reason: str) -> None:
        source = f"free_ports {what}"
        self.system.refuse(source, None, Unsupported(source, reason))


def of(system: Snapshot) -> FreePorts:
    """Those of a look."""
    return system.memo("free ports", partial(FreePorts, system))


def try_to_bind(port: int, protocol: str) -> int | None:
    """1 where a port can be bound to all addresses of both families just now, else 0; None where the trial says nothing.

    Each socket is bound without SO_REUSEADDR, never listens, and is closed at once; what others do meanwhile is not known.
    """
    tried = 0
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):  # noqa: S104 closed at once
        try:
            with socket.socket(family, _TYPES[protocol]) as one:
                if family == socket.AF_INET6:
                    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                one.bind((address, port))
        except OSError as error:
            if error.errno in _NO_FAMILY:
                continue
            if error.errno in (errno.EADDRINUSE, errno.EACCES, errno.EPERM):
                return 0
            raise
        tried += 1
    return 1 if tried else None
