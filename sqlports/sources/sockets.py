"""A socket as a row: what the kernel listed of it, and its parts that are asked for when a column wants them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.sources import owners
from sqlports.sources.owners import Owner
from sqlports.sources.records import Memory, SocketRecord
from sqlports.sources.tcp_info import TcpInfo

if TYPE_CHECKING:
    from sqlports.sources.namespaces import Namespace
    from sqlports.sources.network import Network


class Kind(NamedTuple):
    """What is listed at a time: a family and a protocol. `type` is None where it differs; `ports` whether it has some."""

    family: str
    protocol: str
    type: str | None = None
    ports: bool = True


KINDS: tuple[Kind, ...] = (
    Kind("ipv4", "tcp", "stream"),
    Kind("ipv6", "tcp", "stream"),
    Kind("ipv4", "udp", "datagram"),
    Kind("ipv6", "udp", "datagram"),
    Kind("ipv4", "udplite", "datagram"),
    Kind("ipv6", "udplite", "datagram"),
    Kind("ipv4", "raw", "raw", ports=False),
    Kind("ipv6", "raw", "raw", ports=False),
    Kind("ipv4", "icmp", "datagram", ports=False),
    Kind("ipv6", "icmp", "datagram", ports=False),
    Kind("ipv4", "sctp"),
    Kind("ipv6", "sctp"),
    Kind("ipv4", "mptcp", "stream"),
    Kind("ipv6", "mptcp", "stream"),
    Kind("unix", "unix", ports=False),
    Kind("packet", "packet", ports=False),
    Kind("netlink", "netlink", ports=False),
    Kind("vsock", "vsock"),
)

FAMILIES = tuple(dict.fromkeys(kind.family for kind in KINDS))
PROTOCOLS = tuple(dict.fromkeys(kind.protocol for kind in KINDS))


# Addresses that stand for all.
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 compared with


class Listing:
    """What the sockets of one list have in common: their kind and namespace, and which parts were asked for with them."""

    __slots__ = ("at_end", "family", "kind", "namespace", "net_namespace", "network", "number", "parts", "protocol", "type")

    def __init__(self, network: Network, kind: Kind, namespace: Namespace, parts: frozenset[str] = frozenset()) -> None:
        self.network = network
        self.kind = kind
        self.family, self.protocol, self.type, _ = kind
        self.namespace = namespace
        self.net_namespace = namespace.inode
        self.parts = parts
        # Which list it is of a look, counted from 1; 0 for one that is none of its rows.
        self.number = 0
        self.at_end: list[Callable[[], None]] = []

    def close(self) -> None:
        """Let go of the sockets, which know their list."""
        for end in self.at_end:
            end()

    def with_part(self, part: str) -> Listing:
        """The same list, asked with one part more."""
        return Listing(self.network, self.kind, self.namespace, self.parts | {part})


class Socket:
    """A socket. Its parts (`owner`, `info`, `memory`, …) become attributes when they are first asked for.

    Those of `listing.parts` came with the list; another is asked of the kernel once more, for all sockets of the list.
    """

    __slots__ = ("info", "memory", "owner")

    listing: Any
    protocol: Any = property(attrgetter("listing.protocol"))
    family: Any = property(attrgetter("listing.family"))
    net_namespace: Any = property(attrgetter("listing.net_namespace"))
    owner: Owner
    info: TcpInfo
    memory: Memory

    @property
    def keeper(self) -> owners.Keeper:
        """The process that answers for it, be it the owner or not."""
        return owners.keeper(self)

    @property
    def siblings(self) -> int | None:
        """How many others are bound as it is; None where that means nothing."""
        found: int | None = self.listing.network.siblings(self)
        return found

    @property
    def autobound(self) -> int | None:
        """Whether the kernel chose its port, 1 or 0."""
        found: int | None = self.listing.network.dumps.autobound(self)
        return found

    @property
    def cgroup(self) -> str | None:
        """The path of the control group that it was made in."""
        found: str | None = self.listing.network.cgroup(self)
        return found

    def __getattr__(self, part: str) -> Any:
        """A part that was not asked for yet. It becomes an attribute, so that this is not called for it again."""
        find = _PARTS.get(part)
        if find is None:
            raise AttributeError(part)
        found: Any = find(self)
        setattr(self, part, found)
        return found

    def told(self, part: str) -> Any:
        """A part that came with the list; None for none."""
        return None


class RecordSocket(Socket):
    """A socket whose record was made when it was listed, with the parts that came with it."""

    __slots__ = ("listing", "parts", "record")

    def __init__(self, record: SocketRecord, listing: Listing, **parts: Any) -> None:
        self.record = record
        self.listing = listing
        self.parts = parts

    def told(self, part: str) -> Any:
        return self.parts.get(part)


for _field in SocketRecord._fields:
    setattr(RecordSocket, _field, property(attrgetter(f"record.{_field}")))


def _from_the_list(part: str, nothing: Any) -> Callable[[Socket], Any]:
    """How a part is found that the kernel tells with the list: there, or by asking for the list once more."""

    def find(socket: Socket) -> Any:
        found = socket.told(part)
        listing = socket.listing
        if found is None and part not in listing.parts and socket.cookie is not None:
            found = listing.network.dumps.told_later(socket, part)
        return nothing if found is None else found

    return find


_PARTS: dict[str, Callable[[Socket], Any]] = {
    "owner": owners.owner,
    "info": _from_the_list("info", TcpInfo()),
    "memory": _from_the_list("memory", Memory()),
}


def column(sockets: Sequence[Socket], name: str) -> Sequence[Any]:
    """A column of some sockets: as a whole, where it is at hand so."""
    whole = sockets.column(name) if hasattr(sockets, "column") else None
    return [getattr(socket, name) for socket in sockets] if whole is None else whole
