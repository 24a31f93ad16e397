"""The parts of a process that psutil answers in one go (portable.py has the others). All raise psutil.Error."""

from __future__ import annotations

import os
import sys

import psutil

from sqlports.sources.parts.descriptors import Descriptors
from sqlports.sources.parts.exe import Exe
from sqlports.sources.parts.io import Io
from sqlports.sources.parts.limits import Limits
from sqlports.sources.parts.rest import Rest
from sqlports.sources.parts.scheduling import Scheduling
from sqlports.sources.psutil_rows import text


def io(process: psutil.Process) -> Io:
    """What was read and written."""
    # Only on Linux is it about storage, and there psutil leaves out what was dropped before it was written.
    if sys.platform != "linux":
        return Io()
    counts = process.io_counters()
    return Io(
        counts.read_chars, counts.write_chars, counts.read_count, counts.write_count, counts.read_bytes, counts.write_bytes
    )


def rest(process: psutil.Process) -> Rest:
    """Shared memory and switches."""
    # macOS and Windows count switches of either kind together, and call them voluntary.
    if sys.platform != "linux":
        return Rest()
    memory, switches = process.memory_info(), process.num_ctx_switches()
    return Rest(
        shared_size=memory.shared if memory.vms else None, voluntary=switches.voluntary, involuntary=switches.involuntary
    )


def limits(process: psutil.Process) -> Limits:
    """How many descriptors may be open."""
    if sys.platform != "linux":
        return Limits()
    soft, hard = (None if limit == psutil.RLIM_INFINITY else limit for limit in process.rlimit(psutil.RLIMIT_NOFILE))
    return Limits(soft, hard)


def scheduling(process: psutil.Process) -> Scheduling:
    """The processor it last ran on."""
    return Scheduling(processor=process.cpu_num()) if sys.platform == "linux" else Scheduling()


def exe(process: psutil.Process) -> Exe:
    """The executable."""
    path = process.exe()
    # Windows has names that are no paths: 'Registry', 'MemCompression'.
    return Exe(text(path)) if os.path.isabs(path) else Exe()


def descriptors(process: psutil.Process) -> Descriptors:
    """How many are open."""
    count = getattr(process, "num_handles" if sys.platform == "win32" else "num_fds")
    # Of its kernel's own process macOS tells nothing, and psutil says 0.
    return Descriptors(count()) if process.pid or os.name != "posix" else Descriptors()
