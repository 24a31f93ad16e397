"""Who has the other end of a pipe, a unix socket, an eventfd or a pseudo-terminal."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from functools import cached_property
from typing import TYPE_CHECKING

from sqlports.sources.dumps import Search
from sqlports.sources.links import DELETED
from sqlports.sources.records import Peer

if TYPE_CHECKING:
    from sqlports.sources.handles import Handle
    from sqlports.sources.snapshot import Snapshot

_NOBODY = Peer()
_EVENTFD = "anon_inode:[eventfd]"
_UNIX = frozenset(("unix",))
# What the slave of a pseudo-terminal is called in /dev/pts, and where containers have it mounted.
_SLAVE = re.compile(r"/(\d+|console|tty\d*)$")
# Inodes of devpts: 1 is its root, 2 its ptmx, the terminals follow.
_FIRST_SLAVE = 3

_OPPOSITE = {"r": ("w", "rw"), "w": ("r", "rw"), "rw": ("r", "w", "rw")}


def of(handle: Handle) -> Peer:
    """Who has the other end of it; of several that do, another process before its own, then the oldest."""
    if handle.link is None or not handle.system.backend.tells_inodes:
        return _NOBODY
    found: Ends = handle.system.memo("ends", lambda: Ends(handle.system))
    return found.peer(handle)


class Ends:
    """All descriptors of a look that have another end: one walk over the handles, the rest when it is asked for."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._pipes: dict[str, list[Handle]] = defaultdict(list)
        self._eventfds: list[Handle] = []
        self._ranked: dict[Hashable, list[Handle]] = {}
        self._is_fifo: dict[Hashable, bool] = {}
        # What has a path, by the last part of it.
        self._named: dict[str, list[Handle]] = defaultdict(list)
        for handle in system.handles():
            link = handle.link
            if link is None:
                continue
            if link.startswith("/"):
                self._named[_last(link)].append(handle)
            elif link.startswith("pipe:"):
                self._pipes[link].append(handle)
            elif link == _EVENTFD:
                self._eventfds.append(handle)

    def peer(self, handle: Handle) -> Peer:
        """The other end of one of them."""
        link = handle.link or ""
        if link.startswith("socket:"):
            inode = self._unix.get(handle.inode)
            return _NOBODY if inode is None else Peer(*self.system.network.holders().eldest(f"socket:[{inode}]"))
        if not self._is_one_of_several(link):
            return _NOBODY
        access = handle.fdinfo.access
        if access is None:
            return _NOBODY
        if link.startswith("pipe:"):
            return self._chosen(handle, (link, access), lambda: _across(access, self._pipes[link]))
        if link == _EVENTFD:
            event = _event(handle)
            return self._chosen(handle, ("eventfd", event), lambda: self._by_event.get(event, ()))
        return self._of_path(handle, link, access)

    def _is_one_of_several(self, link: str) -> bool:
        """Whether by its link there may be another end of it; most can be passed over so."""
        if link.startswith("/"):
            return len(self._named[_last(link)]) > 1 or link.endswith("/ptmx") or _SLAVE.search(link) is not None
        return len(self._pipes[link]) > 1 if link.startswith("pipe:") else link == _EVENTFD

    def _of_path(self, handle: Handle, link: str, access: str) -> Peer:
        if link.endswith("/ptmx"):
            master = _master(handle)
            return self._chosen(handle, ("slaves", master), lambda: self._slaves.get(master, ()))
        if _SLAVE.search(link) and (slave := _slave(handle)):
            return self._chosen(handle, ("masters", slave), lambda: self._masters.get(slave, ()))
        same = self._named[_last(link)]
        place = _place(handle)
        if place is None:
            return _NOBODY
        if place not in self._is_fifo:
            self._is_fifo[place] = handle.what.type == "fifo"
        if not self._is_fifo[place]:
            return _NOBODY
        return self._chosen(handle, (place, access), lambda: (one for one in _across(access, same) if _place(one) == place))

    def _chosen(self, handle: Handle, which: Hashable, found: Callable[[], Iterable[Handle]]) -> Peer:
        """Of the ends that are found, one of another process, or else another of its own; the oldest process's comes first."""
        if which not in self._ranked:
            ranked = self._by_age([one for one in found() if one.fdinfo.access is not None])
            # Of thousands only these can be chosen: the first, the one after it for the first itself, and the first of others.
            other = next((one for one in ranked if one.pid != ranked[0].pid), None)
            self._ranked[which] = ranked[:2] + ([other] if other and other not in ranked[:2] else [])
        own = _NOBODY
        for one in self._ranked[which]:
            if one.pid != handle.pid:
                return Peer(one.pid, one.fd)
            if one is not handle and own is _NOBODY:
                own = Peer(one.pid, one.fd)
        return own

    def _by_age(self, handles: list[Handle]) -> list[Handle]:
        start = self.system.start_ticks if len({one.pid for one in handles}) > 1 else float
        return sorted(handles, key=lambda one: (one.pid == 1, start(one.pid), one.pid, one.fd))

    @cached_property
    def _unix(self) -> dict[int | None, int | None]:
        """The inode of the other end of each unix socket, by its own."""
        found = self.system.network.sockets(Search(protocols=_UNIX))
        return {one.inode: one.peer_inode for one in found if one.protocol == "unix" and one.peer_inode is not None}

    @cached_property
    def _by_event(self) -> dict[Hashable, list[Handle]]:
        return _grouped(self._eventfds, _event)

    @cached_property
    def _masters(self) -> dict[Hashable, list[Handle]]:
        return _grouped(self._named["ptmx"], _master)

    @cached_property
    def _slaves(self) -> dict[Hashable, list[Handle]]:
        return _grouped((one for name, many in self._named.items() if _SLAVE.match("/" + name) for one in many), _slave)


def _grouped(handles: Iterable[Handle], key: Callable[[Handle], Hashable]) -> dict[Hashable, list[Handle]]:
    found: dict[Hashable, list[Handle]] = defaultdict(list)
    for handle in handles:
        found[key(handle)].append(handle)
    found.pop(None, None)
    return found


def _across(access: str, found: list[Handle]) -> list[Handle]:
    """Those that are open in the other direction."""
    return [one for one in found if one.fdinfo.access in _OPPOSITE[access]]


def _last(link: str) -> str:
    return link.removesuffix(DELETED).rpartition("/")[2]


def _place(handle: Handle) -> Hashable:
    """By what a file is told from every other; None where that is not known."""
    device, inode = handle.mount.device, handle.file_inode
    return None if device is None or inode is None else (device, inode)


def _event(handle: Handle) -> int | None:
    """The number of an eventfd, which older kernels do not tell."""
    from sqlports.sources.fdinfo_kinds import parse

    number = parse("eventfd", handle.fdinfo.rest).get("id")
    return number if isinstance(number, int) else None


def _master(handle: Handle) -> tuple[str, object] | None:
    """The terminal that an open ptmx is the master of: the instance of devpts, and its number there."""
    from sqlports.sources.fdinfo_kinds import parse

    index, instance = parse("device", handle.fdinfo.rest).get("index"), handle.terminals
    return (instance, index) if instance is not None and index is not None else None


def _slave(handle: Handle) -> tuple[str, object] | None:
    """The terminal that a descriptor is the slave of; None for none, and where its master is closed."""
    inode, mount = handle.file_inode, handle.mount
    if mount.file_system != "devpts" or mount.device is None or (handle.link or "").endswith(DELETED):
        return None
    return (mount.device, inode - _FIRST_SLAVE) if inode is not None and inode >= _FIRST_SLAVE else None
