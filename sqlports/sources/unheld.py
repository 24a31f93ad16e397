"""Why a socket is that no process holds: what can be found out without a guess."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING

from sqlports.sources.inet_messages import Messages
from sqlports.sources.records import Unsupported
from sqlports.sources.region import Region
from sqlports.sources.sockets import Listing, Socket
from sqlports.sources.states import STATES

if TYPE_CHECKING:
    from sqlports.sources.network import Network
    from sqlports.sources.owners import Holders

# So many of them are asked for by their ports; more, and their whole list is asked for again.
FEW = 64

_LISTEN = frozenset(("LISTEN",))

RING = "anon_inode:[io_uring]"


class Unheld:
    """The sockets of a look that no descriptor stands for."""

    def __init__(self, network: Network, holders: Holders) -> None:
        self.network = network
        self.system = network.system
        self.holders = holders
        self._asked: set[int | None] = set()
        self._still: dict[int | None, int | None] = {}
        self._rings: dict[int, set[int]] | None = None
        self._in_flight: bool | None = None
        self._held_now: set[str] | None = None

    def reason(self, socket: Socket) -> str:
        """Why nobody holds it, as Owner.reason has it; 'unknown' also where some handles could not be read."""
        if socket.inode in self.rings():
            return "io_uring"
        if socket.cookie is not None:
            inode = self._inode_now(socket)
            if inode is None:
                return "ended"
            if inode == 0:
                return "orphan"
        if self.system.blind or socket.listing.number > self.holders.listed_before or self._is_held_now(socket):
            return "unknown"
        # The kernel's own are root's, as a rule; what is in flight is not told, only that something is.
        if self.any_in_flight():
            return "in_flight" if socket.uid else "unknown"
        return "kernel" if not socket.uid and self.system.backend.sees_all() else "unknown"

    def rings(self) -> dict[int, set[int]]:
        """The inodes of what is registered with io_uring, with the processes that hold the rings."""
        if self._rings is None:
            self._rings = {}
            for pid, fd, tid in self.holders.descriptors(RING):
                for inode in self.system.registered(pid, fd, tid):
                    self._rings.setdefault(inode, set()).add(pid)
        return self._rings

    def any_in_flight(self) -> bool:
        """Whether descriptors wait in some unix socket to be received (SCM_RIGHTS of unix(7)); of which files is not told."""
        if self._in_flight is None:
            links = (f"socket:[{inode}]" for inode in self.network.unix_inodes())
            found = chain.from_iterable(self.holders.descriptors(link) for link in links)
            self._in_flight = any(self.system.in_flight(*place) for place in found)
        return self._in_flight

    def _is_held_now(self, socket: Socket) -> bool:
        """Whether a second walk finds a holder."""
        if self._held_now is None:
            self.system.reads["second walk"] += 1
            unclaimed = (one for sockets in self.network.dumps.lists() for one in self._unclaimed(sockets))
            self._held_now = self.holders.found_again({f"socket:[{one.inode}]" for one in unclaimed})
        return f"socket:[{socket.inode}]" in self._held_now

    def _unclaimed(self, sockets: Sequence[Socket]) -> list[Socket]:
        """Those of a list that could be held and are not."""
        if isinstance(sockets, Messages):
            return sockets.unclaimed()
        held = self.holders.holders
        return [one for one in sockets if one.inode is not None and not held(f"socket:[{one.inode}]")]

    def _inode_now(self, socket: Socket) -> int | None:
        """The inode that it has now: 0 for none any more, None when the socket is gone. It was listed before the walk."""
        if socket.cookie not in self._asked:
            self._ask(socket)
        return self._still.get(socket.cookie)

    def _ask(self, socket: Socket) -> None:
        """List once more those of its list that are without a holder."""
        listing = socket.listing
        lists = self.network.dumps.lists((listing.namespace, listing.kind))
        alike = [one for sockets in lists for one in self._unclaimed(sockets)]
        self._asked.update(one.cookie for one in alike)
        ports = frozenset(one.local_port for one in alike)
        narrow = listing.kind.ports and None not in ports and len(ports) <= FEW
        # A listener stays one until it is closed; the kernel finds them faster than others.
        listen = all(one.state == "LISTEN" for one in alike)
        region = Region(_LISTEN if listen else STATES, ports if narrow else None)
        again = Listing(self.network, listing.kind, listing.namespace)
        try:
            now = self.system.backend.sockets(again, region)
        except (Unsupported, OSError):
            # It cannot be asked a second time: then what was so is taken to be so still.
            now = alike
        self._still.update((one.cookie, one.inode or 0) for one in now)
