"""io: what was read and written (proc_pid_io(5))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable


class Io(NamedTuple):
    """Bytes that went through system calls, how many calls, and bytes that came from or went to storage.

    `cancelled_write_bytes` were to be written and never reached the disk; `written` is without them.
    """

    rchar: int | None = None
    wchar: int | None = None
    syscr: int | None = None
    syscw: int | None = None
    read_bytes: int | None = None
    write_bytes: int | None = None
    cancelled_write_bytes: int | None = None
    written: int | None = None


NOTHING = Io()


def read(place: Place) -> Io:
    """The part. Raises OSError, Unparsable."""
    return parse(place.file("io"))


def parse(data: bytes) -> Io:
    """The file's bytes. Raises Unparsable."""
    try:
        values = {name: int(value) for name, _, value in (line.partition(b":") for line in data.splitlines())}
        counts = [values[name.encode()] for name in Io._fields[:-1]]
    except (KeyError, ValueError):
        raise Unparsable("/proc/PID/io", data) from None
    return Io._make([*counts, values[b"write_bytes"] - values[b"cancelled_write_bytes"]])
