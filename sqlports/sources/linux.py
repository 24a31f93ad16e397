"""The Linux backend: /proc for processes and descriptors, sock_diag for sockets. All I/O of that platform is here."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from sqlports.sources import cgroups, descriptors, fdinfo, mounts, parts, port_settings, rooted, sight, threads
from sqlports.sources.cgroups import Cgroups
from sqlports.sources.directories import ProcessDirectories, whole
from sqlports.sources.fdinfo import Fdinfo
from sqlports.sources.handles import Handle
from sqlports.sources.namespaces import Namespace
from sqlports.sources.open_files import OpenFiles
from sqlports.sources.parts import Place, stat, status
from sqlports.sources.records import File, Mounted, PortSettings, What
from sqlports.sources.region import Region
from sqlports.sources.socket_lists import SocketLists
from sqlports.sources.sockets import KINDS, Listing, Socket
from sqlports.sources.subjects import Task

if TYPE_CHECKING:
    from sqlports.sources.copies import Copy

T = TypeVar("T")

# Of a process's number: the kernel's have seven at most (proc_sys_kernel(5), pid_max), a copy's may have more.
_DIGITS = 9
_HZ = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class Linux:
    """Reads one system's /proc; `root` is the root of its file system. `refuse` is told what could not be read.

    here   whether it is the system that this program is in
    live   whether its /proc is the running kernel's: a container's, or its host's, and no copy
    proc   the path by which its /proc is read; `copy` is what reads it where it is not live
    """

    name = "linux"
    tells_inodes = True
    kinds = KINDS

    def __init__(
        self, root: str = "/", refuse: Callable[[str, int | None, Exception], None] = lambda source, pid, error: None
    ) -> None:
        self.root = root
        self.proc = "/proc"
        self.here = root == "/"
        self.copy: Copy | None = None
        self.refuse = refuse
        if not self.here:
            from sqlports.sources import copies

            self._held = copies.proc(root)
            # By a descriptor, so that nothing that is put in its place leads elsewhere.
            self.proc = f"/proc/self/fd/{self._held.root}"
            self.copy = self._held if isinstance(self._held, copies.Copy) else None
        self.live = self.copy is None
        self._lists = SocketLists(self.proc, self.here, self.copy, refuse)
        if self.copy is None:
            self._directories = ProcessDirectories(self.proc, stat.start_ticks, _ticks_now)
        else:
            self._directories = copies.CopiedDirectories(self.copy)
        # Of /proc/PID: a descriptor, a file, what a link says, a descriptor of a directory below. Raise OSError.
        self.directory, self.contents = self._directories.open, self._directories.file
        self.link, self.below = self._directories.link, self._directories.below
        self._files = OpenFiles(self._directories, self.live)

    def close(self) -> None:
        """Close what is held open."""
        self._directories.close()
        self._lists.finder.close()
        if not self.here:
            self._held.close()

    def pids(self) -> list[int]:
        """The processes that /proc lists; told where it is mounted so that others' are not listed (hidepid=2 of proc(5))."""
        found = sorted([int(name) for name in self._names() if name.isdecimal() and len(name) <= _DIGITS])
        if self.here and not found:
            raise FileNotFoundError(errno.ENOENT, "no process is listed: is /proc mounted?", self.proc)
        if self.live and found[:1] != [1]:
            self.refuse("/proc", None, PermissionError(errno.EACCES, "hidepid"))
        return found

    def is_process(self, pid: int) -> bool:
        """Whether the number is a process's, be it listed or hidden; a thread has a directory in /proc too."""
        try:
            return status.parse(self.contents(pid, "status")).tgid == pid
        except PermissionError:
            # It may not be looked into (hidepid=1), but a process is listed, and a thread is not.
            return str(pid) in self._names()
        except OSError as error:
            if self.copy is not None:
                return error.errno != errno.ENOENT and str(pid) in self._names()
            # Where others' processes are hidden, nobody can say that there is none.
            if not os.path.isdir(f"{self.proc}/1"):
                self.refuse("/proc", None, PermissionError(errno.EACCES, "hidepid"))
            return False

    def _names(self) -> list[str]:
        """What /proc lists. Raises OSError."""
        return os.listdir(self.proc) if self.copy is None else self.copy.names()

    def source(self, group: str, tid: int | None = None) -> str:
        """What `read` reads, as scan_errors names it."""
        return ("/proc/PID/" if tid is None else "/proc/PID/task/TID/") + (group if group == "fdinfo" else parts.source(group))

    def read(self, task: Task, group: str) -> Any:
        """One part of a process or thread. Raises OSError, Unsupported."""
        return parts.part(group).read(Place(self, task, "" if task.tid is None else f"task/{task.tid}/"))

    def threads(self, pid: int) -> list[int]:
        """The threads of a process, ascending. Raises OSError."""
        return threads.of(self.directory(pid))

    def heir(self, pid: int) -> int | None:
        """A living thread of a process whose first one ended; None for an ended or ordinary process. Raises OSError."""
        return threads.heir(self.directory(pid), pid) if self.has_threads(pid) else None

    def descriptors(self, pid: int) -> dict[int, str | None]:
        """What the open descriptors of a process link to. Raises OSError where the directory may not be read."""
        found: dict[int, str | None] = {}
        try:
            found = descriptors.of(self.below(pid, "fd"))
        except PermissionError:
            if not self._has_ended(pid):
                raise
        if None in found.values() and self._has_ended(pid):
            return {}
        # A /proc lists them ascending, a copy of one need not.
        return found if self.live else dict(sorted(found.items()))

    def _has_ended(self, pid: int) -> bool:
        """Whether a process is ending or gone, for which the kernel has the same word as for what is not permitted."""
        if not self.live:
            return False
        try:
            return stat.is_ending(self.contents(pid, "stat"))
        except (FileNotFoundError, ProcessLookupError):
            return True

    def _or_gone(self, handle: Handle, read: Callable[[Handle], T]) -> T:
        try:
            return read(handle)
        except PermissionError:
            if self._has_ended(handle.pid):
                raise ProcessLookupError(errno.ESRCH, "the process has ended") from None
            raise

    def what(self, handle: Handle) -> What:
        """The type and target of a descriptor. Asks the file system only where that cannot hang. Raises OSError."""
        return self._or_gone(handle, self._files.what)

    def file(self, handle: Handle) -> File:
        """What the file system says of a descriptor's file. Raises OSError, Unsupported where it could hang."""
        return self._or_gone(handle, self._files.file)

    def mounted(self, handle: Handle) -> Mounted:
        """The file system that a descriptor's file is on. Raises OSError."""
        return self._files.mounted(handle)

    def terminals(self, handle: Handle) -> str | None:
        """The device of the pseudo-terminals that belong to an open /dev/ptmx. Raises OSError."""
        return self._files.terminals(handle)

    def private_tables(self, pid: int) -> dict[int, dict[int, str | None]]:
        """What the descriptors link to of threads that have a table of their own. Raises OSError."""
        return threads.private_tables(self.directory(pid), pid, self.here)

    def has_threads(self, pid: int) -> bool:
        """Whether a process has more threads than one. Raises OSError."""
        return self.live and not threads.is_alone(self.directory(pid))

    def registered(self, pid: int, fd: int, tid: int | None = None) -> list[int]:
        """The inodes of the sockets that are registered with an io_uring. Raises OSError."""
        return fdinfo.registered_sockets(self._files.raw(pid, fd, tid))

    def in_flight(self, pid: int, fd: int, tid: int | None = None) -> int:
        """How many descriptors wait in a unix socket to be received. Raises OSError."""
        return fdinfo.in_flight(self._files.raw(pid, fd, tid))

    def hidepid(self) -> str | None:
        """How /proc is mounted to hide processes from other users: 'invisible', '2', …; None where it is not."""
        return sight.hidepid(self.proc, self.mounts) if self.live else None

    def capabilities(self) -> str | None:
        """The capabilities that this program has, joined by '|'; '' in a user namespace, where they count for little."""
        return sight.capabilities()

    def sees_all(self) -> bool:
        """Whether all processes are listed in this /proc: no container's, which has those of its own PID namespace only."""
        return self.live and sight.sees_all(self.proc, self.here)

    def start_ticks(self, pid: int) -> float:
        """When a process started, in ticks since boot. Raises OSError."""
        return stat.start_ticks(self.contents(pid, "stat"))

    def fdinfo(self, handle: Handle) -> Fdinfo:
        """The state of a descriptor. Raises OSError."""
        return self._files.fdinfo(handle)

    def namespaces(self, pids: list[int] | None = None) -> list[Namespace]:
        """The network namespaces of these processes and of the mounts; for None, the one that is looked from."""
        return [self._lists.finder.mine] if pids is None else self._lists.finder.all(pids)

    def led_to(self, place: str) -> Namespace | None:
        """The network namespace that a file below /proc leads to, when it is not known yet."""
        return self._lists.finder.led_to(place)

    def stray_threads(self, pid: int) -> list[int]:
        """The threads in another network namespace than the first. Raises OSError."""
        return threads.namespaces(self.directory(pid))

    def sockets(self, listing: Listing, region: Region) -> Sequence[Socket]:
        """The sockets of one kind in one namespace: all of the region, and maybe more. Raises OSError, Unsupported."""
        return self._lists.sockets(listing, region)

    def autobound(self, listing: Listing) -> set[int]:
        """The cookies of the sockets of a list whose port the kernel chose. Raises OSError, Unsupported."""
        return self._lists.autobound(listing)

    def cgroups(self) -> Cgroups:
        """The control groups of the unified hierarchy, by number."""
        points, hybrid = mounts.cgroups(self.mounts)
        if self.here or not self.live:
            return Cgroups(points if self.live else [], hybrid)
        return cgroups.below(self.root, points, hybrid)

    def tree(self, pid: int) -> rooted.Root:
        """The file system as a process sees it, and for 0 the system's own. Raises OSError."""
        if pid:
            return rooted.of_process(self.directory(pid), self.root)
        return rooted.Root() if self.here else rooted.directory(self.root)

    def port_settings(self, namespace: Namespace | None = None) -> PortSettings:
        """The kernel's port ranges of a network namespace; for None, of the one that is looked from. Raises OSError."""
        return port_settings.of(namespace or self._lists.finder.mine, self._file, self.live)

    def _file(self, name: str) -> bytes:
        """A file below /proc. Raises OSError, which has its path."""
        try:
            if self.copy is not None:
                return self.copy.file(name)
            with open(f"{self.proc}/{name}", "rb", buffering=0) as file:
                return whole(file.fileno())
        except OSError as error:
            error.filename = os.path.join(self.root, "proc", name)
            raise

    @cached_property
    def mounts(self) -> list[mounts.Mount]:
        """What is mounted, as the first process of this system sees it, or here, as this one does. Raises OSError."""
        return mounts.parse(self._file(f"{'self' if self.here else '1'}/mountinfo"))

    @cached_property
    def counts(self) -> bool:
        """Whether the size of a directory of descriptors is their number, as it is since Linux 6.2."""
        return self.live and os.stat("/proc/self/fd").st_size > 0

    @cached_property
    def clock(self) -> stat.Clock:
        """How to turn ticks into time of day."""
        booted = 0.0
        if self.live:
            booted = round(time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME), 2)
        boot_time = int(booted)
        try:
            lines = self._file("stat").splitlines()
        except FileNotFoundError:
            lines = []  # a /proc of processes alone (subset=pid of proc(5))
        for line in lines:
            if line.startswith(b"btime "):
                boot_time = int(line.split()[1])
        booted = booted or float(boot_time)
        return stat.Clock(_HZ, boot_time, booted)


def _ticks_now() -> float:
    """The present on the clock of process starts, in ticks."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) * _HZ
