"""The parser of /proc/PID/fdinfo/FD (proc_pid_fdinfo(5)): bytes in, records out, no I/O.

The lines that every descriptor has are columns; what is particular to a kind is left as it came, for `details`.
"""

from __future__ import annotations

import json
import os
import re
import sys
from functools import lru_cache
from typing import NamedTuple

from sqlports.sources.procfs import Unparsable

# json.dumps makes one anew for every call that is not plain.
as_json = json.JSONEncoder(ensure_ascii=False).encode


class Fdinfo(NamedTuple):
    """The state of a descriptor.

    offset         position in bytes
    flags          names of open(2)'s flags, joined by '|'
    access         'r', 'w', 'rw'; None for O_PATH
    close_on_exec  1 or 0
    mount_id       the mount that it was opened on, or one of the kernel's own
    file_inode     the file's inode; None before Linux 5.14
    locks          the text of a JSON array of the locks that it holds; None for none
    rest           the lines that are not told above
    """

    offset: int | None = None
    flags: str | None = None
    access: str | None = None
    close_on_exec: int | None = None
    mount_id: int | None = None
    file_inode: int | None = None
    locks: str | None = None
    rest: bytes = b""


# Some of these differ between Linux's architectures; elsewhere only a Linux's files are read, taken for x86's.
_ON_LINUX = sys.platform == "linux"
_FLAGS = {
    0o100: "O_CREAT",
    0o200: "O_EXCL",
    0o400: "O_NOCTTY",
    0o1000: "O_TRUNC",
    0o2000: "O_APPEND",
    0o4000: "O_NONBLOCK",
    0o10000: "O_DSYNC",
    0o20000: "O_ASYNC",
    os.O_DIRECT if _ON_LINUX else 0o40000: "O_DIRECT",
    os.O_DIRECTORY if _ON_LINUX else 0o200000: "O_DIRECTORY",
    os.O_NOFOLLOW if _ON_LINUX else 0o400000: "O_NOFOLLOW",
    0o1000000: "O_NOATIME",
    0o2000000: "O_CLOEXEC",
    0o4000000: "O_SYNC",
    0o10000000: "O_PATH",
    0o20000000: "O_TMPFILE",
}
_O_CLOEXEC = 0o2000000
_O_PATH = 0o10000000
ACCESS = {0: "r", 1: "w", 2: "rw"}

_HEAD = re.compile(rb"pos:\s*(-?\d+)\nflags:\s*([0-7]+)\nmnt_id:\s*(\d+)(?:\nino:\s*(\d+))?(?:\n|$)")


def parse(data: bytes) -> Fdinfo:
    """The whole file. Raises Unparsable for one without position, flags and mount."""
    found = _HEAD.match(data)
    if found is None:
        raise Unparsable("/proc/PID/fdinfo/FD", data)
    offset, flags, mount, inode = found.groups()
    rest = data[found.end() :]
    locks, rest = _locks(rest) if b"lock:" in rest else (None, rest)
    return Fdinfo(int(offset), *_state(flags), int(mount), None if inode is None else int(inode), locks, rest)


def opened(offset: int, flags: int) -> Fdinfo:
    """What a position and the flags alone tell."""
    return Fdinfo(offset, *_state(b"%o" % flags))


@lru_cache(256)
def _state(octal: bytes) -> tuple[str | None, str | None, int]:
    """The names of flags, the access, and whether it is closed on exec."""
    flags = int(octal, 8)
    names = "|".join(name for bit, name in _FLAGS.items() if flags & bit) or None
    return names, None if flags & _O_PATH else ACCESS.get(flags & 3), int(bool(flags & _O_CLOEXEC))


# As in /proc/locks (proc_locks(5)): number, type, kind, mode, pid, device and inode of the file, first byte, last byte.
_LOCK = re.compile(rb"lock:\s*\d+: (\w+) +(\*?\w+\*?) +(\w+) +(-?\d+) +\S+ +(\d+) +(\d+|EOF) *$")


def _locks(rest: bytes) -> tuple[str | None, bytes]:
    """The locks as JSON, and the other lines; a lock that is written otherwise is one of them."""
    locks: list[dict[str, object]] = []
    others = []
    for line in rest.split(b"\n"):
        found = _LOCK.match(line)
        if found is None:
            others.append(line)
            continue
        kind, state, mode, pid, start, end = (word.decode() for word in found.groups())
        lock: dict[str, object] = {"type": kind, "mode": mode, "mandatory": state == "MANDATORY"}
        if kind in ("LEASE", "DELEG", "LAYOUT"):
            lock["state"] = state
        # A lock of the open file itself is nobody's, and of a process that is not seen from here there is no number.
        lock["pid"] = int(pid) if int(pid) > 0 else None
        lock.update(start=int(start), end=None if end == "EOF" else int(end))
        locks.append(lock)
    return as_json(locks) if locks else None, b"\n".join(others)


_REGISTERED = re.compile(rb"^ *\d+: socket:\[(\d+)\]$", re.MULTILINE)
_IN_FLIGHT = re.compile(rb"^scm_fds:\s*(\d+)", re.MULTILINE)


def registered_sockets(data: bytes) -> list[int]:
    """Of an io_uring: the inodes of the sockets among its registered files (io_uring_register(2))."""
    return [int(inode) for inode in _REGISTERED.findall(data)]


def in_flight(data: bytes) -> int:
    """Of a unix socket: how many descriptors wait in it to be received; older kernels do not tell."""
    found = _IN_FLIGHT.search(data)
    return int(found[1]) if found else 0
