"""What there is to know of a process or a thread, a file for each thing asked: `process.limits` is what limits.py reads.

Such a module is a part. It has

    NOTHING       what stands for the part where it could not be read: a record of Nones, or no rows
    read(place)   the part, from the /proc of a Linux; raises OSError, and Unparsable for what the kernel does not write
    SOURCE        the file, as scan_errors names it, where that is not called as the part is
    OF            the part that it is made of, where it reads no file itself

so that to add a part is to add a file. A column reaches into it by its path: "limits.open_files".
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from sqlports.sources.records import Unsupported

if TYPE_CHECKING:
    from sqlports.sources.linux import Linux
    from sqlports.sources.subjects import Task


class Part(Protocol):
    """A module of this package."""

    NOTHING: Any

    def read(self, place: Place) -> Any:
        """The part. Raises OSError."""
        ...


@cache
def part(name: str) -> Part:
    """The part of this name."""
    found: Any = importlib.import_module(f"{__name__}.{name}")
    return found  # type: ignore[no-any-return] # a module is what its functions make it


@cache
def source(name: str) -> str:
    """The file that a part is read from, below /proc/PID."""
    return str(getattr(part(name), "SOURCE", of(name) or name))


def of(name: str) -> str | None:
    """The part that a part is made of; None for one that is read."""
    return getattr(part(name), "OF", None)


class Missing(Unsupported):
    """A file that this kernel has of no process."""


class Place:
    """Where /proc tells of one process, or of one thread of it.

    subject   who it is about
    proc      the backend, which reads; `proc.live` is whether this /proc is the running kernel's and no copy
    prefix    '' or 'task/TID/', below /proc/PID
    """

    __slots__ = ("prefix", "proc", "subject")

    def __init__(self, proc: Linux, subject: Task, prefix: str) -> None:
        self.proc = proc
        self.subject = subject
        self.prefix = prefix

    def file(self, name: str) -> bytes:
        """The whole of a file. Raises OSError, Missing."""
        try:
            return self.proc.contents(self.subject.pid, self.prefix + name)
        except FileNotFoundError:
            if name == "stat":
                raise
            self.file("stat")  # which tells whether it is only this file that is not there
            raise Missing(f"/proc/PID/{name}", "the kernel has no such file") from None

    def of_memory(self, name: str) -> bytes:
        """A file that tells of the memory; b'' of a kernel thread and a zombie, which have none. Raises OSError."""
        try:
            data = self.file(name)
        except ProcessLookupError:
            # Some kernels, 6.18 for one, say of what has no memory that there is no such process.
            self.file("stat")
            data = b""
        except PermissionError:
            # All may be kept from us of what has none; this tells.
            if self.heir() is None and self.part("status").total_size is not None:
                raise
            data = b""
        heir = None if data else self.heir()
        return heir.file(name) if heir else data

    def link(self, name: str) -> bytes | None:
        """Where a link leads; None where it leads nowhere, as a kernel thread's and a zombie's do. Raises OSError."""
        try:
            return self.proc.link(self.subject.pid, self.prefix + name)
        except FileNotFoundError:
            self.file("stat")  # which tells whether it is there at all
            return None
        except PermissionError:
            self.file("stat")  # a process that is gone in this very moment is said to be closed
            raise

    @property
    def directory(self) -> int:
        """A descriptor of /proc/PID. Raises OSError."""
        return self.proc.directory(self.subject.pid)

    def part(self, name: str) -> Any:
        """Another part of the same subject."""
        return getattr(self.subject, name)

    def heir(self) -> Place | None:
        """A living thread of a process whose first one ended: that has the memory and the files still (pthread_exit(3))."""
        tid = None if self.prefix else self.proc.heir(self.subject.pid)
        return None if tid is None else Place(self.proc, self.subject, f"task/{tid}/")
