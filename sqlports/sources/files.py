"""A file under one of its names, as the system has it or as a process sees it."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from sqlports.sources.procfs import text

if TYPE_CHECKING:
    from sqlports.sources.file_search import Files
    from sqlports.sources.rooted import Root

T = TypeVar("T")

# As scan_errors names it.
FILES = "files"

TYPES = {
    stat.S_IFREG: "regular",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "symlink",
    stat.S_IFBLK: "block",
    stat.S_IFCHR: "character",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


class FileStat(NamedTuple):
    """What stat(2) tells of the file that a path leads to; of the link where it leads nowhere. Times in seconds since 1970.

    `mode` are the permissions in octal ('4755'), `symlink` is 1 or 0, `place` tells the file from every other: (device, inode).
    """

    inode: int | None = None
    uid: int | None = None
    gid: int | None = None
    mode: str | None = None
    device: int | None = None
    size: int | None = None
    block_size: int | None = None
    atime: int | None = None
    mtime: int | None = None
    ctime: int | None = None
    hard_links: int | None = None
    symlink: int | None = None
    type: str | None = None
    place: tuple[int, int] | None = None


class Target(NamedTuple):
    """What a link says; None for what is no link."""

    path: str | None = None


class Birth(NamedTuple):
    """When a file was made, in seconds since 1970."""

    time: int | None = None


class File:
    """A file under one of its names. Its parts are read when they are asked for; `ended` says that it is gone by then."""

    __slots__ = ("_birth", "_files", "_stat", "_target", "directory", "ended", "path", "pid_with_namespace", "raw")

    def __init__(self, files: Files, pid: int, raw: bytes, path: str, directory: str) -> None:
        self._files = files
        self.pid_with_namespace = pid
        self.raw = raw
        self.path = path
        self.directory = directory
        self.ended = False
        self._stat: FileStat | None = None
        self._target: Target | None = None
        self._birth: Birth | None = None

    @property
    def filename(self) -> str:
        """The last component; '.' behind a slash at the end."""
        head, name = os.path.split(self.path)
        return name or ("." if head != self.path else self.path)

    @property
    def mount_namespace_id(self) -> str | None:
        """The mount namespace of the process whose root is looked below."""
        return self._files.mount_namespaces.get(self.pid_with_namespace)

    @property
    def stat(self) -> FileStat:
        """What the system says of it."""
        if self._stat is None:
            self._files.system.reads["file"] += 1
            self._stat = self._asked(self._read_stat) or FileStat()
        return self._stat

    @property
    def target(self) -> Target:
        """Where it leads, if it is a link."""
        if self._target is None:
            found = self._asked(lambda root: text(root.target(self.raw))) if self.stat.symlink else None
            self._target = Target(found)
        return self._target

    @property
    def birth(self) -> Birth:
        """When it was made."""
        if self._birth is None:
            follow = self.stat.type != "symlink"
            self._birth = Birth(self._asked(lambda root: root.born(self.raw, follow)))
        return self._birth

    def _read_stat(self, root: Root) -> FileStat:
        found = root.status(self.raw, False)
        link = stat.S_ISLNK(found.st_mode)
        if link:
            try:
                found = root.status(self.raw, True)
            except PermissionError as error:
                self._files.system.refuse(FILES, None, error)
                return FileStat(symlink=1, place=(found.st_dev, found.st_ino))
            except OSError:
                pass  # of one that leads nowhere the row is the link's own
        return FileStat(
            inode=found.st_ino,
            uid=found.st_uid,
            gid=found.st_gid,
            mode=f"{stat.S_IMODE(found.st_mode):04o}",
            device=getattr(found, "st_rdev", None),
            size=found.st_size,
            block_size=getattr(found, "st_blksize", None),
            atime=int(found.st_atime),
            mtime=int(found.st_mtime),
            ctime=int(found.st_ctime),
            hard_links=found.st_nlink,
            symlink=int(link),
            type=TYPES.get(stat.S_IFMT(found.st_mode), "unknown"),
            place=(found.st_dev, found.st_ino),
        )

    def _asked(self, ask: Callable[[Root], T]) -> T | None:
        answer, self.ended = self._files.asked(self.pid_with_namespace, ask, FILES)
        return answer


def parent(path: str) -> str:
    """The directory of a path as osquery has it: '/etc' of '/etc/hosts' and of '/etc/', '' of '/'."""
    head, _ = os.path.split(path)
    return "" if head == path else head
