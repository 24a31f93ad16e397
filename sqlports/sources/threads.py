"""Threads that went their own way: with a table of descriptors, or a network namespace, that is not their process's."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from typing import Any

from sqlports.sources import descriptors

# kcmp(2): whether two threads share their table of descriptors.
_KCMP_FILES = 2
_KCMP = {"x86_64": 312, "i686": 349, "armv7l": 378, "ppc64le": 354, "s390x": 343}
_GENERIC_KCMP = 272
# In a copy of a /proc it may be a link to anywhere.
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def is_alone(process: int) -> bool:
    """Whether a process, by a descriptor of /proc/PID, has one thread. Raises OSError."""
    # A directory has a link more for each directory in it, and two of its own.
    return os.stat("task", dir_fd=process).st_nlink <= 3


def of(process: int) -> list[int]:
    """The threads of a process, by a descriptor of /proc/PID, ascending. Raises OSError."""
    tasks = os.open("task", _DIRECTORY, dir_fd=process)
    try:
        return sorted(int(name) for name in os.listdir(tasks) if name.isdecimal())
    finally:
        os.close(tasks)


def heir(process: int, pid: int) -> int | None:
    """The first living thread of a process whose first one ended, which is a zombie then. Raises OSError."""
    if _state(process, pid) != b"Z":
        return None
    return next((tid for tid in of(process) if _state(process, tid) not in (b"Z", b"X", None)), None)


def _state(process: int, tid: int) -> bytes | None:
    """The state of a thread, a letter; None for one that is gone."""
    try:
        file = os.open(f"task/{tid}/stat", os.O_RDONLY | os.O_CLOEXEC, dir_fd=process)
    except FileNotFoundError:
        return None
    try:
        data = os.read(file, 4096)
    except ProcessLookupError:
        return None
    finally:
        os.close(file)
    return data[data.rfind(b")") + 2 :][:1]


def namespaces(process: int) -> list[int]:
    """The threads that are in another network namespace than the first one is (setns(2)). Raises OSError."""
    tasks = os.open("task", _DIRECTORY, dir_fd=process)
    try:
        found: dict[str, int] = {}
        for tid in sorted(map(int, os.listdir(tasks))):
            with suppress(FileNotFoundError):
                found.setdefault(os.readlink(f"{tid}/ns/net", dir_fd=tasks), tid)
        return list(found.values())[1:]
    finally:
        os.close(tasks)


def private_tables(process: int, pid: int, here: bool) -> dict[int, dict[int, str | None]]:
    """What the descriptors of threads with a table of their own link to, by thread and number. Raises OSError.

    That is CLONE_FILES of unshare(2). `here` tells that the numbers are those of this program's PID namespace.
    """
    tasks = os.open("task", _DIRECTORY, dir_fd=process)
    try:
        tables = [pid]
        found: dict[int, dict[int, str | None]] = {}
        for tid in sorted(int(name) for name in os.listdir(tasks)):
            if tid != pid and not any(_share(tasks, table, tid, here) for table in tables):
                tables.append(tid)
                links = _links(tasks, tid)
                if links:
                    found[tid] = links
        return found
    finally:
        os.close(tasks)


def _links(tasks: int, tid: int) -> dict[int, str | None]:
    """The descriptors of a thread; none of one that ended meanwhile."""
    try:
        directory = os.open(f"{tid}/fd", _DIRECTORY, dir_fd=tasks)
    except OSError:
        return {}
    try:
        return descriptors.links(directory)
    finally:
        os.close(directory)


def _share(tasks: int, one: int, other: int, here: bool) -> bool:
    """Whether two threads have one table. Where that may not be asked, tables with other numbers are not one."""
    if here:
        answer: int = _library().syscall(_KCMP.get(os.uname().machine, _GENERIC_KCMP), one, other, _KCMP_FILES, 0, 0)
        if answer >= 0:
            return answer == 0
    return _links(tasks, one).keys() == _links(tasks, other).keys()


@cache
def _library() -> Any:
    import ctypes

    return ctypes.CDLL(None)
