"""The directories /proc/PID, held open while their files are read."""

from __future__ import annotations

import errno
import os
from collections import OrderedDict
from collections.abc import Callable

# More than a nested join keeps going back and forth between, far fewer than any limit on descriptors.
KEPT = 48


class ProcessDirectories:
    """Reads a process's files through one descriptor of its directory, which goes dead with the process.

    So a new process that is given the number of an ended one is never taken for it. Only the last few directories are kept
    open; when one is opened again, `is_younger`, given the bytes of its `stat`, says whether it is somebody else's now.
    """

    def __init__(self, proc: str, is_younger: Callable[[bytes], bool]) -> None:
        self.proc = proc
        self.is_younger = is_younger
        self._open: OrderedDict[int, int] = OrderedDict()
        self._known: set[int] = set()

    def __del__(self) -> None:
        for directory in self._open.values():
            os.close(directory)

    def open(self, pid: int) -> int:
        """A descriptor of /proc/PID. Raises OSError; ProcessLookupError where the number is another process's by now."""
        directory = self._open.get(pid)
        if directory is not None:
            return directory
        directory = os.open(f"{self.proc}/{pid}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        if pid in self._known and self.is_younger(_read(directory, "stat")):
            os.close(directory)
            raise ProcessLookupError(errno.ESRCH, "the process ended and its number was given to another")
        self._known.add(pid)
        self._open[pid] = directory
        if len(self._open) > KEPT:
            os.close(self._open.popitem(last=False)[1])
        return directory

    def file(self, pid: int, name: str) -> bytes:
        """The whole of a file below /proc/PID. Raises OSError."""
        return _read(self.open(pid), name)

    def is_named(self, pid: int, path: str, status: os.stat_result) -> bool:
        """Whether the path, as the process sees it, is still this file."""
        try:
            named = os.stat("root" + path, dir_fd=self.open(pid), follow_symlinks=False)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (status.st_dev, status.st_ino)


def _read(directory: int, name: str) -> bytes:
    file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        return whole(file)
    finally:
        os.close(file)


def whole(file: int) -> bytes:
    """Read a descriptor to its end; in /proc a short read is not the end. Raises OSError."""
    parts = [os.read(file, 1 << 14)]
    while parts[-1]:
        parts.append(os.read(file, 1 << 18))
    return b"".join(parts)
