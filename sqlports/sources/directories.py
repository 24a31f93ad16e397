"""The directories /proc/PID, held open while their files are read."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Callable

# More than a nested join keeps going back and forth between, far fewer than any limit on descriptors.
KEPT = 48

_READ = os.O_RDONLY | os.O_CLOEXEC
# Bytes to read at a time: as much as nearly every file has, what shows that it had no more, and what makes the rest quick.
_ENOUGH, _LITTLE, _MUCH = 1 << 14, 1 << 10, 1 << 18
# Files that the kernel gives whole to who has room: those that are one record (single_open of fs/seq_file.c), and cmdline.
_ONE_PIECE = frozenset(("cgroup", "cmdline", "comm", "io", "limits", "oom_score", "stat", "status", "wchan"))


class ProcessDirectories:
    """Reads a process's files through one descriptor of its directory, which goes dead with the process.

    So a new process that is given the number of an ended one is never taken for it. Only the last few directories are kept
    open; when one is opened again, the process's start tells whether it is still the same.
    """

    def __init__(self, proc: str, start_ticks: Callable[[bytes], int], ticks_now: Callable[[], float]) -> None:
        """`start_ticks` reads the start from the bytes of a `stat`; `ticks_now` is the present on the same clock."""
        self.proc = proc
        self.start_ticks = start_ticks
        self.ticks_now = ticks_now
        self._open: OrderedDict[int, int] = OrderedDict()
        self._first_seen: dict[int, float] = {}
        self._stats: dict[int, bytes] = {}

    def close(self) -> None:
        """Close what is held open."""
        while self._open:
            os.close(self._open.popitem()[1])

    __del__ = close

    def open(self, pid: int) -> int:
        """A descriptor of /proc/PID. Raises OSError; ProcessLookupError where the number is another process's by now."""
        directory = self._open.get(pid)
        if directory is not None:
            return directory
        directory = self._opened(pid)
        if pid not in self._first_seen:
            self._first_seen[pid] = self.ticks_now()
        elif self._is_given_anew(pid, directory):
            os.close(directory)
            raise ProcessLookupError(errno.ESRCH, "the process ended and its number was given to another")
        self._open[pid] = directory
        if len(self._open) > KEPT:
            os.close(self._open.popitem(last=False)[1])
        return directory

    def file(self, pid: int, name: str) -> bytes:
        """The whole of a file below /proc/PID. Raises OSError."""
        if name == "stat":
            return self._stat(pid)
        directory = self._open.get(pid)
        return _read(self.open(pid) if directory is None else directory, name)

    def link(self, pid: int, name: str) -> bytes:
        """What a link below /proc/PID says. Raises OSError."""
        try:
            return os.readlink(os.fsencode(name), dir_fd=self.open(pid))
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # So it may be told, once, of the link of a process that ends in this moment: it is gone when asked again.
            return os.readlink(os.fsencode(name), dir_fd=self.open(pid))

    def below(self, pid: int, name: str) -> int:
        """A descriptor of a directory below /proc/PID. Raises OSError."""
        return os.open(name, _READ | os.O_DIRECTORY, dir_fd=self.open(pid))

    def _opened(self, pid: int) -> int:
        return os.open(f"{self.proc}/{pid}", _READ | os.O_DIRECTORY)

    def _stat(self, pid: int) -> bytes:
        if pid in self._open or pid not in self._first_seen:
            data = _read(self.open(pid), "stat")
        else:
            # This file says itself whose it is: to open the directory again would be to read it twice.
            data = _read(None, f"{self.proc}/{pid}/stat")
            if self._is_another(pid, data):
                raise ProcessLookupError(errno.ESRCH, "the process ended and its number was given to another")
        self._stats.setdefault(pid, data)
        return data

    def _is_given_anew(self, pid: int, directory: int) -> bool:
        return self._is_another(pid, _read(directory, "stat"))

    def _is_another(self, pid: int, stat: bytes) -> bool:
        """Whether the process that has the number now is not the one that had it when it was first seen."""
        started = self.start_ticks(stat)
        known = self._stats.get(pid)
        return started > self._first_seen[pid] if known is None else started != self.start_ticks(known)


def _read(directory: int | None, name: str) -> bytes:
    file = os.open(name, _READ, dir_fd=directory)
    try:
        data = os.read(file, _ENOUGH)
        # What the kernel writes in one piece is whole when there was room for more; of the rest a short read is not the end.
        if name in _ONE_PIECE and len(data) < _ENOUGH:
            return data
        more = os.read(file, _LITTLE)
        return data + more + whole(file) if more else data
    finally:
        os.close(file)


def whole(file: int) -> bytes:
    """Read a descriptor to its end. Raises OSError."""
    parts = []
    while part := os.read(file, _MUCH):
        parts.append(part)
    return b"".join(parts)
