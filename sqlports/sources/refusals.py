"""What a look could not read: counted, and told by scan_errors."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sqlports.sources.records import Unsupported

PERMISSION, ENDED = "permission", "ended"

# How the system says that a process, or a descriptor of one, is there no more.
GONE = frozenset((errno.ENOENT, errno.ESRCH))


# Not the system's refusals but our own want of descriptors or memory: no look can go on without.
_OURS = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOMEM))


class Refusal(NamedTuple):
    """Something that could not be read: its source ('/proc/PID/fd', 'sock_diag tcp'), about whom, why, and how often."""

    source: str
    pid: int | None
    errno: int | None
    reason: str
    times: int


class Refusals:
    """The refusals of one look, counted."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, int | None, int | None, str]] = Counter()

    def add(self, source: str, pid: int | None, error: Exception, times: int = 1) -> None:
        """Count one. Raises the error where it is no refusal."""
        if isinstance(error, OSError) and error.errno in _OURS:
            raise error
        if isinstance(error, Unsupported):
            self._counts[error.source, pid, None, error.reason] += times
            return
        number = error.errno if isinstance(error, OSError) else None
        denied = number in (errno.EACCES, errno.EPERM)
        reason = PERMISSION if denied else os.strerror(number) if number else str(error)
        self._counts[source, pid, number, reason] += times

    def ended(self, source: str, pid: int | None, number: int | None) -> None:
        """Count a part that was lost because its process, or its socket, ended after other parts had been read."""
        self._counts[source, pid, number, ENDED] += 1

    def __iter__(self) -> Iterator[Refusal]:
        return (Refusal(*key, times) for key, times in sorted(self._counts.items(), key=str))
