"""What a platform must be able to say: the protocol between a look and the system it looks at."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from sqlports.sources.records import File, Mounted, PortSettings, Unsupported, What

if TYPE_CHECKING:
    from sqlports.sources.cgroups import Cgroups
    from sqlports.sources.fdinfo import Fdinfo
    from sqlports.sources.handles import Handle
    from sqlports.sources.namespaces import Namespace
    from sqlports.sources.region import Region
    from sqlports.sources.rooted import Root
    from sqlports.sources.sockets import Kind, Listing, Socket
    from sqlports.sources.subjects import Task


class Backend(Protocol):
    """What a platform must be able to say. Methods raise OSError (with errno) or Unsupported; nothing returns a guess."""

    name: str

    # Whether sockets have inodes, by which their holders are found; otherwise the platform names one holder itself.
    tells_inodes: bool

    def close(self) -> None:
        """Close what is held open."""
        ...

    def pids(self) -> list[int]:
        """The processes that the system lists, ascending."""
        ...

    def is_process(self, pid: int) -> bool:
        """Whether the number is a process's, be it listed or not; a thread's is none."""
        ...

    def source(self, group: str, tid: int | None = None) -> str:
        """What `read` reads, as scan_errors names it."""
        ...

    def read(self, task: Task, group: str) -> Any:
        """One part of a process or thread, a module of sqlports.sources.parts: `stat` gives a Stat, and so on."""
        ...

    def threads(self, pid: int) -> list[int]:
        """The threads of a process, ascending. Raises Unsupported."""
        raise Unsupported("threads", "they are not known")

    def descriptors(self, pid: int) -> dict[int, str | None]:
        """What each open descriptor of a process links to; None where that may not be read."""
        ...

    def what(self, handle: Handle) -> What:
        """What a descriptor stands for. Never asks a file system that could hang."""
        ...

    def file(self, handle: Handle) -> File:
        """What stat(2) says of a descriptor's file. Never asks a file system that could hang."""
        return File()

    def mounted(self, handle: Handle) -> Mounted:
        """The file system that a descriptor's file is on."""
        return Mounted()

    def terminals(self, handle: Handle) -> str | None:
        """The device of the pseudo-terminals that belong to an open /dev/ptmx."""
        return None

    def start_ticks(self, pid: int) -> float:
        """A number that is the greater the later a process started; asked for where a socket's holders are found by inode."""
        return 0

    def fdinfo(self, handle: Handle) -> Fdinfo:
        """The state of a descriptor."""
        ...

    # What is listed, by (family, protocol), in the order in which it is shown.
    kinds: tuple[Kind, ...]

    def has_threads(self, pid: int) -> bool:
        """Whether a process has more threads than one, which may have gone their own way."""
        return False

    def private_tables(self, pid: int) -> dict[int, dict[int, str | None]]:
        """What the descriptors link to of threads that have a table of their own, by thread."""
        return {}

    def registered(self, pid: int, fd: int, tid: int | None = None) -> list[int]:
        """The inodes of the sockets that are registered with an io_uring."""
        return []

    def in_flight(self, pid: int, fd: int, tid: int | None = None) -> int:
        """How many descriptors wait in a unix socket to be received."""
        return 0

    def hidepid(self) -> str | None:
        """How /proc is mounted to hide processes from other users (proc(5)): 'invisible', '2', …; None where it is not."""
        return None

    def capabilities(self) -> str | None:
        """The capabilities that this program has, joined by '|'; None where there is no such thing."""
        return None

    def sees_all(self) -> bool:
        """Whether the processes that are listed are all there are."""
        return False

    def namespaces(self, pids: list[int] | None = None) -> list[Namespace]:
        """The network namespaces of these processes and of the mounts; for None, the one that is looked from."""
        ...

    def led_to(self, place: str) -> Namespace | None:
        """The network namespace that a file below /proc leads to, when it is not known yet."""
        return None

    def stray_threads(self, pid: int) -> list[int]:
        """The threads in another network namespace than the first of their process."""
        return []

    def cgroups(self) -> Cgroups:
        """The control groups by number. Raises Unsupported."""
        raise Unsupported("cgroups", "there are none")

    def sockets(self, listing: Listing, region: Region) -> Sequence[Socket]:
        """The sockets of one kind in one namespace: all of the region, and more where that is no more work."""
        ...

    def autobound(self, listing: Listing) -> set[int] | None:
        """The cookies of the sockets of a list whose port the kernel chose; None where that is not told."""
        return None

    def tree(self, pid: int) -> Root:
        """The file system as a process sees it, and for 0 the system's own. Raises Unsupported."""
        from sqlports.sources.rooted import Root

        if pid:
            raise Unsupported("pid_with_namespace", "other roots than the system's own can be looked at on Linux only")
        return Root()

    def port_settings(self, namespace: Namespace | None = None) -> PortSettings:
        """The kernel's own port ranges of a network namespace; for None, of the one that is looked from."""
        ...


def make_backend(name: str | None, root: str, refuse: Callable[[str, int | None, Exception], None]) -> Backend:
    """The backend of this name, or what fits the system; `refuse` is told what it could not read, beside what it raises.

    Raises ValueError for a name that is none, and for a root that the backend cannot look at.
    """
    if name is None:
        name = "linux" if sys.platform.startswith("linux") or root != "/" else "portable"
    if name == "linux":
        from sqlports.sources.linux import Linux

        return Linux(root, refuse)
    if name == "portable":
        from sqlports.sources.portable import Portable

        if root != "/":
            raise ValueError(f"the portable backend looks at this system only, not at {root!r}")
        return Portable(refuse)
    raise ValueError(f"no backend is called {name!r}: linux, portable")
