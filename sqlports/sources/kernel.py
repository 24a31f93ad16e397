"""What the kernel of a look tells of itself and of the machine as a whole: files below /proc."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, TypeVar

from sqlports.sources import kernel_files, small_files
from sqlports.sources.kernel_files import Kernel, Load, Memory, Module, Segment, Uptime
from sqlports.sources.records import Unsupported
from sqlports.sources.snapshot import Snapshot

T = TypeVar("T")

_SEGMENTS = "/proc/sysvipc/shm"
_MODULES = "/proc/modules"


def file(system: Snapshot, path: str) -> bytes | None:
    """A file of the system looked at; None, which is counted, for one that could not be read."""
    found = system.ask(path, partial(_read, path))
    return found[0] if found else None


def _read(path: str, root: str) -> list[bytes]:
    return [small_files.of_system(root, os.fsencode(path))]


def _parsed(system: Snapshot, path: str, parse: Callable[[bytes], list[T]]) -> list[T]:
    """What a file says, the same objects whenever it is asked for; nothing where it could not be read."""

    def read() -> list[T]:
        data = file(system, path)
        return [] if data is None else parse(data)

    return system.memo(("kernel", path), read)


def kernel(system: Snapshot) -> list[Kernel]:
    """The kernel."""
    return system.memo("kernel", lambda: [_kernel(system)])


def _kernel(system: Snapshot) -> Kernel:
    version, arguments = file(system, "/proc/version"), file(system, "/proc/cmdline")
    told = None if version is None else kernel_files.release(version)
    return Kernel(told) if arguments is None else kernel_files.arguments(arguments, told)


def uptime(system: Snapshot) -> list[Uptime]:
    """How long it runs."""
    return _parsed(system, "/proc/uptime", lambda data: [kernel_files.uptime(data)])


def load(system: Snapshot) -> list[Load]:
    """How busy it is, by period."""
    return _parsed(system, "/proc/loadavg", kernel_files.load)


def memory(system: Snapshot) -> list[Memory]:
    """Its memory."""
    return _parsed(system, "/proc/meminfo", lambda data: [kernel_files.memory(data)])


def modules(system: Snapshot) -> list[Module]:
    """Its modules. A kernel without the file has been built without modules, or hides them; that is told."""
    return system.memo("modules", lambda: _modules(system))


def _modules(system: Snapshot) -> list[Module]:
    found = [one for some in system.ask(_MODULES, _read_modules) for one in kernel_files.modules(some)]
    hidden = sum(one.address is None for one in found)
    if hidden:
        system.refuse("/proc/modules addresses", None, PermissionError(errno.EPERM, "kptr_restrict"), hidden)
    return found


def _read_modules(root: str) -> list[bytes]:
    try:
        return _read(_MODULES, root)
    except FileNotFoundError:
        raise Unsupported(_MODULES, "there is no such file: the kernel has no loadable modules, or they are hidden") from None


def segments(system: Snapshot) -> list[Segment]:
    """Its shared memory segments, those of the IPC namespace that is looked from."""
    return system.memo("segments", lambda: [one for some in _shared(system) for one in kernel_files.segments(some)])


def _shared(system: Snapshot) -> list[bytes]:
    backend = system.backend
    live = system.root != "/" and getattr(backend, "live", False)
    if live and _ipc_namespace(f"{getattr(backend, 'proc', '')}/1") != _ipc_namespace("/proc/self"):
        # The kernel shows the reader's own, whichever /proc it is read by.
        system.ask(_SEGMENTS, _elsewhere)
        return []
    found = file(system, _SEGMENTS)
    return [] if found is None else [found]


def _elsewhere(root: str) -> list[bytes]:
    raise Unsupported(_SEGMENTS, "those of another IPC namespace are shown only to who is in it")


def _ipc_namespace(process: str) -> int | None:
    try:
        return os.stat(f"{process}/ns/ipc").st_ino
    except OSError:
        return None


class Time(NamedTuple):
    """A moment, in UTC. `local_timezone` is None where it is not known."""

    weekday: str
    year: int
    month: int
    day: int
    hour: int
    minutes: int
    seconds: int
    unix_time: int
    timestamp: str
    iso_8601: str
    local_timezone: str | None
    timezone: str = "UTC"


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def now(system: Snapshot) -> list[Time]:
    """The moment of the look, by the clock of this machine."""
    return system.memo("now", lambda: [_now(system)])


def _now(system: Snapshot) -> Time:
    seconds = int(time.time())
    zone = None
    if system.root == "/":
        zone = time.localtime(seconds).tm_zone or "UTC"
    else:
        system.refuse("time", None, Unsupported("time", "the time zone is known of this system only"))
    utc = time.gmtime(seconds)
    return Time(
        _WEEKDAYS[utc.tm_wday],
        *utc[:6],
        seconds,
        f"{time.asctime(utc)} UTC",
        time.strftime("%Y-%m-%dT%H:%M:%SZ", utc),
        zone,
    )
