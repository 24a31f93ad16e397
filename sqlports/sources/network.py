"""The sockets' side of a look: namespaces, lists, holders, and what is found by putting them together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sqlports.sources.connections import Connection
from sqlports.sources.dumps import Dumps, Search
from sqlports.sources.namespaces import Namespace
from sqlports.sources.owners import Holders, Named
from sqlports.sources.records import Unsupported
from sqlports.sources.region import Region
from sqlports.sources.sockets import WILDCARDS, Socket

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot

_BOUND = frozenset(("LISTEN", "UNCONNECTED", "BOUND"))
_LISTENERS = Region(frozenset(("LISTEN",)))


class Network:
    """The sockets of a look."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self.dumps: Dumps = Dumps(self)
        self._namespaces: list[Namespace] | None = None
        self._led: list[str] = []
        self._led_to: list[Namespace] = []
        self._holders: Holders | None = None

    def close(self) -> None:
        """Give up all that was read: rows and looks know each other, and would wait for the garbage collector."""
        self.dumps.close()
        self._namespaces = self._holders = None

    def sockets(self, search: Search) -> Iterator[Socket]:
        """The sockets that are wanted, and maybe more."""
        return self.dumps.sockets(search)

    def batches(self, search: Search) -> Iterator[Sequence[Socket]]:
        """The same, list by list."""
        return self.dumps.batches(search)

    def namespaces(self, inodes: frozenset[int] | None = None, mine: bool = False, led: bool = False) -> list[Namespace]:
        """The network namespaces that have a process or a mount, or those of these inodes.

        With `led`, or when it is asked for by its inode, also what nothing but a descriptor or a thread leads to. The one that
        is looked from (`mine`) costs nothing.
        """
        backend = self.system.backend
        if self._namespaces is None:
            own = backend.namespaces()
            if mine or (inodes is not None and inodes <= {namespace.inode for namespace in own}):
                return [namespace for namespace in own if inodes is None or namespace.inode in inodes]
            self.system.reads["namespaces"] += 1
            self._namespaces = backend.namespaces(self.system.pids())
        if inodes is not None and not inodes <= {namespace.inode for namespace in self._namespaces}:
            self.holders()  # for a descriptor may lead to it
        while self._led:
            found = backend.led_to(self._led.pop())
            if found is not None:
                self._led_to.append(found)
        known = [*self._namespaces, *self._led_to] if led or inodes is not None else self._namespaces
        return [namespace for namespace in known if inodes is None or namespace.inode in inodes]

    def note_namespace(self, place: str) -> None:
        """Take up a network namespace that a file below /proc leads to; it may be known already."""
        self._led.append(place)

    def ports(self, namespace: Namespace, protocol: str) -> list[int] | None:
        """The ports that sockets of a protocol have in a namespace, in whatever state: each once, ascending.

        None where a list could not be read.
        """
        found: set[int] = set()
        for kind in self.system.backend.kinds:
            if kind.protocol == protocol:
                ports = self.dumps.column(kind, namespace, "local_port")
                if ports is None:
                    return None
                found.update(filter(None, ports))
        return sorted(found)

    def holders(self) -> Holders:
        """Who holds which socket: one walk over all handles."""
        if self._holders is None:
            self.system.reads["walk"] += 1
            self._holders = Holders(self) if self.system.backend.tells_inodes else Named(self)
        return self._holders

    def listeners(self, socket: Socket) -> list[Socket]:
        """The listeners that a connection without a holder can have come by."""
        found: dict[object, list[Socket]] = self.system.memo("listeners", dict)
        place = (socket.listing.kind, socket.listing.namespace)
        if place not in found:
            found[place] = []
            for one in self.dumps.of(*place, _LISTENERS):
                if one.state == "LISTEN":
                    found.setdefault((*place, one.local_address, one.local_port), []).append(one)
        for address in (socket.local_address, *WILDCARDS):
            listeners = found.get((*place, address, socket.local_port))
            if listeners:
                return listeners
        return []

    def siblings(self, socket: Socket) -> int | None:
        """How many other sockets are bound to the very same address and port; None for one that has a peer, or no port."""
        if socket.local_port is None or socket.remote_port is not None or socket.state not in _BOUND:
            return None
        listing = socket.listing

        def count() -> Counter[object]:
            return Counter(map(_place, self.dumps.of(listing.kind, listing.namespace, Region(_BOUND))))

        counts = self.system.memo(("siblings", listing.namespace, listing.kind), count)
        return counts[_place(socket)] - 1

    def connection(self, socket: Socket) -> Connection:
        """The socket as an end of a connection: the same object whenever it is asked for."""
        found: dict[Socket, Connection] = self.system.memo("connections", dict)
        if socket not in found:
            found[socket] = Connection(socket)
        return found[socket]

    def unix_inodes(self) -> set[int | None]:
        """The inodes of all unix sockets."""
        return {socket.inode for socket in self.sockets(Search(protocols=frozenset(("unix",)))) if socket.protocol == "unix"}

    def cgroup(self, socket: Socket) -> str | None:
        """The path of a socket's control group: by its number, or where that tells nothing, that of its owner."""
        number = socket.cgroup_id
        try:
            path = self.system.memo("cgroups", self.system.backend.cgroups).path(number) if number is not None else None
        except (OSError, Unsupported) as error:
            self.system.refuse("cgroups", None, error)
            path = None
        if path is None and socket.owner.pid is not None:
            process = self.system.process(socket.owner.pid)
            path = process.cgroup.path if process is not None else None
        return path


def _place(socket: Socket) -> object:
    """What sockets that share a port have in common."""
    return socket.state, socket.local_address, socket.local_port, socket.interface
