"""What stands in the way of binding a port on this machine: its sockets, and what the kernel asks of who binds."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.ports import binding
from sqlports.ports.binding import BLOCKS, FREE, UNLESS_ADDRESS, UNLESS_PORT, Address, Binder, Ruling
from sqlports.ports.ranges import flags
from sqlports.sources.owners import Owner
from sqlports.sources.records import Unsupported
from sqlports.sources.region import Region

if TYPE_CHECKING:
    from sqlports.sources.namespaces import Namespace
    from sqlports.sources.snapshot import Snapshot
    from sqlports.sources.sockets import Socket

PROTOCOLS = ("tcp", "udp", "udplite", "sctp")
ANY = "::"

_CLIENT = "The kernel hands out such ports to clients, and hardly any client sets either: expect that it blocks."
# What most servers set is the least in the way.
OBSTACLES = ("socket", "privilege", "address", "interface", "ephemeral", "reserved", "port", "protocol", "namespace")
_ORDER = (BLOCKS, UNLESS_PORT, UNLESS_ADDRESS, FREE)
_NOBODY = Owner(None, None, None, "")


class Question(NamedTuple):
    """May this be bound? Options are 1 or 0, and None where they are left open; `as_uid` None is any user."""

    port: int
    protocol: str
    address: str = ANY
    v6only: int = 0
    reuse_address: int | None = None
    reuse_port: int | None = None
    as_uid: int | None = None
    interface: str | None = None


class Conflict:
    """One thing that stands in the way, or might seem to. `socket` is None for what is none."""

    def __init__(
        self, system: Snapshot, question: Question, net_namespace: int | None, obstacle: str, ruling: Ruling, socket: Any = None
    ) -> None:
        self.system = system
        self.question = question
        self.net_namespace = net_namespace
        self.obstacle = obstacle
        self.ruling = ruling
        self.socket = socket

    @property
    def why(self) -> str:
        """The reason, and of a client's port what is to be expected."""
        why = self.ruling.why
        return f"{why} {_CLIENT}" if self.ruling.verdict in (UNLESS_ADDRESS, UNLESS_PORT) and self._is_a_client() else why

    def _is_a_client(self) -> bool:
        """Whether it has a port that the kernel chose for a client, as far as can be told."""
        socket = self.socket
        if socket is None or socket.remote_port is None or self.system.network.listeners(socket):
            return False
        if socket.state != "TIME_WAIT":
            return bool(socket.autobound)
        low, high = self.system.port_settings(socket.listing.namespace).ephemeral or (1, 0)
        return bool(low <= socket.local_port <= high)

    @property
    def owner(self) -> Owner:
        """Who holds the socket."""
        return _NOBODY if self.socket is None else self.socket.owner

    @property
    def owner_reason(self) -> str | None:
        """Why nobody is known to."""
        return self.owner.reason or None

    @property
    def name(self) -> str | None:
        """The name of the process that holds it."""
        process = None if self.owner.pid is None else self.system.process(self.owner.pid)
        return None if process is None else process.comm.name

    def __getattr__(self, name: str) -> Any:
        """What the socket tells."""
        if name.startswith("__"):
            raise AttributeError(name)
        return None if self.socket is None else getattr(self.socket, name)


class Check:
    """Answers questions about one network namespace; a look has one for each."""

    def __init__(self, system: Snapshot, namespace: Namespace) -> None:
        self.system = system
        self.namespace = namespace
        self._first: frozenset[int] | None = None

    def conflicts(self, question: Question, ports: frozenset[int]) -> list[Conflict]:
        """What there is to say to one of the questions that are asked of these ports at once: what blocks before the rest."""
        return self.system.memo((self, question), lambda: sorted(self._conflicts(question, ports), key=_weight))

    def _conflicts(self, question: Question, ports: frozenset[int]) -> Iterator[Conflict]:
        say = partial(Conflict, self.system, question, self.namespace.inode)
        if not 0 < question.port <= 65535:
            ruling = Ruling(BLOCKS, "Ports are 0 to 65535.")
            yield say("port", ruling if question.port else Ruling(FREE, "For port 0 the kernel chooses one that is free."))
            return
        if question.protocol not in PROTOCOLS:
            yield say(
                "protocol", Ruling(BLOCKS, f"No protocol with ports is called {question.protocol!a}: 'tcp' is, and 'udp'.")
            )
            return
        address = binding.address(question.address)
        if address is None:
            yield say("address", Ruling(BLOCKS, f"{question.address!a} is no IP address."))
            return
        yield from (say(obstacle, ruling) for obstacle, ruling in self._of_the_kernel(question, address))
        binder = self._binder(question, address)
        sockets = self._sockets(question.port, question.protocol, ports)
        if self._is_unlisted(question.protocol):
            yield say("socket", Ruling(None, "Who has the port is not known: the sockets could not be listed."))
        for socket in sockets:
            yield say("socket", binding.ruling(socket, _user(socket), binder), socket)

    def _binder(self, question: Question, address: Address) -> Binder:
        """Who asks, for the rules: interfaces are called as sockets tell them."""
        from sqlports.sources import bind_rights

        return Binder(
            address._replace(scope=bind_rights.interface_name(self.namespace, address.scope, is_scope=True)),
            bool(question.v6only),
            bind_rights.interface_name(self.namespace, question.interface),
            question.reuse_address,
            question.reuse_port,
            question.as_uid,
        )

    def _of_the_kernel(self, question: Question, address: Address) -> Iterator[tuple[str, Ruling]]:
        from sqlports.sources import bind_rights

        found = bind_rights.place(self.namespace, address, question.interface, bool(question.v6only), question.protocol)
        if found is not None:
            yield found
        settings, port = self.settings, question.port
        if settings.unprivileged is None:
            yield "privilege", Ruling(None, "From which port on anybody may bind (ip_unprivileged_port_start) is not known.")
        elif port < settings.unprivileged:
            yield "privilege", self._privilege(question.as_uid, settings.unprivileged)
        if settings.ephemeral is None:
            yield "ephemeral", Ruling(None, "Which ports the kernel hands out (ip_local_port_range) is not known.")
            return
        low, high = settings.ephemeral
        if self._reserved[port]:
            text = "The kernel keeps it from being handed out (ip_local_reserved_ports): who names it may have it."
            yield "reserved", Ruling(FREE, text)
        elif low <= port <= high:
            text = f"The kernel hands out {low} to {high}: a client may get this one, unless ip_local_reserved_ports keeps it."
            yield "ephemeral", Ruling(FREE, text)

    def _privilege(self, uid: int | None, start: int) -> Ruling:
        from sqlports.sources import bind_rights

        if bind_rights.may_bind_any(self.namespace, uid):
            return Ruling(FREE, f"Below {start} it takes CAP_NET_BIND_SERVICE, which this user has.")
        return Ruling(BLOCKS, f"Below {start} it takes CAP_NET_BIND_SERVICE, which this user lacks unless it is given.")

    @cached_property
    def settings(self) -> Any:
        """The kernel's port ranges there."""
        return self.system.port_settings(self.namespace)

    @cached_property
    def _reserved(self) -> bytes:
        return flags(self.settings.reserved)

    def _sockets(self, port: int, protocol: str, ports: frozenset[int]) -> list[Socket]:
        """The sockets that have a port. For the first ports that are asked for the kernel picks them; then all are listed."""
        if self._first is None:
            self._first = ports
        narrow = ports == self._first
        key = self, protocol, ports if narrow else None
        found = self.system.memo(key, lambda: self._listed(protocol, Region(local_ports=ports) if narrow else Region()))
        return found.get(port, [])

    def _is_unlisted(self, protocol: str) -> bool:
        """Whether of neither family the sockets could be listed. A system without IPv6 has no list of that."""
        kinds = [kind for kind in self.system.backend.kinds if kind.protocol == protocol]
        return all(self.system.network.dumps.is_unread(kind, self.namespace) for kind in kinds)

    def _listed(self, protocol: str, region: Region) -> dict[int, list[Socket]]:
        found: dict[int, list[Socket]] = {}
        for kind in self.system.backend.kinds:
            if kind.protocol == protocol:
                for socket in self.system.network.dumps.of(kind, self.namespace, region):
                    if socket.local_port is not None:
                        found.setdefault(socket.local_port, []).append(socket)
        return found


class Unseen:
    """Answers the same about a namespace that is not seen: that it is not known."""

    def __init__(self, system: Snapshot, inode: int) -> None:
        self.system = system
        self.inode = inode

    def conflicts(self, question: Question, ports: frozenset[int]) -> list[Conflict]:
        """The one thing there is to say."""
        ruling = Ruling(None, "Nothing is known of that network namespace: it is not seen from here.")
        return self.system.memo((self, question), lambda: [Conflict(self.system, question, self.inode, "namespace", ruling)])


def checks(system: Snapshot, inodes: frozenset[int] | None) -> list[Check | Unseen]:
    """Those of the namespaces of these inodes, for None of the one that is looked from."""
    if not sys.platform.startswith("linux"):
        system.refuse("port_conflicts", None, Unsupported("port_conflicts", "the rules it goes by are Linux's"))
    network = system.network
    found = network.namespaces(inodes, mine=True) if inodes is None else network.namespaces(inodes)
    found = [namespace for namespace in found if inodes is not None or namespace.mine]
    unseen = sorted((inodes or frozenset()) - {namespace.inode for namespace in found})
    return [
        *(system.memo(("bind check", namespace), partial(Check, system, namespace)) for namespace in found),
        *(system.memo(("bind check", inode), partial(Unseen, system, inode)) for inode in unseen),
    ]


def own_uid() -> int | None:
    """The user who runs this; None where a system has no such number."""
    return os.geteuid() if hasattr(os, "geteuid") else None


def _user(socket: Socket) -> int | None:
    """The user by whom the kernel lets a port be shared. Of a socket that its process has closed that is what inet_diag says,
    though older kernels say 0 of all such: they compare the same."""
    raw = getattr(socket, "raw", None)
    found: int | None = socket.uid if raw is None else raw[12]
    return found


def _weight(conflict: Conflict) -> int:
    """The greater the less it stands in the way."""
    verdict = conflict.ruling.verdict
    return _ORDER.index(verdict) if verdict else 0
