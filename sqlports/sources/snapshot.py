"""One consistent look at one system, filled as it is asked.

Within a snapshot every source is read at most once, and what could not be read is counted. The rows it gives out are
subjects: they read their parts when a column wants them.
"""

from __future__ import annotations

import errno
import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

from sqlports.sources.owners import Holders
from sqlports.sources.records import (
    Backend,
    Cmdline,
    Descriptors,
    Exe,
    Fdinfo,
    Io,
    Link,
    PortSettings,
    Service,
    Stat,
    Status,
    Unsupported,
    User,
    What,
)
from sqlports.sources.sock_diag import STATES
from sqlports.sources.subjects import Handle, Process, Socket

T = TypeVar("T")

PROTOCOLS = (("ipv4", "tcp"), ("ipv6", "tcp"), ("ipv4", "udp"), ("ipv6", "udp"), ("unix", "unix"))

_NOTHING: dict[str, tuple[object, ...]] = {
    "stat": Stat(),
    "status": Status(),
    "io": Io(),
    "cmdline": Cmdline(),
    "cgroup": Link(),
    "exe": Exe(),
    "cwd": Link(),
    "root": Link(),
    "descriptors": Descriptors(),
}
_GONE = {errno.ENOENT, errno.ESRCH}
PERMISSION, ENDED = "permission", "ended"


class Refusal(NamedTuple):
    """Something that could not be read: `source` (a file of /proc with PID for the number, or 'sock_diag tcp'), how often."""

    source: str
    pid: int | None
    errno: int | None
    reason: str
    times: int


def make_backend(name: str | None, root: str, refuse: Callable[[str, int | None, Exception], None]) -> Backend:
    """The backend of this name, or what fits the system; `refuse` is told what it could not read, beside what it raises.

    Raises ValueError for a name that is none, and for a root that the backend cannot look at.
    """
    if name is None:
        name = "linux" if os.path.exists(os.path.join(root, "proc/stat")) or root != "/" else "portable"
    if name == "linux":
        from sqlports.sources.linux import Linux

        return Linux(root)
    if name == "portable":
        from sqlports.sources.portable import Portable

        if root != "/":
            raise ValueError(f"the portable backend looks at this system only, not at {root!r}")
        return Portable(refuse)
    raise ValueError(f"no backend is called {name!r}: linux, portable")


class Snapshot:
    """One look at a system.

    blind      whether some process's handles could not be read
    check      called in long loops; raises what is to end them
    earlier    the refusals of the look before this one, told as long as this one has read nothing
    reads      how often each source was read, for those who measure
    """

    def __init__(
        self,
        root: str = "/",
        backend: str | None = None,
        check: Callable[[], None] = lambda: None,
        earlier: list[Refusal] | None = None,
    ) -> None:
        self.backend = make_backend(backend, root, self.refuse)
        self.check = check
        self.earlier = earlier or []
        self.blind = False
        self.reads: Counter[str] = Counter()
        self._refused: Counter[tuple[str, int | None, int | None, str]] = Counter()
        self._memos: dict[Any, Any] = {}
        self._processes: dict[int, Process | None] = {}
        self._pids: list[int] | None = None
        self._handles: dict[int, list[Handle]] = {}
        self._sockets: dict[tuple[str, str], dict[str | None, list[Socket]]] = {}
        self._holders: Holders | None = None

    def memo(self, key: Any, make: Callable[[], T]) -> T:
        """What `make` gave when this key was first asked for, for as long as the snapshot lasts."""
        if key not in self._memos:
            self._memos[key] = make()
        found: T = self._memos[key]
        return found

    def pids(self) -> list[int]:
        """The processes that the system lists, ascending."""
        if self._pids is None:
            self.reads["pids"] += 1
            self._pids = self.backend.pids()
        return self._pids

    def processes(self, pids: frozenset[int] | None = None) -> Iterator[Process]:
        """The processes, or those with these numbers: of these also one that hides from the listing, never a thread."""
        for pid in self.pids() if pids is None else sorted(pids):
            self.check()
            process = self.process(pid)
            if process is not None:
                yield process

    def process(self, pid: int) -> Process | None:
        """The process of this number."""
        if pid not in self._processes:
            listed = self._pids is not None and pid in self.memo("listed", lambda: set(self.pids()))
            exists = listed or (0 <= pid < 1 << 31 and self.backend.is_process(pid))
            self._processes[pid] = Process(pid, self) if exists else None
        return self._processes[pid]

    def read(self, process: Process, group: str) -> Any:
        """One part of a process; a record of Nones where that may not be read. Marks the process as ended when it has."""
        self.reads[group] += 1
        try:
            return self.backend.read(process.pid, group)
        except OSError as error:
            if error.errno not in _GONE:
                self.refuse(self.backend.source(group), process.pid, error)
            elif _NOTHING.keys() & process.__dict__.keys():
                # Other parts were read while it lived: this tells why the rest is NULL.
                self._refused[self.backend.source(group), process.pid, error.errno, ENDED] += 1
            process.ended = process.ended or error.errno in _GONE
            return _NOTHING[group]

    def handles(self, pids: frozenset[int] | None = None) -> Iterator[Handle]:
        """The open descriptors of all processes, or of these."""
        for process in self.processes(pids):
            yield from self.process_handles(process.pid)

    def process_handles(self, pid: int) -> list[Handle]:
        """The open descriptors of one process, ascending."""
        found = self._handles.get(pid)
        if found is None:
            self.check()
            self.reads["fd"] += 1
            found = []
            try:
                found = [Handle(pid, item, self) for item in sorted(self.backend.descriptors(pid))]
            except OSError as error:
                if error.errno not in _GONE:
                    self.blind = True
                    self.refuse(self.backend.source("descriptors"), pid, error)
            hidden = sum(handle.link is None for handle in found)
            if hidden:
                self.blind = True
                self.refuse("/proc/PID/fd/FD", pid, PermissionError(errno.EACCES, ""), hidden)
            self._handles[pid] = found
        return found

    def what(self, handle: Handle) -> Any:
        """What a descriptor stands for."""
        return self._of_handle(handle, "fdinfo", What(), lambda: self.backend.what(handle.pid, handle.descriptor))

    def fdinfo(self, handle: Handle) -> Any:
        """The state of a descriptor."""
        return self._of_handle(handle, "fdinfo", Fdinfo(), lambda: self.backend.fdinfo(handle.pid, handle.fd))

    def _of_handle(self, handle: Handle, group: str, nothing: T, read: Callable[[], T]) -> T:
        self.reads[group] += 1
        try:
            return read()
        except OSError as error:
            if error.errno in _GONE:
                handle.ended = True
            else:
                self.refuse(self.backend.source(group), handle.pid, error)
            return nothing
        except Unsupported as error:
            self.refuse(error.source, handle.pid, error)
            return nothing

    def sockets(self, protocols: frozenset[str] | None = None, states: frozenset[str] | None = None) -> Iterator[Socket]:
        """The sockets, or those of these protocols and states. Each state of each protocol is dumped at most once."""
        # None is the state of those whose state is not known; no search finds them.
        wanted: frozenset[str | None] = STATES | {None} if states is None else states & STATES
        for family, protocol in PROTOCOLS:
            if protocols is not None and protocol not in protocols:
                continue
            dumped = self._sockets.setdefault((family, protocol), {})
            lacking = wanted - dumped.keys()
            if lacking:
                self._dump(family, protocol, lacking, dumped)
            for state in sorted(wanted, key=str):
                yield from dumped[state]

    def _dump(self, family: str, protocol: str, lacking: frozenset[str | None], dumped: dict[str | None, list[Socket]]) -> None:
        self.check()
        self.reads[f"{protocol} {family}"] += 1
        dumped.update((state, []) for state in lacking)
        states = frozenset(state for state in lacking if state is not None)
        with paused_collector():
            try:
                records = self.backend.sockets(family, protocol, states)
            except Unsupported as error:
                self.refuse(error.source, None, error)
                records = self._listed(family, protocol, states)
            except OSError as error:
                self.refuse(f"sock_diag {protocol}", None, error)
                records = self._listed(family, protocol, states)
            # A dump is no atomic look: a socket that moves in the kernel's table may come twice.
            seen: set[int] = set()
            for record in records:
                if record.cookie is not None:
                    if record.cookie in seen:
                        continue
                    seen.add(record.cookie)
                if record.state is not None or None in lacking:
                    dumped.setdefault(record.state, []).append(Socket(record, self))

    def _listed(self, family: str, protocol: str, states: frozenset[str]) -> list[Any]:
        """The second way to the sockets, where the platform has one."""
        listed = getattr(self.backend, "listed_sockets", None)
        if listed is None:
            return []
        try:
            found: list[Any] = listed(family, protocol, states)
        except Unsupported as error:
            self.refuse(error.source, None, error)
            return []
        except OSError as error:
            self.refuse(f"/proc/net/{protocol}", None, error)
            return []
        return found

    def holders(self) -> Holders:
        """Who holds which socket: one walk over all handles."""
        if self._holders is None:
            self.reads["walk"] += 1
            self._holders = Holders(self) if self.backend.tells_inodes else Named(self)
        return self._holders

    def users(self, uids: frozenset[int] | None = None) -> list[User]:
        """The accounts, or those with these uids."""
        try:
            if uids is None:
                return self.memo("users", lambda: self.backend.users(None))
            return [
                user
                for uid in sorted(uids)
                for user in self.memo(("user", uid), lambda: self.backend.users(frozenset((uid,))))  # noqa: B023 called at once
            ]
        except (Unsupported, OSError) as error:
            self.refuse("passwd", None, error)
            return []

    def services(self) -> list[Service]:
        """The names this machine gives to ports."""
        return self.memo("services", lambda: self._or(self.backend.services, "services", []))

    def port_settings(self) -> PortSettings:
        """The kernel's own port ranges."""
        return self.memo("port_settings", lambda: self._or(self.backend.port_settings, "port ranges", PortSettings()))

    def _or(self, read: Callable[[], T], source: str, nothing: T) -> T:
        self.reads[source] += 1
        try:
            return read()
        except (Unsupported, OSError) as error:
            self.refuse(source, None, error)
            return nothing

    def refuse(self, source: str, pid: int | None, error: Exception, count: int = 1) -> None:
        """Count something that could not be read."""
        if isinstance(error, Unsupported):
            self._refused[error.source, pid, None, error.reason] += count
            return
        number = error.errno if isinstance(error, OSError) else None
        denied = number in (errno.EACCES, errno.EPERM)
        # Who may not see the directory of a process may not see its descriptors.
        if denied and source in map(self.backend.source, ("descriptors", "cwd")):
            self.blind = True
        reason = PERMISSION if denied else os.strerror(number) if number else str(error)
        self._refused[source, pid, number, reason] += count

    def refusals(self) -> list[Refusal]:
        """What this look could not read; what the one before could not, while this one has read nothing."""
        if not self.reads:
            return self.earlier
        return [Refusal(*key, count) for key, count in sorted(self._refused.items(), key=str)]


class Named(Holders):
    """The holders where the platform names one of each socket itself: no handles to walk."""

    def _walk(self, pids: list[int]) -> None:
        # Windows names them to everybody; elsewhere this shows whether some are hidden from us.
        for process in self.system.processes() if os.name == "posix" else ():
            _ = process.cwd


@contextmanager
def paused_collector() -> Iterator[None]:
    """No garbage collection while thousands of rows are built: none of them is garbage."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
