"""Threads with a table of descriptors of their own (CLONE_FILES of unshare(2)): what the process lists is not all it holds."""

from __future__ import annotations

import errno
import os
from functools import cache
from typing import Any

from sqlports.sources import descriptors

# kcmp(2): whether two threads share their table of descriptors.
_KCMP_FILES = 2
_KCMP = {"x86_64": 312, "i686": 349, "armv7l": 378, "ppc64le": 354, "s390x": 343}
_GENERIC_KCMP = 272
_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def private_tables(process: int, pid: int) -> dict[int, dict[int, str | None]]:
    """What the descriptors of such threads link to, by thread and number. Raises OSError.

    `process` is a descriptor of /proc/PID. The descriptors of a process of one thread are looked at no further.
    """
    # A directory has a link more for each directory in it, and two of its own: so many threads.
    if os.stat("task", dir_fd=process).st_nlink <= 3:
        return {}
    tasks = os.open("task", _DIRECTORY, dir_fd=process)
    try:
        tables = [pid]
        found: dict[int, dict[int, str | None]] = {}
        for tid in sorted(int(name) for name in os.listdir(tasks)):
            if tid != pid and not any(_share(tasks, table, tid) for table in tables):
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


def _share(tasks: int, one: int, other: int) -> bool:
    """Whether two threads have one table. Where that may not be asked they are taken for what nearly all are."""
    answer: int = _library().syscall(_KCMP.get(os.uname().machine, _GENERIC_KCMP), one, other, _KCMP_FILES, 0, 0)
    if answer >= 0:
        return answer == 0
    import ctypes

    if ctypes.get_errno() != errno.ENOSYS:
        return True
    # A kernel without kcmp: what differs in its numbers is not one.
    return _links(tasks, one).keys() == _links(tasks, other).keys()


@cache
def _library() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
