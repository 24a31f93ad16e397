"""status: name, ids and memory (proc_pid_status(5))."""

from __future__ import annotations

import re

from sqlports.sources.lazy import Lazy
from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable, text

_ESCAPED = re.compile(rb"\\([n\\])")


class Status(Lazy, bytes):
    """What /proc/PID/status tells: the file's bytes. Sizes in bytes; a kernel thread has none."""

    __slots__ = ()

    @property
    def data(self) -> bytes | None:
        """The file, of which other parts are made."""
        return self

    @property
    def name(self) -> str | None:
        """The name, with the line feeds and backslashes that the kernel writes out as two characters."""
        name = self[self.index(b"\t") + 1 : self.index(b"\n")]
        return text(_ESCAPED.sub(_unescaped, name) if b"\\" in name else name)

    @property
    def tgid(self) -> int | None:
        """The process's number."""
        return self._number(b"\nTgid:")

    @property
    def uid(self) -> int | None:
        """Real user id."""
        return self._number(b"\nUid:")

    @property
    def euid(self) -> int | None:
        """Effective user id."""
        return self._number(b"\nUid:", 1)

    @property
    def suid(self) -> int | None:
        """Saved user id."""
        return self._number(b"\nUid:", 2)

    @property
    def gid(self) -> int | None:
        """Real group id."""
        return self._number(b"\nGid:")

    @property
    def egid(self) -> int | None:
        """Effective group id."""
        return self._number(b"\nGid:", 1)

    @property
    def sgid(self) -> int | None:
        """Saved group id."""
        return self._number(b"\nGid:", 2)

    @property
    def wired_size(self) -> int | None:
        """Locked into RAM."""
        return self._size(b"\nVmLck:")

    @property
    def resident_size(self) -> int | None:
        """Held in RAM."""
        return self._size(b"\nVmRSS:")

    @property
    def total_size(self) -> int | None:
        """Virtual memory."""
        return self._size(b"\nVmSize:")

    def _number(self, line: bytes, place: int = 0) -> int:
        # The name has no line feeds, so lines are lines; of about sixty a few are wanted.
        start = self.find(line)
        try:
            return int(self[start + len(line) : self.index(b"\n", start + 1)].split(None, place + 1)[place])
        except (ValueError, IndexError):
            raise Unparsable("/proc/PID/status", bytes(self)) from None

    def _size(self, line: bytes) -> int | None:
        return self._number(line) * 1024 if self.find(line) >= 0 else None


NOTHING = Status.known()


def read(place: Place) -> Status:
    """The part. Raises OSError, Unparsable."""
    data = place.file("status")
    if b"\nVmRSS:" not in data and (heir := place.heir()):
        # The memory is that of the threads that go on.
        data += b"".join(line + b"\n" for line in heir.file("status").split(b"\n") if line.startswith((b"Vm", b"Rss")))
    return parse(data)


def parse(data: bytes) -> Status:
    """The file's bytes. Raises Unparsable, a field that is not there when it is asked for."""
    if not data.startswith(b"Name:\t") or b"\nTgid:" not in data:
        raise Unparsable("/proc/PID/status", data)
    return Status(data)


def _unescaped(found: re.Match[bytes]) -> bytes:
    return b"\n" if found[1] == b"n" else found[1]


def lines(data: bytes | None) -> dict[bytes, bytes]:
    """All lines by their names, for the parts that are made of the rest; none where the system has no such file."""
    return {name: value.strip() for name, _, value in (line.partition(b":") for line in (data or b"").split(b"\n"))}
