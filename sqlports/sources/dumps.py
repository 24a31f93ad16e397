"""The sockets of a look, listed when they are asked for: what one list has told, no later one tells otherwise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlports.sources.collector import paused_collector
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import Unsupported
from sqlports.sources.region import Region
from sqlports.sources.sockets import Kind, Listing, Socket, column

if TYPE_CHECKING:
    from sqlports.sources.network import Network

T = TypeVar("T")


class Dump(NamedTuple):
    """One dump: the region that it was asked for, and its sockets in the order they came."""

    region: Region
    sockets: Sequence[Socket]


class Search(NamedTuple):
    """Which sockets are wanted, None for all, and which of their parts."""

    protocols: frozenset[str] | None = None
    families: frozenset[str] | None = None
    namespaces: frozenset[int] | None = None
    region: Region = Region()
    parts: frozenset[str] = frozenset()


class Dumps:
    """What was listed so far, by namespace and kind."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.system = network.system
        self._dumps: dict[tuple[Namespace, Kind], list[Dump]] = {}
        self._unread: set[tuple[Namespace, Kind]] = set()
        self._listings: list[Listing] = []
        self.count = 0
        self._later: dict[object, dict[int | None, Socket]] = {}
        self._autobound: dict[object, set[int] | None] = {}

    def sockets(self, search: Search) -> Iterator[Socket]:
        """The sockets that are wanted, and maybe more; one whose state is not known is in a search for all only."""
        return chain.from_iterable(self.batches(search))

    def batches(self, search: Search) -> Iterator[Sequence[Socket]]:
        """The same, list by list."""
        places = self._places(search, self.network.namespaces(search.namespaces))
        # All before the first row: the walk that finds the owners comes once, and what is listed after it may have none.
        self._fill_all(places, search)
        if search.parts & {"owner", "keeper"}:
            # The walk for the owners may come upon namespaces that nothing but a descriptor or a thread leads to.
            self.network.holders()
            more = self._places(search, self.network.namespaces(search.namespaces, led=True))
            places += [place for place in more if place not in places]
            self._fill_all(places, search)
        for place in places:
            yield from self._wanted(place, search)

    def of(self, kind: Kind, namespace: Namespace, region: Region) -> list[Socket]:
        """The sockets of one list, and maybe more than the region."""
        search = Search(region=region)
        self._fill((namespace, kind), search)
        return list(chain.from_iterable(self._wanted((namespace, kind), search)))

    def is_unread(self, kind: Kind, namespace: Namespace) -> bool:
        """Whether one list was asked for and could not be read."""
        return (namespace, kind) in self._unread

    def column(self, kind: Kind, namespace: Namespace, name: str) -> list[Any] | None:
        """One column of all sockets of one list; None where that could not be read."""
        place = namespace, kind
        self._fill(place, Search())
        if place in self._unread:
            return None
        return list(chain.from_iterable(column(dump.sockets, name) for dump in self._dumps[place]))

    def lists(self, place: tuple[Namespace, Kind] | None = None) -> list[Sequence[Socket]]:
        """What was listed so far, of one kind in one namespace or of all."""
        dumps = chain.from_iterable(self._dumps.values()) if place is None else self._dumps.get(place, ())
        return [dump.sockets for dump in dumps]

    def close(self) -> None:
        """Give up the sockets."""
        for listing in self._listings:
            listing.close()
        for kept in (self._dumps, self._unread, self._listings, self._later, self._autobound):
            kept.clear()

    def _fill_all(self, places: list[tuple[Namespace, Kind]], search: Search) -> None:
        """List what is not listed yet, namespace by namespace: of one at a time a netlink socket is open."""
        for namespace in dict.fromkeys(namespace for namespace, _ in places):
            for place in places:
                if place[0] is namespace:
                    self._fill(place, search)
            if not namespace.mine:
                namespace.restart()

    def _places(self, search: Search, namespaces: list[Namespace]) -> list[tuple[Namespace, Kind]]:
        region = search.region
        return [
            (namespace, kind)
            for kind in self.system.backend.kinds
            if (search.protocols is None or kind.protocol in search.protocols)
            and (search.families is None or kind.family in search.families)
            and region.is_possible(kind.family, kind.ports)
            for namespace in namespaces
            # A virtual machine's sockets are in no namespace: one list has them all.
            if namespace.mine or kind.family != "vsock"
        ]

    def _fill(self, place: tuple[Namespace, Kind], search: Search) -> None:
        """List what is not listed yet."""
        dumps = self._dumps.setdefault(place, [])
        region = search.region
        lacking = region.states.difference(*(dump.region.states for dump in dumps if dump.region.whole))
        region = region._replace(states=lacking)
        if not lacking or any(dump.region.covers(region) for dump in dumps):
            return
        namespace, kind = place
        listing = Listing(self.network, kind, namespace, search.parts)
        with paused_collector():
            found = self._list(listing, region)
            if not region.whole:
                found = [socket for socket in found if region.has(socket)]
            dumps.append(Dump(region, _new(found, dumps)))

    def _list(self, listing: Listing, region: Region) -> Sequence[Socket]:
        system = self.system
        self.count += 1
        listing.number = self.count
        system.reads[f"{listing.protocol} {listing.family}"] += 1
        self._listings.append(listing)
        found = self._or_none(listing, lambda: system.backend.sockets(listing, region), None)
        if found is None:
            self._unread.add((listing.namespace, listing.kind))
        return found or ()

    def _or_none(self, listing: Listing, ask: Callable[[], T], none: T) -> T:
        """What the system answers; nothing, which is counted, where it does not."""
        self.system.check()
        try:
            return ask()
        except Unsupported as error:
            self.system.refuse(error.source, None, error)
        except OSError as error:
            self.system.refuse(f"sock_diag {listing.protocol}", None, error)
        return none

    def _wanted(self, place: tuple[Namespace, Kind], search: Search) -> Iterator[Sequence[Socket]]:
        region = search.region
        for dump in list(self._dumps[place]):
            if dump.region.states <= region.states:
                yield dump.sockets
            else:
                yield [socket for socket in dump.sockets if socket.state in region.states]

    def told_later(self, socket: Socket, part: str) -> object:
        """A part of a socket that was not asked for with its list: by asking for the list again, once for all of them."""
        listing = socket.listing
        key = listing.namespace, listing.kind, part
        if key not in self._later:
            again = listing.with_part(part)
            self._later[key] = {found.cookie: found for found in self._list(again, Region())}
        found = self._later[key].get(socket.cookie)
        if found is None:
            self.system.lost(f"sock_diag {socket.protocol}")
            return None
        return found.told(part)

    def autobound(self, socket: Socket) -> int | None:
        """Whether the kernel chose the port of a socket; None where it does not tell."""
        listing = socket.listing
        # What the kernel says of an MPTCP socket is not so: the port is its subflows'. Of what is no whole socket it says 1.
        if not listing.kind.ports or socket.cookie is None or socket.protocol == "mptcp":
            return None
        if socket.protocol == "tcp" and socket.inode is None:
            return None
        key = listing.namespace, listing.kind
        if key not in self._autobound:
            self._autobound[key] = self._or_none(listing, lambda: self.system.backend.autobound(listing), None)
        chosen = self._autobound[key]
        if chosen is None:
            return None
        if socket.protocol == "tcp" and socket.state != "LISTEN":
            # One that was accepted has its listener's port, however that was chosen.
            for listener in self.network.listeners(socket):
                return self.autobound(listener)
            if socket.cookie in chosen and not self._is_ephemeral(socket.local_port, listing.namespace):
                return None  # its listener was closed
        return int(socket.cookie in chosen)

    def _is_ephemeral(self, port: int, namespace: Namespace) -> bool:
        """Whether the kernel hands out such ports there."""
        found = self.system.port_settings(namespace).ephemeral
        return found is None or found[0] <= port <= found[1]


def _new(found: Sequence[Socket], earlier: list[Dump]) -> Sequence[Socket]:
    """The sockets that no earlier dump has told of, or has told to be none.

    One that changes its state between two dumps is in both. One without a state comes with every dump. One that was in no
    list narrowed to such as itself has come since.
    """
    if not earlier:
        return found
    seen = {socket.cookie for dump in earlier for socket in dump.sockets} - {None}
    narrow = [dump.region for dump in earlier if not dump.region.whole]
    return [
        socket
        for socket in found
        if socket.state is not None and socket.cookie not in seen and not any(region.has(socket) for region in narrow)
    ]
