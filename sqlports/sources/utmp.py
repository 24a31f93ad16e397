"""The parser of utmp(5), the list of who is logged in: bytes in, records out, no I/O."""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from sqlports.sources.procfs import text

# utmp.h. Most machines keep the time in 32 bits, as their 32-bit programs have it; others, 64-bit ARM, in 64.
_SHORT = struct.Struct("=h2xi32s4s32s256s4xiii36x")
_LONG = struct.Struct("=h2xi32s4s32s256s4xqqq40x")
_LONG_MACHINES = {"aarch64", "aarch64_be"}

# In osquery's words.
TYPES = (
    "empty", "runlevel", "boot_time", "new_time", "old_time", "init", "login", "user", "dead", "accounting",
)  # fmt: skip


class Login(NamedTuple):
    """A record.

    type  'user' for a login, 'login' for a terminal that waits for one, 'dead' for one that ended; 'boot_time', 'runlevel', …
    user  its name; '~' of the kernel's own
    tty   the terminal, as named in /dev
    host  where the login came from; the kernel's version at boot
    time  in seconds since 1970
    pid   of the process that was logged in with
    """

    type: str
    user: str
    tty: str
    host: str
    time: int
    pid: int


def parse(data: bytes, machine: str = "") -> tuple[list[Login], int]:
    """The records of a file, and how many bytes at its end are none: another may be writing there, or it was cut.

    `machine` is the one that wrote it, as uname(1) has it; without, this one. Where only one length of records fits the
    file's, it is that.
    """
    is_long = (machine or _machine()) in _LONG_MACHINES
    fitting = [layout for layout in (_SHORT, _LONG) if len(data) % layout.size == 0]
    [layout] = fitting if len(fitting) == 1 else [_LONG if is_long else _SHORT]
    rest = len(data) % layout.size
    found = []
    for kind, pid, line, _, user, host, _, seconds, _ in layout.iter_unpack(data[: len(data) - rest]):
        name = TYPES[kind] if 0 <= kind < len(TYPES) else "unknown"
        found.append(Login(name, _field(user), _field(line), _field(host), seconds, pid))
    return found, rest


def _machine() -> str:
    return os.uname().machine if hasattr(os, "uname") else ""


def _field(data: bytes) -> str:
    """A text of fixed length: to the first NUL, or all of it."""
    return text(data.split(b"\0", 1)[0])
