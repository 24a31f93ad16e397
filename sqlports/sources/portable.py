"""The portable backend: psutil, for macOS, Windows and any system without /proc. What it cannot say is told (gaps.py)."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, partial
from typing import Any

import psutil

from sqlports.sources import fdinfo, gaps, psutil_parts, records
from sqlports.sources.backend import Backend
from sqlports.sources.fdinfo import Fdinfo
from sqlports.sources.handles import Handle
from sqlports.sources.namespaces import Namespace
from sqlports.sources.parts import cmdline, part
from sqlports.sources.parts.comm import Comm
from sqlports.sources.parts.cwd import Link
from sqlports.sources.parts.environ import Variable
from sqlports.sources.parts.stat import Stat
from sqlports.sources.parts.status import Status
from sqlports.sources.psutil_rows import Row, row, text
from sqlports.sources.records import What
from sqlports.sources.region import Region
from sqlports.sources.sockets import KINDS, Listing, RecordSocket, Socket
from sqlports.sources.subjects import Task

_LETTERS = {
    "running": "R", "sleeping": "S", "disk-sleep": "D", "stopped": "T", "tracing-stop": "t", "zombie": "Z", "dead": "X",
    "wake-kill": "K", "waking": "W", "idle": "I", "parked": "P",
}  # fmt: skip

# What psutil raises where it does not understand the system: the name of a unix socket, the mode of an open file.
_LOST = (RuntimeError, ValueError, LookupError)


class Unguessed(psutil.Process):
    """What the system says of a process. psutil would lengthen its name, and invent its path, out of the arguments."""

    def cmdline(self) -> list[str]:
        """No arguments, for psutil to guess from; `arguments` has them."""
        return []

    def arguments(self) -> bytes:
        """The arguments, each with a NUL after it, as /proc has them. Raises psutil.Error."""
        return b"".join(os.fsencode(argument) + b"\0" for argument in super().cmdline())


class Portable(Backend):
    """Asks psutil about this system. `refuse` is told what it could not read, beside what it raises."""

    name = "portable"
    tells_inodes = False
    kinds = tuple(kind for kind in KINDS if kind.protocol in ("tcp", "udp", "unix"))

    def __init__(self, refuse: Callable[[str, int | None, Exception], None] = lambda source, pid, error: None) -> None:
        self._refuse = refuse
        self._gaps = gaps.gaps(sys.platform)
        self._with_gaps = set(self._gaps)
        self._processes: dict[int, Unguessed] = {}
        self._files: dict[int, dict[int, Any]] = {}
        self._namespace = Namespace("", own="")
        self._listed: dict[str, list[Row]] = {}

    def _tell(self, part: str) -> None:
        """Say, once, what cannot be known of this."""
        for reason in self._gaps.pop(part, ()):
            self._refuse("psutil", None, records.Unsupported("psutil", reason))

    def close(self) -> None:
        """Nothing is held open."""

    def pids(self) -> list[int]:
        """The processes that the system lists."""
        return psutil.pids()

    def is_process(self, pid: int) -> bool:
        """Whether the number is a process's. Windows would open the process 4 for the numbers 5 to 7 as well."""
        return pid in psutil.pids() if sys.platform == "win32" else psutil.pid_exists(pid)

    def source(self, group: str, tid: int | None = None) -> str:
        """What `read` reads, as scan_errors names it."""
        return "psutil " + {"io": "io_counters", "fdinfo": "open_files"}.get(group, group)

    def read(self, task: Task, group: str) -> Any:
        """One part of one process; of a zombie, what there is still. Raises OSError."""
        self._tell(group)
        reader = _READERS.get(group)
        if reader is None:
            if group not in self._with_gaps:
                self._refuse("psutil", None, records.Unsupported("psutil", f"not known: {group}"))
                self._with_gaps.add(group)
            return part(group).NOTHING
        with self._process(task.pid) as process:
            try:
                return reader(self, process)
            except psutil.ZombieProcess:
                return part(group).NOTHING

    @contextmanager
    def _process(self, pid: int) -> Iterator[Unguessed]:
        """A process to ask, and psutil's errors as OSError. ProcessLookupError when the number is another's by now."""
        try:
            process = self._processes[pid] = self._processes.get(pid) or Unguessed(pid)
            with process.oneshot():
                yield process
            # Asked last: if it is the same one now, it was the one that answered.
            if not process.is_running():
                raise psutil.NoSuchProcess(pid)
        except psutil.AccessDenied as error:
            raise PermissionError(errno.EACCES, str(error)) from None
        except psutil.NoSuchProcess as error:
            raise ProcessLookupError(errno.ESRCH, str(error)) from None
        except _LOST as error:
            raise OSError(f"psutil: {error!r}") from None

    def _ask(self, process: Unguessed, method: str) -> Any:
        """One answer of several: None where the system has none, and where it is kept from us, which is counted."""
        try:
            return getattr(process, method, lambda: None)()
        except psutil.ZombieProcess:
            return None
        except psutil.AccessDenied:
            self._refuse(f"psutil {method}", process.pid, PermissionError(errno.EACCES, ""))
            return None

    def _comm(self, process: Unguessed) -> Comm:
        name = process.name()
        return Comm(text(name) if name or os.name == "posix" else None)

    def _stat(self, process: Unguessed) -> Any:
        ask, pid, posix = partial(self._ask, process), process.pid, os.name == "posix"
        status = ask("status")
        times, created, terminal = ask("cpu_times"), ask("create_time"), ask("terminal")
        started = round(created + self._late, 2) if created else None
        lived = None if started is None else max(0.0, time.time() - started)
        # macOS says or guesses 'running' and 'sleeping' of all alike, Windows 'running' of all that are not suspended.
        vague = sys.platform in ("darwin", "win32") and status not in ("stopped", "zombie")
        return Stat.known(
            state=None if vague else _LETTERS.get(status),
            parent=ask("ppid"),
            pgroup=self._number("getpgid", pid),
            session=self._number("getsid", pid),
            tty=text(terminal).removeprefix("/dev/") if terminal else None,
            nice=ask("nice") if posix and pid else None,
            threads=ask("num_threads"),
            user_time=times and round(times.user * 1000),
            system_time=times and round(times.system * 1000),
            start_time=int(created) if created else None,
            started=started,
            elapsed_time=None if lived is None else int(lived),
            cpu_percent=round((times.user + times.system) / lived * 100, 1) if lived and times else None,
        )

    @cached_property
    def _late(self) -> float:
        """Seconds by which a process started later than psutil says: on Linux it counts from a boot time without fraction."""
        if sys.platform != "linux":
            return 0.0
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME) - psutil.boot_time()

    def _number(self, call: str, pid: int) -> int | None:
        """What os.getpgid or os.getsid says; of pid 0 they would answer for the one who asks, as nice does."""
        ask = getattr(os, call, None)
        try:
            return int(ask(pid)) if ask and pid else None
        except OSError as error:
            if error.errno != errno.ESRCH:  # which is what macOS says of a zombie
                self._refuse(call, pid, error)
            return None

    def _status(self, process: Unguessed) -> Any:
        uid, euid, suid = self._ask(process, "uids") or (None, None, None)
        gid, egid, sgid = self._ask(process, "gids") or (None, None, None)
        memory = self._ask(process, "memory_info")
        # What has no address space, a kernel thread or a zombie, has no size either.
        rss, vms = (memory.rss, memory.vms) if memory and memory.vms else (None, None)
        ids = {"uid": uid, "euid": euid, "suid": suid, "gid": gid, "egid": egid, "sgid": sgid}
        return Status.known(**ids, resident_size=rss, total_size=vms)

    def threads(self, pid: int) -> list[int]:
        """None: of theirs psutil tells the numbers and times, and nothing else."""
        self._tell("threads")
        return []

    def descriptors(self, pid: int) -> dict[int, str | None]:
        """The open files and sockets of a process. Raises OSError."""
        self._tell("handles")
        if sys.platform == "win32":
            return {}
        with self._process(pid) as process:
            files = self._files[pid] = {file.fd: file for file in process.open_files()}
        found: dict[int, str | None] = {fd: text(file.path) for fd, file in files.items()}
        held = self._held(pid, "inet") + self._held(pid, "unix")
        found.update((row.record.fd, "socket") for row in held if row.record.fd is not None)
        return found

    def what(self, handle: Handle) -> What:
        """The type and target of a descriptor, as it was when it was listed."""
        return What("socket") if handle.link == "socket" else What("file", handle.link)

    def fdinfo(self, handle: Handle) -> Fdinfo:
        """The state of a descriptor when it was listed; known of files on Linux."""
        file = self._files[handle.pid].get(handle.fd)
        if file is None or not hasattr(file, "flags"):
            return Fdinfo()
        return fdinfo.opened(file.position, file.flags)

    def namespaces(self, pids: list[int] | None = None) -> list[Namespace]:
        """One, of which nothing is known."""
        return [self._namespace]

    def sockets(self, listing: Listing, region: Region) -> list[Socket]:
        """The sockets of one kind that are, or may be, in these states."""
        kind = "unix" if listing.protocol == "unix" else "inet"
        self._tell("sockets")
        self._tell(kind)
        if kind == "unix" and sys.platform == "win32":
            return []
        if kind not in self._listed:
            self._listed[kind] = self._merged(self._list(kind))
        return [
            RecordSocket(row.record, listing)
            for row in self._listed[kind]
            if (row.family, row.protocol) == (listing.family, listing.protocol)
            and (row.record.state is None or row.record.state in region.states)
        ]

    def _list(self, kind: str) -> list[Row]:
        """All sockets; where only root is told, those of the processes that may be asked."""
        try:
            return [row(connection, connection.pid) for connection in psutil.net_connections(kind)]
        except psutil.AccessDenied:
            return [record for pid in self.pids() for record in self._held(pid, kind)]
        except (OSError, *_LOST) as error:
            self._refuse(f"psutil net_connections {kind}", None, error)
            return []

    def _held(self, pid: int, kind: str) -> list[Row]:
        """The sockets of one process; none, which is counted, where they are kept from us."""
        try:
            with self._process(pid) as process:
                return [row(connection, pid) for connection in process.net_connections(kind)]
        except OSError as error:
            if error.errno != errno.ESRCH:
                self._refuse("psutil net_connections", pid, error)
            return []

    def _merged(self, listed: list[Row]) -> list[Row]:
        """One row for each TCP connection, with its oldest holder: its two ends tell it from every other."""
        rows: dict[object, Row] = {}
        for one in listed:
            is_connection = one.protocol == "tcp" and one.record.remote_port is not None
            key: object = (one.family, *one.record[:6]) if is_connection else id(one)
            rows[key] = min(rows[key], one, key=self._seniority) if key in rows else one
        return list(rows.values())

    def _seniority(self, row: Row) -> tuple[bool, float, int]:
        record = row.record
        with suppress(OSError), self._process(record.pid or 0) as process:
            return record.pid == 1, process.create_time(), record.fd or 0
        return record.pid == 1, float("inf"), record.fd or 0

    def port_settings(self, namespace: object = None) -> records.PortSettings:
        """The system's own port ranges: none is known."""
        self._tell("port_registry")
        return records.PortSettings()


# The parts that psutil knows something of.
_READERS: dict[str, Callable[[Portable, Unguessed], object]] = {
    "comm": Portable._comm,
    "stat": Portable._stat,
    "status": Portable._status,
    "io": lambda self, process: psutil_parts.io(process),
    "rest": lambda self, process: psutil_parts.rest(process),
    "limits": lambda self, process: psutil_parts.limits(process),
    "scheduling": lambda self, process: psutil_parts.scheduling(process),
    "environ": lambda self, process: tuple(
        Variable(process.pid, text(key), text(value)) for key, value in process.environ().items()
    ),
    "cmdline": lambda self, process: cmdline.parse(process.arguments()),
    "exe": lambda self, process: psutil_parts.exe(process),
    "cwd": lambda self, process: Link(text(process.cwd()) or None),
    "descriptors": lambda self, process: psutil_parts.descriptors(process),
}
