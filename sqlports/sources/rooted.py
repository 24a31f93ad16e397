"""Looking at files below a root: the system's own, another machine's that is mounted somewhere, a container's.

What a container has in its file system it chose itself. A link of its may lead to '/' or to '../../..': below a root these
lead to that root and never out of it, as for a process that lives there (RESOLVE_IN_ROOT of openat2(2)).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from sqlports.sources import calls

T = TypeVar("T")

_PATH = getattr(os, "O_PATH", os.O_RDONLY)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
# To read a file and never to wait: not for a writer of a FIFO, not for a lease of another process, not at a modem.
READ = os.O_RDONLY | _CLOEXEC | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)

# How openat2(2) is said to be missing; a filter of system calls says EPERM for what it does not know. EAGAIN: something was
# being renamed.
NO_OPENAT2 = (errno.ENOSYS, errno.EPERM, errno.EAGAIN)

# As many links as the kernel follows in one path (path_resolution(7)).
_LINKS = 40
# PATH_MAX of limits.h, less what a separator and the NUL take.
_LONGEST = 4000


class Name(NamedTuple):
    """An entry of a directory. `kind` is 'd' for a directory, 'f' a regular file, 'l' a link, '' all else and unknown."""

    name: bytes
    kind: str


class Root:
    """The file system as this process sees it. Every method raises OSError.

    Paths are bytes and absolute.
    mount_namespace  the inode of the mount namespace, as text; None where it was not asked for or is not told
    """

    mount_namespace: str | None = None

    def status(self, path: bytes, follow: bool) -> os.stat_result:
        """stat(2), or lstat(2)."""
        return self._at(path, lambda rest, at: os.stat(rest, dir_fd=at, follow_symlinks=follow))

    def target(self, path: bytes) -> bytes:
        """What a link says."""
        return self._at(path, lambda rest, at: os.readlink(rest, dir_fd=at))

    def born(self, path: bytes, follow: bool) -> int | None:
        """When the file was made, in seconds since 1970; None where the file system does not know."""
        return self._at(path, lambda rest, at: calls.born(rest, at, follow))

    def open(self, path: bytes) -> int:
        """A descriptor to read the file by; reading it never waits for another process."""
        return self._at(path, lambda rest, at: os.open(rest, READ, dir_fd=at))

    def listing(self, path: bytes) -> list[Name]:
        """The entries of a directory, by name."""
        if os.scandir not in os.supports_fd:
            return _names(path)
        directory = self._at(path, lambda rest, at: os.open(rest, READ | _DIRECTORY, dir_fd=at))
        try:
            return _names(directory)
        finally:
            os.close(directory)

    def close(self) -> None:
        """Close what is held open."""

    def _at(self, path: bytes, act: Callable[[bytes, int | None], T]) -> T:
        """Do something at a path, from a nearer directory where the kernel finds it too long."""
        try:
            return act(path, None)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG or len(path) < _LONGEST or os.open not in os.supports_dir_fd:
                raise
        at: int | None = None
        try:
            while len(path) > _LONGEST:
                end = path.rfind(b"/", 1, _LONGEST)
                if end < 0:
                    raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
                nearer = os.open(path[:end], _PATH | _DIRECTORY | _CLOEXEC, dir_fd=at)
                if at is not None:
                    os.close(at)
                at, path = nearer, path[end:].lstrip(b"/") or b"."
            return act(path, at)
        finally:
            if at is not None:
                os.close(at)


class Below(Root):
    """The file system below a directory, which no link and no '..' leads out of.

    It owns the descriptor that it is given.
    """

    def __init__(self, root: int, mount_namespace: str | None = None) -> None:
        self.root = root
        self.mount_namespace = mount_namespace
        self._openat2 = True

    def close(self) -> None:
        """Close the directory."""
        if self.root >= 0:
            os.close(self.root)
            self.root = -1

    __del__ = close

    def status(self, path: bytes, follow: bool) -> os.stat_result:
        return self._with(path, _PATH, follow, os.fstat)

    def target(self, path: bytes) -> bytes:
        return self._with(path, _PATH, False, lambda file: os.readlink(b"", dir_fd=file))

    def born(self, path: bytes, follow: bool) -> int | None:
        return self._with(path, _PATH, follow, lambda file: calls.born(b"", file, False))

    def open(self, path: bytes) -> int:
        return self.descriptor(path, READ)

    def listing(self, path: bytes) -> list[Name]:
        return self._with(path, READ | _DIRECTORY, True, _names)

    def descriptor(self, path: bytes, flags: int, follow: bool = True) -> int:
        """Open a file below the root."""
        flags |= _CLOEXEC | (0 if follow else _NOFOLLOW)
        if self._openat2 and len(path) < _LONGEST:
            try:
                return calls.openat2(self.root, path, flags)
            except OSError as error:
                if error.errno not in NO_OPENAT2:
                    raise
                self._openat2 = error.errno != errno.ENOSYS
        return walk(self.root, path, flags, follow)

    def _with(self, path: bytes, flags: int, follow: bool, act: Callable[[int], T]) -> T:
        file = self.descriptor(path, flags, follow)
        try:
            return act(file)
        finally:
            os.close(file)


def walk(root: int, path: bytes, flags: int, follow: bool = True) -> int:
    """Open a file below a root, a component at a time: what openat2(2) does, for kernels that lack it. Raises OSError.

    '..' is never asked of the kernel, which would take it from where a directory is by now: the names up to there are walked
    again from the root. So nothing that is renamed meanwhile leads out.
    """
    if b"\0" in path:
        raise ValueError("embedded null byte")
    left = path.split(b"/")[::-1]
    # A name with a slash behind it means what a link leads to, and that is a directory.
    follow = follow or path.endswith((b"/", b"/."))
    flags |= _DIRECTORY if path.endswith((b"/", b"/.", b"/..")) else 0
    names: list[bytes] = []
    links = 0
    here = _step(root, b".")
    try:
        while left:
            name = left.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                here, names = _again(root, here, names[:-1]), names[:-1]
                continue
            last = not any(rest not in (b"", b".") for rest in left)
            target = None if last and not follow else _link(name, here)
            if target is not None:
                links += 1
                if links > _LINKS:
                    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
                if last and target.endswith(b"/"):
                    flags |= _DIRECTORY
                if target.startswith(b"/"):
                    here, names = _again(root, here, []), []
                left += target.split(b"/")[::-1]
                continue
            if last:
                return os.open(name, flags | _NOFOLLOW | _CLOEXEC, dir_fd=here)
            nearer = _step(here, name)
            os.close(here)
            here = nearer
            names.append(name)
        return os.open(b".", flags | _CLOEXEC, dir_fd=here)
    finally:
        os.close(here)


def _again(root: int, before: int, names: list[bytes]) -> int:
    """The directory that these names lead to, none of them a link; the one that was open before is closed."""
    here = _step(root, b".")
    try:
        for name in names:
            nearer = _step(here, name)
            os.close(here)
            here = nearer
    except OSError:
        os.close(here)
        raise
    os.close(before)
    return here


def _step(directory: int, name: bytes) -> int:
    return os.open(name, _PATH | _DIRECTORY | _NOFOLLOW | _CLOEXEC, dir_fd=directory)


def _link(name: bytes, directory: int) -> bytes | None:
    """What a link says; None for what is none."""
    try:
        return os.readlink(name, dir_fd=directory)
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def of_process(process: int, system: str) -> Below:
    """The root of a process, given a descriptor of its /proc/PID and the root below which that is. Raises OSError."""
    # A link of the kernel's leads there by itself. A copy of a /proc has links like others.
    if calls.file_system(process) == calls.PROC_SUPER_MAGIC:
        return Below(os.open("root", _PATH | _DIRECTORY | _CLOEXEC, dir_fd=process), _mount_namespace(process))
    below = directory(system)
    try:
        target = os.readlink(b"root", dir_fd=process)
        return Below(below.descriptor(target, _PATH | _DIRECTORY), _mount_namespace(process))
    finally:
        below.close()


def directory(path: str) -> Below:
    """The root that lies at a path. Raises OSError."""
    return Below(os.open(path, _PATH | _DIRECTORY | _CLOEXEC))


def _mount_namespace(process: int) -> str | None:
    try:
        return str(os.stat("ns/mnt", dir_fd=process).st_ino)
    except OSError:
        return None


def _names(directory: int | bytes) -> list[Name]:
    with os.scandir(directory) as entries:
        return sorted(Name(os.fsencode(entry.name), _kind(entry)) for entry in entries)


def _kind(entry: os.DirEntry[str] | os.DirEntry[bytes]) -> str:
    try:
        if entry.is_symlink():
            return "l"
        if entry.is_dir(follow_symlinks=False):
            return "d"
        return "f" if entry.is_file(follow_symlinks=False) else ""
    except OSError:
        return ""
