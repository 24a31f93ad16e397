"""One consistent look at one system, filled as it is asked.

Within a snapshot every source is read at most once, and what could not be read is counted. The rows it gives out are
subjects: they read their parts when a column wants them.
"""

from __future__ import annotations

import errno
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, TypeVar

from sqlports.schema import Batches
from sqlports.sources.backend import make_backend
from sqlports.sources.file_search import Files
from sqlports.sources.handles import Handle
from sqlports.sources.namespaces import Namespace
from sqlports.sources.network import Network
from sqlports.sources.parts import Missing, part
from sqlports.sources.records import PortSettings, Unsupported
from sqlports.sources.refusals import GONE, PERMISSION, Refusal, Refusals
from sqlports.sources.subjects import Listed, Process, Task, Thread

T = TypeVar("T")


class Snapshot:
    """One look at a system.

    blind      whether some process's handles could not be read
    is_partial whether there are processes that are not even listed, once they are asked for
    check      called in long loops; raises what is to end them
    earlier    the refusals of the look before this one, told as long as this one has read nothing
    reads      how often each source was read, for those who measure
    wanted     the parts of rows that the statements so far want, so that what two parts tell is read once
    settings   what the program was started with, for tables that tell it; None for nothing
    """

    settings: object = None

    def __init__(
        self,
        root: str = "/",
        backend: str | None = None,
        check: Callable[[], None] = lambda: None,
        earlier: list[Refusal] | None = None,
    ) -> None:
        self.root = root
        self.backend = make_backend(backend, root, self.refuse)
        self.check = check
        self.earlier = earlier or []
        self.blind = False
        self.is_partial = False
        self.reads: Counter[str] = Counter()
        self.wanted: set[str] = set()
        self._refused = Refusals()
        self._memos: dict[Any, Any] = {}
        self._processes: dict[int, Process | None] = {}
        self._pids: list[int] | None = None
        self._handles: dict[int, list[Handle]] = {}
        self._descriptors: dict[int, dict[int, str | None]] = {}
        self._private: dict[int, dict[int, dict[int, str | None]]] = {}
        self.network = Network(self)
        self.files = Files(self)

    def close(self) -> None:
        """Give up all that was read. Rows and snapshot know each other, and would wait for the garbage collector."""
        self.backend.close()
        for kept in (self._memos, self._processes, self._handles, self._descriptors, self._private):
            kept.clear()
        self.network.close()
        self.files.close()

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
            # Where other users' processes are not even listed, one of them may hold anything.
            self.is_partial = any(refusal.reason == PERMISSION and refusal.source == "/proc" for refusal in self._refused)
            self.blind = self.blind or self.is_partial
        return self._pids

    @property
    def known_pids(self) -> int:
        """How many processes are listed by now."""
        return len(self._pids or ())

    def processes(self, pids: frozenset[int] | None = None) -> Iterable[Process]:
        """The processes, or those with these numbers: of these also one that hides from the listing, never a thread."""
        if pids is None:
            # What was said of a number before the list was made stays said.
            known, pids_listed = self._processes, self.pids()
            return Batches((Listed(self, [pid for pid in pids_listed if known.get(pid, True)] if known else pids_listed),))
        return filter(None, map(self.process, sorted(pids)))

    def process(self, pid: int) -> Process | None:
        """The process of this number."""
        if pid not in self._processes:
            exists = self._is_listed(pid) or (0 <= pid < 1 << 31 and self.backend.is_process(pid))
            self._processes[pid] = Process(pid, self) if exists else None
        return self._processes[pid]

    def listed(self, pid: int) -> Process:
        """The process of a number that is in the list."""
        process = self._processes.get(pid)
        if process is None:
            process = self._processes[pid] = Process(pid, self)
        return process

    def _is_listed(self, pid: int) -> bool:
        return self._pids is not None and pid in self.memo("listed", lambda: frozenset(self.pids()))

    def threads(self, pids: frozenset[int] | None = None) -> Iterator[Thread]:
        """The threads of all processes, or of these."""
        for process in self.processes(pids):
            for tid in self.thread_ids(process):
                yield self.memo(("thread", tid), partial(Thread, process.pid, tid, self))

    def thread_ids(self, process: Process) -> list[int]:
        """The numbers of a process's threads, ascending."""
        return self.memo(("task", process.pid), partial(self._thread_ids, process.pid))

    def _thread_ids(self, pid: int) -> list[int]:
        self.reads["task"] += 1
        try:
            return self.backend.threads(pid)
        except Unsupported as error:
            self.refuse(error.source, None, error)
        except OSError as error:
            if error.errno not in GONE:
                self.refuse("/proc/PID/task", pid, error)
        return []

    def not_read(self, task: Task, group: str, error: OSError | Unsupported) -> Any:
        """What stands for a part that was not read; counted, or where the process is gone, it is marked as ended."""
        source = self.backend.source(group, task.tid)
        if isinstance(error, Unsupported):
            self.refuse(error.source, None if isinstance(error, Missing) else task.pid, error)
        elif error.errno not in GONE:
            self.refuse(source, task.pid, error)
        else:
            if task.begun:
                # Other parts were read while it lived: this tells why the rest is NULL.
                self._refused.ended(source, task.pid, error.errno)
            task.ended = True
        return part(group).NOTHING

    def ask(self, source: str, read: Callable[[str], list[T]], key: object = None) -> list[T]:
        """What `read` gives for the root of the file system, once; none, which is counted, where it could not be read.

        `key` tells this question to the source from others to it.
        """
        return self.memo((source, key), lambda: self._or(partial(read, self.root), source, []))

    def handles(self, pids: frozenset[int] | None = None) -> Iterator[Handle]:
        """The open descriptors of all processes, or of these."""
        for process in self.processes(pids):
            yield from self.process_handles(process.pid)

    def process_handles(self, pid: int) -> list[Handle]:
        """The open descriptors of one process, ascending; the same objects whenever they are asked for."""
        found = self._handles.get(pid)
        if found is None:
            found = [Handle(pid, fd, link, self) for fd, link in sorted(self.descriptors(pid).items())]
            for tid, links in self.private_tables(pid).items():
                found += [Handle(pid, fd, link, self, tid) for fd, link in sorted(links.items())]
            self._handles[pid] = found
        return found

    def descriptors(self, pid: int) -> dict[int, str | None]:
        """What the open descriptors of a process link to, by number; None for what may not be read."""
        found = self._descriptors.get(pid)
        if found is None:
            self.check()
            self.reads["fd"] += 1
            try:
                found = self.backend.descriptors(pid)
            except OSError as error:
                found = {}
                if error.errno not in GONE:
                    self.blind = True
                    self.refuse(self.backend.source("descriptors"), pid, error)
            if None in found.values():
                self.blind = True
                hidden = sum(link is None for link in found.values())
                self.refuse("/proc/PID/fd/FD", pid, PermissionError(errno.EACCES, ""), hidden)
            self._descriptors[pid] = found
        return found

    def private_tables(self, pid: int) -> dict[int, dict[int, str | None]]:
        """What the descriptors link to of threads that have a table of their own, by thread."""
        found = self._private.get(pid)
        if found is None:
            found = self._private[pid] = (
                self._of_threads(pid, lambda: self.backend.private_tables(pid), {}) if self.has_threads(pid) else {}
            )
        return found

    def has_threads(self, pid: int) -> bool:
        """Whether a process has more threads than one, which may have gone their own way."""
        return self._of_threads(pid, lambda: self.backend.has_threads(pid), False)

    def stray_threads(self, pid: int) -> list[int]:
        """The threads in another network namespace than the first of their process."""
        return self._of_threads(pid, lambda: self.backend.stray_threads(pid), [])

    def _of_threads(self, pid: int, read: Callable[[], T], nothing: T) -> T:
        try:
            return read()
        except OSError as error:
            # Whose threads may not be looked at, his handles may not either, and that is told.
            if error.errno not in GONE and not isinstance(error, PermissionError):
                self.refuse("/proc/PID/task", pid, error)
            return nothing

    def registered(self, pid: int, fd: int, tid: int | None = None) -> list[int]:
        """The inodes of the sockets that are registered with an io_uring."""
        return self._of_descriptor(pid, lambda: self.backend.registered(pid, fd, tid), [])

    def in_flight(self, pid: int, fd: int, tid: int | None = None) -> int:
        """How many descriptors wait in a unix socket to be received."""
        return self._of_descriptor(pid, lambda: self.backend.in_flight(pid, fd, tid), 0)

    def _of_descriptor(self, pid: int, read: Callable[[], T], nothing: T) -> T:
        self.check()
        self.reads["fdinfo"] += 1
        try:
            return read()
        except OSError as error:
            if error.errno not in GONE:
                self.refuse(self.backend.source("fdinfo"), pid, error)
            return nothing

    def of_handle(self, handle: Handle, source: str, nothing: T, read: Callable[[Handle], T]) -> T:
        """One part of a handle; `nothing` where that may not be read. Marks it as ended when it has."""
        try:
            return read(handle)
        except OSError as error:
            if error.errno in GONE:
                handle.ended = True
            else:
                self.refuse(source, handle.pid, error)
            return nothing
        except Unsupported as error:
            self.refuse(error.source, handle.pid, error)
            return nothing

    def start_ticks(self, pid: int) -> float:
        """A number that is the greater the later the process started; infinite for one that is gone."""
        starts: dict[int, float] = self.memo("starts", dict)
        if pid not in starts:
            self.reads["stat"] += 1
            try:
                starts[pid] = self.backend.start_ticks(pid)
            except OSError:
                starts[pid] = float("inf")
        return starts[pid]

    def port_settings(self, namespace: Namespace | None = None) -> PortSettings:
        """The kernel's own port ranges of a network namespace; for None, of the one that is looked from.

        None of them is known, which is counted, where the namespace may not be entered.
        """
        if namespace is None or namespace.mine:
            return self.memo("port_settings", lambda: self._or(self.backend.port_settings, "port ranges", PortSettings()))
        read = partial(self.backend.port_settings, namespace)
        return self.memo(("port_settings", namespace), lambda: self._or(read, "port ranges", PortSettings(), namespace.first))

    def _or(self, read: Callable[[], T], source: str, nothing: T, pid: int | None = None) -> T:
        self.reads[source] += 1
        try:
            return read()
        except (Unsupported, OSError) as error:
            self.refuse(source, pid, error)
            return nothing

    def refuse(self, source: str, pid: int | None, error: Exception, count: int = 1) -> None:
        """Count something that could not be read."""
        self._refused.add(source, pid, error, count)

    def lost(self, source: str) -> None:
        """Count a part of something that ended before it could be read."""
        self._refused.ended(source, None, None)

    def refusals(self) -> list[Refusal]:
        """What this look could not read; what the one before could not, while this one has read nothing."""
        return list(self._refused) or ([] if self.reads else self.earlier)
