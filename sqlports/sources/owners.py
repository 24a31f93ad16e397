"""Who holds a socket, and when nobody is known to, why."""

from __future__ import annotations

import os
from collections.abc import Container, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.sources.collector import paused_collector
from sqlports.sources.refusals import PERMISSION

if TYPE_CHECKING:
    from sqlports.sources.network import Network
    from sqlports.sources.sockets import Socket
    from sqlports.sources.unheld import Unheld


REASONS = (
    "owned",
    "time_wait",
    "syn_recv",
    "accept_queue",
    "orphan",
    "io_uring",
    "in_flight",
    "kernel",
    "ended",
    "permission",
    "unknown",
)


class Owner(NamedTuple):
    """The owner of a socket: the oldest process that holds it, passing over pid 1 when another holds it too.

    `fd` is its lowest descriptor there, `owners` how many processes are seen to hold it (None where the system tells of one
    only, or where none is seen and some could not be looked at).
    `reason` is 'owned', or says why there is no pid:

        time_wait     the connection is over, the kernel only remembers it
        syn_recv      the connection is not complete yet
        accept_queue  complete and waiting for its listener to accept it
        orphan        closed by its process, the kernel is finishing it
        io_uring      registered with a ring, which serves it without a descriptor
        in_flight     sent over a unix socket and not received yet: some descriptor is, and this user's socket can be it
        kernel        the kernel's own: two walks over the handles of all processes found none that holds it
        ended         closed between the list of sockets and the walk over the handles
        permission    some process's handles could not be read: one of them may hold it
        unknown       none of these
    """

    pid: int | None
    fd: int | None
    owners: int | None
    reason: str


class Held:
    """What one process holds."""

    def __init__(self, pid: int, links: dict[int, str | None]) -> None:
        """`links` is what its descriptors link to; those of threads with a table of their own come to them."""
        self.pid = pid
        self.tables = [links]

    @cached_property
    def descriptors(self) -> dict[str | None, int]:
        """Its lowest descriptor for each thing, by link; in a thread's table only where its own has none."""
        found: dict[str | None, int] = {}
        for links in reversed(self.tables):
            # From the highest to the lowest, so that the lowest stays.
            found.update(zip(reversed(links.values()), reversed(links), strict=True))
        return found


class Holders:
    """All holders of all sockets: one walk over the handles of the system, taken after the sockets were listed."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.system = network.system
        self._walked: set[int] = set()
        # What is listed from now on may be held by what was opened meanwhile.
        self.listed_before = network.dumps.count
        # By link, whatever it is of: sockets are told from other things when they are looked up.
        self._first: dict[str | None, Held] = {}
        self._shared: dict[str | None, list[Held]] = {}
        self._again = True
        with paused_collector():
            self._walk(self.system.pids())

    def _walk(self, pids: list[int]) -> None:
        """Note what these processes hold."""
        first, shared, system = self._first, self._shared, self.system
        for pid in pids:
            if pid in self._walked:
                continue
            self._walked.add(pid)
            links = system.descriptors(pid)
            held = Held(pid, links)
            if system.has_threads(pid):
                self._look_at_threads(held)
                links = dict(enumerate(chain.from_iterable(table.values() for table in held.tables)))
            for link in first.keys() & links.values():
                shared.setdefault(link, [first[link]]).append(held)
            first.update(zip(links.values(), repeat(held), strict=False))
        for link in [link for link in self.links() if link and link[0] == "n" and link.startswith("net:[")]:
            [held, *_] = self.holders(link)
            self.network.note_namespace(f"{held.pid}/fd/{held.descriptors[link]}")

    def _look_at_threads(self, held: Held) -> None:
        """Note what threads hold apart from their process, and where they are."""
        held.tables += self.system.private_tables(held.pid).values()
        for tid in self.system.stray_threads(held.pid):
            self.network.note_namespace(f"{held.pid}/task/{tid}/ns/net")

    def of(self, links: list[str]) -> tuple[list[Held | None], Container[str | None]]:
        """One process that holds each, None where none does; and which are held by more."""
        return list(map(self._first.get, links)), self._shared

    def owner(self, socket: Socket) -> Owner:
        """The owner of one socket."""
        if socket.pid is not None:
            return Owner(socket.pid, socket.fd, None, "owned")
        inode = socket.inode
        if inode is None:
            return self._none("unknown")
        link = f"socket:[{inode}]"
        found = self.holders(link)
        if not found and self._again:
            # A process that was born during the walk may have inherited it.
            self._again = False
            self._walk(self.system.backend.pids())
            found = self.holders(link)
        if not found:
            return self._none(self.unheld.reason(socket))
        return Owner(*self.eldest(link), len(found), "owned")

    @cached_property
    def unheld(self) -> Unheld:
        """What is known of the sockets that none of them holds."""
        from sqlports.sources.unheld import Unheld

        return Unheld(self.network, self)

    def holders(self, link: str) -> list[Held]:
        """The processes that hold what a link names."""
        held = self._first.get(link)
        return self._shared.get(link, [held]) if held is not None else []

    def eldest(self, link: str) -> tuple[int | None, int | None]:
        """Of those the one that owns it, and its descriptor; (None, None) where nobody holds it."""
        held = min(self.holders(link), key=self._seniority, default=None)
        return (held.pid, held.descriptors[link]) if held is not None else (None, None)

    def links(self) -> Iterator[str | None]:
        """What is held at all."""
        return iter(self._first)

    def descriptors(self, link: str) -> Iterator[tuple[int, int, int | None]]:
        """Every descriptor of what a link names: its process, its number, and the thread in whose own table it is, if it is."""
        for held in self.holders(link):
            own: tuple[int | None, dict[int, str | None]] = None, self.system.descriptors(held.pid)
            for tid, table in (own, *self.system.private_tables(held.pid).items()):
                yield from ((held.pid, fd, tid) for fd, other in table.items() if other == link)

    def found_again(self, links: set[str]) -> set[str]:
        """Which of these are held now: by a second walk, for what a process moves about may have been missed by the first."""
        found: set[str] = set()
        for pid in self.system.backend.pids():
            self.system.check()
            with suppress(OSError):
                found.update(links.intersection(filter(None, self.system.backend.descriptors(pid).values())))
        return found

    def _none(self, reason: str) -> Owner:
        if reason == "unknown":
            return Owner(None, None, None, "permission" if self.system.blind else reason)
        return Owner(None, None, 0, reason)

    def _seniority(self, held: Held) -> tuple[bool, float, int]:
        return held.pid == 1, self.system.start_ticks(held.pid), held.pid


class Named(Holders):
    """The holders where the platform names one of each socket itself: no handles to walk."""

    def _walk(self, pids: list[int]) -> None:
        # Windows names them to everybody; elsewhere this shows whether some are hidden from us.
        for process in self.system.processes() if os.name == "posix" else ():
            _ = process.cwd
        # Who may not see the directory of a process may not see its descriptors.
        source = self.system.backend.source("cwd")
        denied = (refusal.source for refusal in self.system.refusals() if refusal.reason == PERMISSION)
        self.system.blind = self.system.blind or source in denied


_CLOSED = {"FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING", "CLOSE"}
_OVER = {reason: Owner(None, None, 0, reason) for reason in ("time_wait", "syn_recv", "orphan", "accept_queue", "kernel")}


def owner(socket: Socket) -> Owner:
    """The owner of a socket: without a look at the handles where no process can hold it."""
    network: Network = socket.listing.network
    tells_inodes = network.system.backend.tells_inodes
    if socket.protocol == "netlink" and socket.ident == 0:
        return _OVER["kernel"]
    if socket.inode is None and socket.pid is None:
        # The kernel's struct socket is gone, or not there yet.
        state = socket.state
        if state == "TIME_WAIT" or (state == "FIN_WAIT2" and socket.timer == "timewait"):
            return _OVER["time_wait"]
        if state == "SYN_RECV":
            return _OVER["syn_recv"]
        if tells_inodes and state in _CLOSED:
            return _OVER["orphan"]
        if tells_inodes and state in ("ESTABLISHED", "CLOSE_WAIT") and network.listeners(socket):
            return _OVER["accept_queue"]
    return network.holders().owner(socket)


class Keeper(NamedTuple):
    """The process that answers for a socket: its owner, and of one that none holds its listener's owner, its ring's holder.

    None where there is none, and where several might be meant.
    """

    pid: int | None


def keeper(socket: Socket) -> Keeper:
    """Who answers for a socket."""
    network: Network = socket.listing.network
    reason = socket.owner.reason
    found: set[Any] = set()
    if reason == "owned":
        found = {socket.owner.pid}
    elif reason in ("accept_queue", "syn_recv"):
        found = {listener.owner.pid for listener in network.listeners(socket)}
    elif reason == "io_uring":
        found = network.holders().unheld.rings().get(socket.inode or 0, set())
    return Keeper(next(iter(found)) if len(found) == 1 else None)
