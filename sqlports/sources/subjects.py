"""The rows that tables give out: a process and a handle, each reading its parts when they are first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlports.sources import procfs
from sqlports.sources.records import Fdinfo, What

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot


class Process:
    """A process. Its parts (`stat`, `status`, `exe`, …) are records; `ended` turns true when it is found to be gone."""

    def __init__(self, pid: int, system: Snapshot) -> None:
        self.pid = pid
        self.system = system
        self.ended = False

    def __getattr__(self, group: str) -> Any:
        """A part that was not read yet. It becomes an attribute, so that this is not called for it again."""
        if group.startswith("_"):
            raise AttributeError(group)
        record = self.system.read(self, group)
        setattr(self, group, record)
        return record


class Handle:
    """An open descriptor of a process, or of a thread of it that has a table of its own."""

    __slots__ = ("_fdinfo", "_what", "ended", "fd", "link", "pid", "system", "tid")

    def __init__(self, pid: int, fd: int, link: str | None, system: Snapshot, tid: int | None = None) -> None:
        self.pid = pid
        self.tid = tid
        self.fd = fd
        self.link = link
        self.system = system
        self.ended = False
        self._what: What | None = None
        self._fdinfo: Fdinfo | None = None

    @property
    def inode(self) -> int | None:
        """The inode of the kernel object, for what has one of its own."""
        return None if self.link is None else procfs.descriptor(self.link)[1]

    @property
    def target(self) -> str | None:
        """The path or the kernel's name for it; that a name was removed is no part of it."""
        link = self.link
        return link if link is None or not link.endswith(procfs.DELETED) else self.what.target or link

    @property
    def deleted(self) -> int | None:
        """Whether its name was removed; None for what has none."""
        link = self.link
        if link is None or not link.startswith("/"):
            return None
        return self.what.deleted if link.endswith(procfs.DELETED) else 0

    @property
    def what(self) -> What:
        """What it stands for."""
        if self._what is None:
            self._what = self.system.what(self)
        return self._what

    @property
    def fdinfo(self) -> Fdinfo:
        """Its offset, flags and access."""
        if self._fdinfo is None:
            self._fdinfo = self.system.fdinfo(self)
        return self._fdinfo
