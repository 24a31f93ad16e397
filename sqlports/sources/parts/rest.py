"""rest: what /proc/PID/status tells beside ids and sizes that are asked for all the time (proc_pid_status(5))."""

from __future__ import annotations

import json
from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.parts.status import lines
from sqlports.sources.procfs import Unparsable

OF = "status"


class Rest(NamedTuple):
    """Sizes in bytes. `supplementary` is a JSON array of group ids, `umask` octal digits.

    `tracer` is the process that traces this one, `namespace_pid` its number in its own PID namespace.
    """

    peak_size: int | None = None
    swap_size: int | None = None
    shared_size: int | None = None
    tracer: int | None = None
    namespace_pid: int | None = None
    supplementary: str | None = None
    umask: str | None = None
    voluntary: int | None = None
    involuntary: int | None = None


NOTHING = Rest()


def read(place: Place) -> Rest:
    """The part."""
    return parse(place.part("status").data)


def parse(data: bytes | None) -> Rest:
    """The file's bytes. Lines that an older kernel, or a kernel thread, does not have are None. Raises Unparsable."""
    if data is None:
        return NOTHING
    found = lines(data)

    def number(name: bytes) -> int | None:
        words = found.get(name, b"").split()
        return int(words[-1]) if words else None

    def size(*names: bytes) -> int | None:
        values = [int(found[name].split()[0]) for name in names if name in found]
        return sum(values) * 1024 if values else None

    groups = found.get(b"Groups")
    try:
        return Rest(
            size(b"VmHWM"),
            size(b"VmSwap"),
            size(b"RssFile", b"RssShmem"),
            number(b"TracerPid") or None,
            number(b"NSpid"),
            None if groups is None else json.dumps([int(group) for group in groups.split()]),
            found[b"Umask"].decode() if b"Umask" in found else None,
            number(b"voluntary_ctxt_switches"),
            number(b"nonvoluntary_ctxt_switches"),
        )
    except (ValueError, IndexError):
        raise Unparsable("/proc/PID/status", data) from None
