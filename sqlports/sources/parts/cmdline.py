"""cmdline: the arguments (proc_pid_cmdline(5))."""

from __future__ import annotations

import json

from sqlports.sources.lazy import Lazy
from sqlports.sources.parts import Place
from sqlports.sources.procfs import text

# json.dumps makes one anew for every call that is not plain.
_JSON = json.JSONEncoder(ensure_ascii=False)


class Cmdline(Lazy, bytes):
    """The arguments: the file's bytes. Fields are None for a kernel thread."""

    __slots__ = ()

    @property
    def text(self) -> str | None:
        """Joined by spaces."""
        return text(self.removesuffix(b"\0").replace(b"\0", b" ")).rstrip(" ")

    @property
    def argv(self) -> str | None:
        """The text of a JSON array."""
        return _JSON.encode([text(argument) for argument in self.removesuffix(b"\0").split(b"\0")])


NOTHING = Cmdline.known()


def read(place: Place) -> Cmdline:
    """The part. Raises OSError."""
    data = place.file("cmdline")
    if not data and (heir := place.heir()):
        data = heir.file("cmdline")
    return parse(data)


def parse(data: bytes) -> Cmdline:
    """The file's bytes: empty for a kernel thread or zombie. A process may overwrite it with anything."""
    return Cmdline(data) if data else NOTHING
