"""An open descriptor as a row: its parts are read when a column wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sqlports.sources import links
from sqlports.sources.fdinfo import Fdinfo
from sqlports.sources.links import DELETED
from sqlports.sources.records import File, Mounted, Peer, What

if TYPE_CHECKING:
    from sqlports.sources.details import Detail
    from sqlports.sources.snapshot import Snapshot

T = TypeVar("T")


class Handle:
    """An open descriptor of a process, or of a thread of it that has a table of its own.

    link   what its link in /proc says; None where that may not be read
    ended  turns true when it is found to be closed
    """

    __slots__ = ("_detail", "_fdinfo", "_file", "_mount", "_peer", "_what", "ended", "fd", "link", "pid", "system", "tid")

    def __init__(self, pid: int, fd: int, link: str | None, system: Snapshot, tid: int | None = None) -> None:
        self.pid = pid
        self.tid = tid
        self.fd = fd
        self.link = link
        self.system = system
        self.ended = False
        self._what: What | None = None
        self._fdinfo: Fdinfo | None = None
        self._file: File | None = None
        self._mount: Mounted | None = None
        self._detail: Detail | None = None
        self._peer: Peer | None = None

    @property
    def is_path(self) -> bool:
        """Whether it leads to something with a path."""
        return self.link is not None and self.link.startswith("/")

    @property
    def inode(self) -> int | None:
        """The inode of the kernel object, for what has one of its own."""
        return None if self.link is None else links.inode(self.link)

    @property
    def target(self) -> str | None:
        """The path or the kernel's name for it; that a name was removed is no part of it."""
        link = self.link
        return link if link is None or not link.endswith(DELETED) else self.what.target or link

    @property
    def deleted(self) -> int | None:
        """Whether its name was removed; None for what has none."""
        link = self.link
        if link is None or not link.startswith("/"):
            return None
        return self.what.deleted if link.endswith(DELETED) or links.loose(link) else 0

    @property
    def what(self) -> What:
        """What it stands for."""
        if self._what is None:
            self._what = self._read("/proc/PID/fd/FD", What(), self.system.backend.what)
        return self._what

    @property
    def fdinfo(self) -> Fdinfo:
        """Its offset, flags, access, locks, and what is particular to it, unread."""
        if self._fdinfo is None:
            system = self.system
            system.reads["fdinfo"] += 1
            self._fdinfo = self._read(system.backend.source("fdinfo"), Fdinfo(), system.backend.fdinfo)
        return self._fdinfo

    @property
    def file_inode(self) -> int | None:
        """The inode of what has a path."""
        return self.fdinfo.file_inode if self.is_path else None

    @property
    def mount(self) -> Mounted:
        """The file system that its file is on."""
        if self._mount is None:
            self._mount = self._read("/proc/PID/mountinfo", Mounted(), self.system.backend.mounted)
        return self._mount

    @property
    def file(self) -> File:
        """What the file system says of its file."""
        if self._file is None:
            self.system.reads["stat of a file"] += 1
            self._file = self._read("/proc/PID/fd/FD", File(), self.system.backend.file)
        return self._file

    @property
    def detail(self) -> Detail:
        """What is particular to its kind."""
        if self._detail is None:
            from sqlports.sources import details

            self._detail = details.of(self)
        return self._detail

    @property
    def peer(self) -> Peer:
        """Who has the other end."""
        if self._peer is None:
            from sqlports.sources import peers

            self._peer = peers.of(self)
        return self._peer

    @property
    def terminals(self) -> str | None:
        """Of an open /dev/ptmx: the device of the pseudo-terminals that belong to it."""
        return self._read("/proc/PID/mountinfo", None, self.system.backend.terminals)

    def _read(self, source: str, nothing: T, read: Callable[[Handle], T]) -> T:
        return self.system.of_handle(self, source, nothing, read)
