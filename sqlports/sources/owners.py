"""Who holds a socket, and when nobody is known to, why."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.sources.collector import paused_collector
from sqlports.sources.records import SocketRecord
from sqlports.sources.refusals import PERMISSION

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot
    from sqlports.sources.subjects import Socket


class Owner(NamedTuple):
    """The owner of a socket: the oldest process that holds it, passing over pid 1 when another holds it too.

    `fd` is its lowest descriptor there, `owners` how many processes are seen to hold it (None where the system tells of one
    only, or where none is seen and some could not be looked at).
    `reason` is 'owned', or says why there is no pid:

        time_wait     the connection is over, the kernel only remembers it
        syn_recv      the connection is not complete yet
        accept_queue  complete and waiting for its listener to accept it
        orphan        closed by its process, the kernel is finishing it
        permission    some process's handles could not be read: one of them may hold it
        unknown       none of these: it ended meanwhile, or the kernel itself holds it
    """

    pid: int | None
    fd: int | None
    owners: int | None
    reason: str


_CLOSED = {"FIN_WAIT1", "FIN_WAIT2", "LAST_ACK", "CLOSING", "CLOSE"}


class Holders:
    """All holders of all sockets: one walk over the handles of the system, taken after the sockets were listed."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._walked: set[int] = set()
        self._single: dict[int | None, Owner] = {}
        self._shared: dict[int, list[tuple[Any, Any]]] = {}
        with paused_collector():
            self._walk(system.pids())
            self._assign(system.dumped())
        self._again = True

    def _walk(self, pids: list[int]) -> None:
        """Note which of these processes hold a socket, by its inode: the owner of one holder, or (pid, fd) of several."""
        single, shared, make = self._single, self._shared, tuple.__new__
        for pid in pids:
            if pid in self._walked:
                continue
            self._walked.add(pid)
            self.system.note_namespace(pid)
            for fd, link in self.system.descriptors(pid).items():
                if link and link[0] == "s" and link.startswith("socket:["):
                    inode = int(link[8:-1])
                    if inode in single:
                        shared[inode] = [single.pop(inode)[:2], (pid, fd)]
                    elif inode in shared:
                        shared[inode].append((pid, fd))
                    else:
                        single[inode] = make(Owner, (pid, fd, 1, "owned"))

    def _assign(self, sockets: Iterable[Socket]) -> None:
        """Give the common case its owner at once: a socket of one holder. Who asks for one owner soon asks for all."""
        get = self._single.get
        for socket in sockets:
            owner = get(socket.kernel.inode)
            if owner is not None:
                socket.owner = owner

    def owner(self, socket: SocketRecord) -> Owner:
        """The owner of one socket."""
        if socket.pid is not None:
            return Owner(socket.pid, socket.fd, None, "owned")
        inode = socket.inode
        if inode is None:
            blind = self.system.blind
            return Owner(None, None, None if blind else 0, "permission" if blind else "unknown")
        if self._again and inode not in self._single and inode not in self._shared:
            # A process that was born during the walk may have inherited it.
            self._again = False
            self._walk(self.system.backend.pids())
        if inode in self._single:
            return self._single[inode]
        held = self._shared.get(inode)
        if held is None:
            return Owner(None, None, None if self.system.blind else 0, "permission" if self.system.blind else "unknown")
        pids = {pid for pid, _ in held}
        pid = min(pids, key=self._seniority)
        return Owner(pid, min(fd for holder, fd in held if holder == pid), len(pids), "owned")

    def _seniority(self, pid: int) -> tuple[bool, float, int]:
        return pid == 1, self.system.start_ticks(pid), pid


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


def ownerless(socket: SocketRecord, tells_inodes: bool) -> Owner | None:
    """The owner of a socket that no process can hold, which shows without a walk; None for any other socket.

    It has no inode: the kernel's struct socket is gone, or not there yet. `tells_inodes` is false where no socket has one.
    """
    if socket.inode is not None or socket.pid is not None:
        return None
    if socket.state == "TIME_WAIT" or (socket.state == "FIN_WAIT2" and socket.timer == "timewait"):
        return Owner(None, None, 0, "time_wait")
    if socket.state == "SYN_RECV":
        return Owner(None, None, 0, "syn_recv")
    if tells_inodes and socket.state in _CLOSED:
        return Owner(None, None, 0, "orphan")
    if tells_inodes and socket.state in ("ESTABLISHED", "CLOSE_WAIT"):
        return Owner(None, None, 0, "accept_queue")
    return None
