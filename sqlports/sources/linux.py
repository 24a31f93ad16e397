"""The Linux backend: /proc for processes and descriptors, sock_diag for sockets. All I/O of that platform is here."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

from sqlports.sources import cgroups, descriptors, passwd, procfs, threads
from sqlports.sources.cgroups import Cgroups
from sqlports.sources.directories import ProcessDirectories, whole
from sqlports.sources.namespaces import Namespace
from sqlports.sources.open_files import OpenFiles
from sqlports.sources.procfs import DELETED
from sqlports.sources.records import (
    Cmdline,
    Descriptors,
    Exe,
    Fdinfo,
    Link,
    PortSettings,
    Service,
    Unsupported,
    User,
    What,
)
from sqlports.sources.region import Region
from sqlports.sources.socket_lists import SocketLists
from sqlports.sources.sockets import KINDS, Listing, Socket

# PROC_PID_INIT_INO of include/linux/proc_ns.h
_FIRST_PID_NAMESPACE = 0xEFFFFFFC


class Linux:
    """Reads one system's /proc; `root` is the root of its file system. `refuse` is told what could not be read."""

    name = "linux"
    tells_inodes = True
    kinds = KINDS

    def __init__(
        self, root: str = "/", refuse: Callable[[str, int | None, Exception], None] = lambda source, pid, error: None
    ) -> None:
        self.root = root
        self.proc = os.path.join(root, "proc")
        self._refuse = refuse
        self._lists = SocketLists(root, self.proc, refuse)
        self._directories = ProcessDirectories(self.proc, procfs.start_ticks, self._ticks_now)
        self._files = OpenFiles(self._directories, root)

    def close(self) -> None:
        """Close what is held open."""
        self._directories.close()
        self._lists.finder.close()

    def pids(self) -> list[int]:
        """The processes that /proc lists; told where it is mounted so that it hides others' (hidepid of proc(5))."""
        if self.root == "/" and not os.path.exists("/proc/1/stat"):
            self._refuse("/proc", None, PermissionError(errno.EACCES, "hidepid"))
        return sorted(int(name) for name in os.listdir(self.proc) if name.isascii() and name.isdigit())

    def is_process(self, pid: int) -> bool:
        """Whether the number is a process's, be it listed or hidden; a thread has a directory in /proc too."""
        try:
            return procfs.status(self._file(pid, "status")).tgid == pid
        except OSError:
            return False

    def source(self, group: str) -> str:
        """What `read(pid, group)` reads, as scan_errors names it."""
        return "/proc/PID/" + {"descriptors": "fd"}.get(group, group)

    def read(self, pid: int, group: str) -> tuple[object, ...]:
        """One record of one process. Raises OSError."""
        return _READERS[group](self, pid)

    def descriptors(self, pid: int) -> dict[int, str | None]:
        """What the open descriptors of a process link to. Raises OSError where the directory may not be read."""
        directory = os.open("fd", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=self._directory(pid))
        try:
            found = descriptors.links(directory)
            # A /proc lists them ascending, a copy of one need not.
            return found if self.root == "/" else dict(sorted(found.items()))
        finally:
            os.close(directory)

    def what(self, pid: int, fd: int, link: str | None, tid: int | None = None) -> What:
        """The type and target of a descriptor. Asks the file system only where that cannot hang. Raises OSError."""
        return self._files.what(pid, fd, link, tid)

    def private_tables(self, pid: int) -> dict[int, dict[int, str | None]]:
        """What the descriptors link to of threads that have a table of their own. Raises OSError."""
        return threads.private_tables(self._directory(pid), pid)

    def has_threads(self, pid: int) -> bool:
        """Whether a process has more threads than one. Raises OSError."""
        return self.root == "/" and not threads.is_alone(self._directory(pid))

    def registered(self, pid: int, fd: int, tid: int | None = None) -> list[int]:
        """The inodes of the sockets that are registered with an io_uring. Raises OSError."""
        return procfs.registered_sockets(self._files.raw(pid, fd, tid))

    def in_flight(self, pid: int, fd: int, tid: int | None = None) -> int:
        """How many descriptors wait in a unix socket to be received. Raises OSError."""
        return procfs.in_flight(self._files.raw(pid, fd, tid))

    def sees_all(self) -> bool:
        """Whether all processes are listed in this /proc: no container's, which has those of its own PID namespace only."""
        try:
            return os.stat(f"{self.proc}/1/ns/pid").st_ino == _FIRST_PID_NAMESPACE
        except OSError:
            # Our own is told even where the first process's may not be seen.
            try:
                return self.root == "/" and os.stat("/proc/self/ns/pid").st_ino == _FIRST_PID_NAMESPACE
            except OSError:
                return False

    def start_ticks(self, pid: int) -> float:
        """When a process started, in ticks since boot. Raises OSError."""
        return procfs.start_ticks(self._file(pid, "stat"))

    def fdinfo(self, pid: int, fd: int, tid: int | None = None) -> Fdinfo:
        """The state of a descriptor. Raises OSError."""
        return self._files.fdinfo(pid, fd, tid)[0]

    def namespaces(self, pids: list[int] | None = None) -> list[Namespace]:
        """The network namespaces of these processes and of the mounts; for None, the one that is looked from."""
        return [self._lists.finder.mine] if pids is None else self._lists.finder.all(pids)

    def led_to(self, place: str) -> Namespace | None:
        """The network namespace that a file below /proc leads to, when it is not known yet."""
        return self._lists.finder.led_to(place)

    def stray_threads(self, pid: int) -> list[int]:
        """The threads in another network namespace than the first. Raises OSError."""
        return threads.namespaces(self._directory(pid))

    def sockets(self, listing: Listing, region: Region) -> Sequence[Socket]:
        """The sockets of one kind in one namespace: all of the region, and maybe more. Raises OSError, Unsupported."""
        return self._lists.sockets(listing, region)

    def autobound(self, listing: Listing) -> set[int]:
        """The cookies of the sockets of a list whose port the kernel chose. Raises OSError, Unsupported."""
        return self._lists.autobound(listing)

    def cgroups(self) -> Cgroups:
        """The control groups of the unified hierarchy, by number."""
        return Cgroups(procfs.cgroup_mounts(self._path(os.path.join(self.proc, "self/mountinfo"))), self.root == "/")

    def users(self, uids: frozenset[int] | None) -> list[User]:
        """The accounts, or those with these uids."""
        if self.root == "/":
            return passwd.system(uids)
        return passwd.parse(self._text("etc/passwd"), uids)

    def services(self) -> list[Service]:
        """The lines of /etc/services; none where there is no such file."""
        from sqlports.sources import services

        try:
            return services.parse(self._text("etc/services"))
        except FileNotFoundError:
            raise Unsupported("/etc/services", "there is no such file") from None

    def port_settings(self) -> PortSettings:
        """The kernel's port ranges, of this network namespace."""
        names = ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")
        found: list[bytes | None] = []
        for name in names:
            try:
                found.append(self._path(os.path.join(self.proc, "sys/net/ipv4", name)))
            except FileNotFoundError:
                found.append(None)
        return procfs.port_settings(*found)

    def _path(self, path: str) -> bytes:
        with open(path, "rb", buffering=0) as file:
            return whole(file.fileno())

    def _text(self, name: str) -> str:
        return procfs.text(self._path(os.path.join(self.root, name)))

    def _directory(self, pid: int) -> int:
        return self._directories.open(pid)

    def _file(self, pid: int, name: str) -> bytes:
        return self._directories.file(pid, name)

    @cached_property
    def clock(self) -> procfs.Clock:
        """How to turn ticks into time of day."""
        booted = 0.0
        if self.root == "/":
            booted = round(time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(time.CLOCK_BOOTTIME), 2)
        boot_time = int(booted)
        try:
            lines = self._path(os.path.join(self.proc, "stat")).splitlines()
        except FileNotFoundError:
            lines = []  # a /proc of processes alone (subset=pid of proc(5))
        for line in lines:
            if line.startswith(b"btime "):
                boot_time = int(line.split()[1])
        booted = booted or float(boot_time)
        return procfs.Clock(os.sysconf("SC_CLK_TCK"), boot_time, booted)

    def _ticks_now(self) -> float:
        """The present on the clock of process starts; another system's is not known."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) * self.clock.hz if self.root == "/" else float("inf")

    def _read_stat(self, pid: int) -> tuple[object, ...]:
        return procfs.stat(self._file(pid, "stat"), self.clock, time.time() if self.root == "/" else None)

    def _read_exe(self, pid: int) -> tuple[object, ...]:
        try:
            link = procfs.text(os.readlink(b"exe", dir_fd=self._directory(pid)))
        except FileNotFoundError:
            if not self._file(pid, "stat"):
                raise
            return Exe()  # a kernel thread, or a zombie, has none
        if not link.endswith(DELETED):
            return Exe(link, 1)
        try:
            named = self._directories.is_named(pid, link, os.stat("exe", dir_fd=self._directory(pid)))
        except PermissionError:
            named = False
        return Exe(link, 1) if named else Exe(link.removesuffix(DELETED), 0)

    def _read_link(self, pid: int, name: str) -> Link:
        try:
            return Link(procfs.text(os.readlink(name.encode(), dir_fd=self._directory(pid))))
        except FileNotFoundError:
            self._file(pid, "stat")
            return Link()

    def _read_descriptors(self, pid: int) -> Descriptors:
        # The size of the directory is the number of descriptors since Linux 6.2; it was 0 before.
        size = os.stat("fd", dir_fd=self._directory(pid)).st_size
        return Descriptors(size if self._counts else len(self.descriptors(pid)))

    @cached_property
    def _counts(self) -> bool:
        return self.root == "/" and os.stat("/proc/self/fd").st_size > 0

    def _read_cmdline(self, pid: int) -> Cmdline:
        return procfs.cmdline(self._file(pid, "cmdline"))


_READERS: dict[str, Callable[[Linux, int], tuple[Any, ...]]] = {
    "stat": Linux._read_stat,
    "status": lambda self, pid: procfs.status(self._file(pid, "status")),
    "io": lambda self, pid: procfs.io(self._file(pid, "io")),
    "cmdline": Linux._read_cmdline,
    "cgroup": lambda self, pid: cgroups.parse(procfs.cgroup(self._file(pid, "cgroup"))),
    "exe": Linux._read_exe,
    "cwd": lambda self, pid: self._read_link(pid, "cwd"),
    "root": lambda self, pid: self._read_link(pid, "root"),
    "descriptors": Linux._read_descriptors,
}
