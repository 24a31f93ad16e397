"""A copy of another system's /proc, such as a backup has: files that anybody may have put there in place of the kernel's.

There nothing is read that a link leads to, nothing is waited for, and nothing is read without end.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import TypeVar

from sqlports.sources import calls, rooted, small_files
from sqlports.sources.directories import ProcessDirectories
from sqlports.sources.rooted import Below

T = TypeVar("T")

_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_PATH = getattr(os, "O_PATH", os.O_RDONLY)


class Copy(Below):
    """The files below a directory, no link among them followed. It owns the descriptor that it is given.

    Paths are relative. Every method raises OSError: ELOOP or ENOTDIR for a link, EISDIR or ENOTSUP for what is no regular
    file, EFBIG for what is too long; what `missing` says where there is no such directory.
    """

    def __init__(self, root: int, missing: OSError | None = None) -> None:
        super().__init__(root)
        self.missing = missing

    def descriptor(self, path: bytes, flags: int, follow: bool = False) -> int:
        """Open a file. Whatever `follow` says, a link is not."""
        if self.missing is not None:
            raise OSError(self.missing.errno, self.missing.strerror, self.missing.filename)
        flags |= _NOFOLLOW | _CLOEXEC
        try:
            return calls.openat2(self.root, path, flags, calls.RESOLVE_BENEATH | calls.RESOLVE_NO_SYMLINKS)
        except OSError as error:
            if error.errno not in rooted.NO_OPENAT2:
                raise
        return _step_by_step(self.root, path, flags)

    def directory(self, path: str) -> int:
        """A descriptor of a directory."""
        return self.descriptor(os.fsencode(path), rooted.READ | _DIRECTORY)

    def file(self, path: str) -> bytes:
        """The whole of a file."""
        file = self.descriptor(os.fsencode(path), rooted.READ)
        try:
            return small_files.whole(file)
        finally:
            os.close(file)

    def names(self, path: str = ".") -> list[str]:
        """The names in a directory."""
        return self._in(path, os.listdir)

    def link(self, path: str) -> bytes:
        """What a link says."""
        above, _, name = path.rpartition("/")
        return self._in(above or ".", lambda directory: os.readlink(os.fsencode(name), dir_fd=directory))

    def has(self, path: str) -> bool:
        """Whether there is a directory."""
        try:
            return self._in(path, lambda directory: True)
        except OSError:
            return False

    def _in(self, path: str, act: Callable[[int], T]) -> T:
        directory = self.directory(path)
        try:
            return act(directory)
        finally:
            os.close(directory)


class CopiedDirectories(ProcessDirectories):
    """Reads the files of a process in a copy, where no number is ever given to another process."""

    def __init__(self, copy: Copy) -> None:
        super().__init__("", lambda data: 0, lambda: 0.0)
        self._copy = copy

    def file(self, pid: int, name: str) -> bytes:
        """The whole of a file below /proc/PID. Raises OSError."""
        return self._copy.file(f"{pid}/{name}")

    def link(self, pid: int, name: str) -> bytes:
        """What a link below /proc/PID says. Raises OSError."""
        return self._copy.link(f"{pid}/{name}")

    def below(self, pid: int, name: str) -> int:
        """A descriptor of a directory below /proc/PID. Raises OSError."""
        return self._copy.directory(f"{pid}/{name}")

    def _opened(self, pid: int) -> int:
        return self._copy.directory(str(pid))

    def _is_given_anew(self, pid: int, directory: int) -> bool:
        return False


def proc(root: str) -> Below:
    """The directory proc of the system below a root, which no link leads out of: a `Copy`, where the kernel does not make it.

    One that is not there is a copy too, which says so.
    """
    try:
        below = rooted.directory(root)
        try:
            found = below.descriptor(b"/proc", rooted.READ | _DIRECTORY)
        finally:
            below.close()
    except OSError as error:
        return Copy(-1, OSError(error.errno, error.strerror, os.path.join(root, "proc")))
    return Below(found) if calls.file_system(found) == calls.PROC_SUPER_MAGIC else Copy(found)


def _step_by_step(root: int, path: bytes, flags: int) -> int:
    """Open a file a component at a time, for kernels that lack openat2(2). Raises OSError."""
    *above, last = [name for name in path.split(b"/") if name not in (b"", b".")] or [b"."]
    if b".." in (*above, last):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
    here = os.open(b".", _PATH | _DIRECTORY | _CLOEXEC, dir_fd=root)
    try:
        for name in above:
            nearer = os.open(name, _PATH | _DIRECTORY | _NOFOLLOW | _CLOEXEC, dir_fd=here)
            os.close(here)
            here = nearer
        return os.open(last, flags | _NOFOLLOW, dir_fd=here)
    finally:
        os.close(here)
