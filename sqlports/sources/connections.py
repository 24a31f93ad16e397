"""Connections: sockets with two ends, and where both ends are on this machine, the other one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from sqlports.sources.dumps import Search
from sqlports.sources.namespaces import Namespace
from sqlports.sources.sockets import WILDCARDS, Listing, Socket, column

if TYPE_CHECKING:
    from sqlports.sources.network import Network

_MAPPED = "::ffff:"
# Those whose sockets have another end.
PROTOCOLS = frozenset(("tcp", "udp", "unix", "udplite", "sctp", "mptcp", "vsock"))

DIRECTIONS = ("inbound", "outbound", "local")

# Address and port of the two ends.
Ends = tuple[str, Any, str, Any]
# A list of sockets, and the number of one in it.
Place = tuple[Sequence[Socket], int]


class Connection:
    """One end of a connection: its socket, and the other end's when that is here too."""

    __slots__ = ("_peer", "socket")

    def __init__(self, socket: Socket) -> None:
        self.socket = socket

    @property
    def peer(self) -> Socket | None:
        """The socket at the other end."""
        if not hasattr(self, "_peer"):
            self._peer = _pairs(self.socket).peer(self.socket)
        return self._peer

    @property
    def accepted(self) -> int | None:
        """1 when it came in by a listener, 0 when it was opened from here; None of a unix socket, which does not tell."""
        if self.socket.protocol == "unix":
            return None
        return int(_pairs(self.socket).is_served(self.socket))

    @property
    def direction(self) -> str:
        """'local' with both ends here, else 'inbound' or 'outbound'."""
        socket = self.socket
        if socket.protocol == "unix" or is_loopback(socket.remote_address) or self.peer is not None:
            return "local"
        return "inbound" if self.accepted else "outbound"

    @property
    def pid(self) -> int | None:
        """The owner of this end."""
        return self.socket.owner.pid

    @property
    def name(self) -> str | None:
        """The name of that process."""
        return self._name(self.pid)

    @property
    def peer_pid(self) -> int | None:
        """The owner of the other end; while it is not accepted its listener's."""
        return self.peer.keeper.pid if self.peer is not None else None

    @property
    def peer_name(self) -> str | None:
        """The name of that process."""
        return self._name(self.peer_pid)

    @property
    def path(self) -> str | None:
        """The name by which two unix sockets met: it is the server's."""
        return self.socket.path or (self.peer.path if self.peer is not None else None)

    @property
    def peer_inode(self) -> int | None:
        """The inode of the other end."""
        return self.peer.inode if self.peer is not None else None

    @property
    def peer_namespace(self) -> int | None:
        """The network namespace of the other end."""
        return self.peer.net_namespace if self.peer is not None else None

    def _name(self, pid: int | None) -> str | None:
        process = self.socket.listing.network.system.process(pid) if pid is not None else None
        return process.comm.name if process is not None else None


def connections(network: Network, search: Search) -> Iterator[Connection]:
    """One row for each end that is here."""
    protocols = PROTOCOLS if search.protocols is None else search.protocols & PROTOCOLS
    for socket in network.sockets(search._replace(protocols=protocols)):
        if socket.remote_port is not None or socket.peer_inode is not None:
            yield network.connection(socket)


def _pairs(socket: Socket) -> Pairs:
    """What is listed of the socket's protocol: its other end has the same."""
    network, protocol = socket.listing.network, socket.protocol
    found: Pairs = network.system.memo(("pairs", protocol), lambda: Pairs(network, protocol))
    return found


class Pairs:
    """The sockets of one protocol by their ends."""

    def __init__(self, network: Network, protocol: str) -> None:
        # By the two ends, and the same by the namespace as well.
        self._far: dict[Ends, list[Place]] = {}
        self._near: dict[tuple[Namespace, Ends], list[Place]] = {}
        self._by_inode: dict[int | None, Socket] = {}
        self._served: dict[tuple[object, str, Any], list[Socket]] = {}
        for sockets in network.batches(Search(protocols=frozenset((protocol,)))):
            if protocol == "unix":
                self._by_inode.update((socket.inode, socket) for socket in sockets)
            elif sockets:
                self._add(sockets, sockets[0].listing)

    def _add(self, sockets: Sequence[Socket], listing: Listing) -> None:
        """Note the sockets of one list."""
        protocol, namespace = listing.protocol, listing.namespace
        names = ("local_address", "local_port", "remote_address", "remote_port")
        ends_of = zip(*(column(sockets, name) for name in names), strict=True)
        for number, (address, port, remote, remote_port) in enumerate(ends_of):
            if remote_port is not None:
                ends = plain(address), port, plain(remote), remote_port
                self._near.setdefault((namespace, ends), []).append((sockets, number))
                self._far.setdefault(ends, []).append((sockets, number))
            elif port is not None and sockets[number].state in ("LISTEN", "UNCONNECTED"):
                self._served.setdefault((namespace, protocol, port), []).append(sockets[number])

    def peer(self, socket: Socket) -> Socket | None:
        """The other end of a socket: in its own namespace before any other, where the same addresses may be in use."""
        if socket.protocol == "unix":
            return self._by_inode.get(socket.peer_inode)
        address, remote = plain(socket.local_address), plain(socket.remote_address)
        ends = remote, socket.remote_port, address, socket.local_port
        found = self._near.get((socket.listing.namespace, ends))
        if found is None and not is_loopback(remote):
            found = self._far.get(ends)
        if found is not None:
            # Of several that it may be as well, none is it for sure.
            [(sockets, number), *others] = found
            return None if others else sockets[number]
        if socket.protocol.startswith("udp") and (is_loopback(remote) or remote == address):
            return self._unconnected(socket, remote)
        return None

    def _unconnected(self, socket: Socket, remote: str) -> Socket | None:
        """A UDP socket that answers without being connected: bound to the address or to all."""
        found = self._served.get((socket.listing.namespace, socket.protocol, socket.remote_port), [])
        for addresses in ((remote, _MAPPED + remote), WILDCARDS):
            fitting = [one for one in found if one.local_address in addresses]
            if fitting:
                return fitting[0] if len(fitting) == 1 else None
        return None

    def is_served(self, socket: Socket) -> bool:
        """Whether there is a listener at this end."""
        place = (socket.listing.namespace, socket.protocol, socket.local_port)
        addresses = (socket.local_address, plain(socket.local_address), *WILDCARDS)
        return any(one.local_address in addresses for one in self._served.get(place, ()))


def plain(address: str) -> str:
    """An address without the clothes that IPv4 wears on an IPv6 socket (RFC 4291, 2.5.5.2)."""
    return address[len(_MAPPED) :] if address.startswith(_MAPPED) and "." in address else address


def is_loopback(address: str | None) -> bool:
    """Whether an address never leaves the machine, or the namespace."""
    return address is not None and (plain(address).startswith("127.") or address == "::1")
