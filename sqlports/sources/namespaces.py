"""A network namespace, and how to ask in it (network_namespaces(7), setns(2))."""

from __future__ import annotations

import errno
import os
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from socket import socket
from typing import Any, TypeVar

from sqlports.sources import procfs, sock_diag
from sqlports.sources.directories import whole

T = TypeVar("T")

CLONE_NEWNET = 0x40000000
SIOCGIFNAME = 0x8910
# More processes of one namespace than these are not needed to read its files: one of them will be there still.
ENOUGH = 8


class Namespace:
    """A network namespace.

    inode    the inode of its file ns/net, by which it is known; None where that may not be read
    mine     whether it is the one that is looked from
    pids     some processes in it; `first` is the lowest of all
    processes  how many; None where they were not counted
    path     where it is mounted (/run/netns/NAME); None for nowhere
    """

    def __init__(
        self,
        proc: str,
        inode: int | None = None,
        own: str | None = None,
        here: bool = True,
        read: Callable[[str], bytes] | None = None,
    ) -> None:
        """`own` is the directory with the files of the one that is looked from, which `read` reads where it is not None.

        `here` tells whether this program is in that.
        """
        self.proc = proc
        self.inode = inode
        self.own = own
        self._read = read or whole_file
        self.mine = own is not None
        self.here = self.mine and here
        self.pids: list[int] = []
        self.processes: int | None = None
        self.first: int | None = None
        self.path: str | None = None
        self._handle: int | None = None
        self._names: dict[int, str | None] = {}

    @property
    def is_mine(self) -> int:
        """`mine` as 1 or 0."""
        return int(self.mine)

    @property
    def members(self) -> Namespace:
        """Itself, as the part of a row that takes a look at the processes."""
        return self

    def keep(self, handle: int) -> None:
        """Take over an open descriptor of the namespace. Until `close` it stays, whatever becomes of its processes."""
        self._handle = handle

    def add(self, pid: int) -> None:
        """Note a process in it."""
        self.processes = (self.processes or 0) + 1
        self.first = pid if self.first is None else min(self.first, pid)
        if len(self.pids) < ENOUGH:
            self.pids.append(pid)

    def close(self) -> None:
        """Close what is held open."""
        self.restart()
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    __del__ = close

    @cached_property
    def netlink(self) -> socket:
        """A socket to ask for sockets there. Raises OSError where it may not be entered, Unsupported."""
        return sock_diag.connect() if self.here else self.inside(sock_diag.connect)

    def restart(self) -> None:
        """Give up the netlink socket, in which an answer may still be waiting that nobody reads."""
        netlink = self.__dict__.pop("netlink", None)
        if netlink is not None:
            netlink.close()

    def inside(self, act: Callable[[], T]) -> T:
        """Do something in it. A thread of its own enters, because only a thread is in a namespace, and ends.

        Raises OSError: EPERM where it may not be entered.
        """
        from concurrent.futures import ThreadPoolExecutor

        if self._handle is None:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        with ThreadPoolExecutor(1) as thread:
            try:
                return thread.submit(_act_in, self._handle, act).result()
            except RuntimeError as error:
                raise OSError(errno.EAGAIN, f"no thread: {error}") from None

    def dismount(self) -> None:
        """Hold it by another descriptor than that of a mount, which could not be unmounted as long. Raises OSError."""
        inside = self.inside(lambda: os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        self.close()
        self._handle = inside

    def file(self, name: str) -> bytes:
        """A file of its /proc/net: through a process in it, or from inside. Raises OSError."""
        if self.own is not None:
            return self._read(f"{self.own}/{name}")
        last: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        for pid in self.pids:
            try:
                data = whole_file(f"{self.proc}/{pid}/net/{name}")
                if self._is_of(pid):
                    return data
            except OSError as error:
                last = error
        if self._handle is not None:
            return self.inside(lambda: whole_file(f"{self.proc}/thread-self/net/{name}"))
        raise last

    def _is_of(self, pid: int) -> bool:
        """Whether the process is still in this namespace; it may have gone to another, or its number to another process."""
        return key(self.proc, pid) == self.key

    @cached_property
    def key(self) -> int | None:
        """What its files of /proc/net are told by; None where none of its processes is left."""
        for pid in self.pids:
            with suppress(OSError):
                if self.inode is None or os.stat(f"{self.proc}/{pid}/ns/net").st_ino == self.inode:
                    return key(self.proc, pid)
        return None

    def interface(self, index: int) -> str | None:
        """The name of a network interface there; its index where it has none (any more), None where it may not be asked."""
        if index not in self._names:
            import fcntl

            try:
                request = struct.pack("=16sI20x", b"", index)
                answer = fcntl.ioctl(self.netlink.fileno(), SIOCGIFNAME, request)
                self._names[index] = procfs.text(answer[:16].split(b"\0", 1)[0])
            except OSError as error:
                self._names[index] = str(index) if error.errno in (errno.ENODEV, errno.ENXIO) else None
        return self._names[index]


def whole_file(path: str) -> bytes:
    """A whole file. Raises OSError."""
    file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return whole(file)
    finally:
        os.close(file)


def key(proc: str, pid: int) -> int:
    """A number that differs for every namespace and that everybody may ask for, unlike its inode. Raises OSError."""
    return os.stat(f"{proc}/{pid}/net/tcp").st_ino


def _act_in(handle: int, act: Callable[[], T]) -> T:
    """Enter a network namespace, and do something there."""
    _setns(handle)
    return act()


def _setns(handle: int) -> None:
    """Enter a network namespace, for this thread alone. Raises OSError."""
    if sys.version_info >= (3, 12):
        os.setns(handle, CLONE_NEWNET)
        return
    import ctypes

    library: Any = ctypes.CDLL(None, use_errno=True)
    if library.setns(handle, CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
