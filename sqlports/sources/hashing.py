"""Digests of files: one pass over each file, once in a look, whatever its names and however often it is joined."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.sources import calls

if TYPE_CHECKING:
    from sqlports.sources.files import File
    from sqlports.sources.rooted import Root
    from sqlports.sources.snapshot import Snapshot

ALGORITHMS = ("md5", "sha1", "sha256")
CHUNK = 1 << 20

# As scan_errors names it.
CONTENTS = "contents of files"

# linux/magic.h
_PROC, _TRACING = 0x9FA0, (0x74726163, 0x64626720)

Digests = dict[str, str | None]


class Digest(NamedTuple):
    """A digest in hexadecimal."""

    hex: str | None = None


class Hashed:
    """A regular file, and its digests when they are asked for."""

    __slots__ = ("_digests", "_file", "_system", "_wanted")

    def __init__(self, file: File, system: Snapshot, wanted: frozenset[str]) -> None:
        """`wanted` are the algorithms that the statement may ask for: all are computed with the first."""
        self._file = file
        self._system = system
        self._wanted = wanted
        self._digests: Digests | None = None

    @property
    def path(self) -> str:
        """Its path, as it was asked for or found."""
        return self._file.path

    @property
    def directory(self) -> str:
        """The directory of that."""
        return self._file.directory

    @property
    def pid_with_namespace(self) -> int:
        """The process below whose root it was looked for; 0 for none."""
        return self._file.pid_with_namespace

    @property
    def mount_namespace_id(self) -> str | None:
        """The mount namespace of that process."""
        return self._file.mount_namespace_id

    @property
    def md5(self) -> Digest:
        """RFC 1321."""
        return self._digest("md5")

    @property
    def sha1(self) -> Digest:
        """FIPS 180-4, 160 bits."""
        return self._digest("sha1")

    @property
    def sha256(self) -> Digest:
        """FIPS 180-4, 256 bits."""
        return self._digest("sha256")

    def _digest(self, algorithm: str) -> Digest:
        if self._digests is None or algorithm not in self._digests:
            self._digests = digests(self._system, self._file, self._wanted | {algorithm})
        return Digest(self._digests[algorithm])


def hashes(system: Snapshot, files: Iterable[File], wanted: frozenset[str]) -> Iterator[Hashed]:
    """Of these files the regular ones, through links too, and links that lead where one may not look."""
    return (Hashed(file, system, wanted) for file in files if file.stat.type == "regular" or _is_closed(file))


def _is_closed(file: File) -> bool:
    return file.stat.type is None and bool(file.stat.symlink)


def digests(system: Snapshot, file: File, wanted: frozenset[str]) -> Digests:
    """The digests of a file by algorithm; None, and counted, where it cannot be read."""
    # The file, not its name: a program has links, and is seen below many roots.
    known: Digests = system.memo(("hash", file.stat.place), dict)
    missing = tuple(algorithm for algorithm in ALGORITHMS if algorithm in wanted and algorithm not in known)
    if not missing:
        return known
    key = ("hash", file.pid_with_namespace, file.raw, missing)
    return {**known, **system.memo(key, lambda: _computed(system, file, missing))}


def _computed(system: Snapshot, file: File, algorithms: tuple[str, ...]) -> Digests:
    system.reads["hash"] += 1
    pid, path = file.pid_with_namespace, file.raw
    found, is_gone = system.files.asked(pid, lambda root: _read(root, path, algorithms, system), CONTENTS)
    if is_gone:
        system.lost(CONTENTS)
    if found is None:
        return dict.fromkeys(algorithms)
    # What was opened may be another file by now than what had the name before.
    place, computed = found
    known: Digests = system.memo(("hash", place), dict)
    known.update(computed)
    return computed


def _read(root: Root, path: bytes, algorithms: tuple[str, ...], system: Snapshot) -> tuple[tuple[int, int], Digests]:
    """Read a file once, through all these algorithms; which it was, (device, inode), and its digests. Raises OSError."""
    with open(root.open(path), "rb", buffering=0) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            # It was a regular file a moment ago.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        if not status.st_size and _is_taken_away(file.fileno(), status.st_ino):
            raise OSError(errno.EPERM, "what it says would be taken from whoever it is for")
        makers = [_maker(algorithm, system) for algorithm in algorithms]
        buffer = memoryview(bytearray(CHUNK))
        read = 0
        # A file that grows while it is read would have no end: it is taken as long as it was. In /proc all are 0 bytes long.
        while (size := status.st_size or os.fstat(file.fileno()).st_size) == 0 or read < size:
            system.check()
            part = file.readinto(buffer[: min(CHUNK, size - read) if size else CHUNK])
            if part is None:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            if not part:
                break
            read += part
            for maker in makers:
                if maker is not None:
                    maker.update(buffer[:part])
        found = {name: maker and maker.hexdigest() for name, maker in zip(algorithms, makers, strict=True)}
        return (status.st_dev, status.st_ino), found


def _is_taken_away(file: int, inode: int) -> bool:
    """Whether a file says everything once only, to the first who reads, under whatever name: /proc/kmsg, a trace_pipe."""
    kind = calls.file_system(file)
    if kind != _PROC:
        return kind in _TRACING
    try:
        # It has the same number wherever a /proc is mounted.
        return inode == os.stat("/proc/kmsg").st_ino
    except OSError:
        return False


def _maker(algorithm: str, system: Snapshot) -> Any:
    """What computes a digest; None where this Python is built without, which is counted."""
    try:
        return hashlib.new(algorithm, usedforsecurity=False)
    except ValueError as error:
        system.refuse(f"{algorithm} of files", None, error)
        return None
