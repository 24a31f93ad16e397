"""The parsers of /proc: bytes in, records out, no I/O. Each is named after the file it reads (proc(5))."""

from __future__ import annotations

import json
import os
import re
import sys
from typing import NamedTuple

from sqlports.errors import SourceError
from sqlports.sources.records import Cmdline, Fdinfo, Io, PortSettings, Stat, Status


class Unparsable(SourceError):
    """A file does not have the form the kernel documents. A bug here, or no /proc: `source` says which file."""

    def __init__(self, source: str, data: bytes) -> None:
        super().__init__(f"{source} cannot be parsed: {data[:80]!r}")
        self.source = source


class Clock(NamedTuple):
    """What it takes to turn a process's start ticks into a time of day.

    hz         ticks per second (sysconf(_SC_CLK_TCK))
    boot_time  btime of /proc/stat: whole seconds since 1970, the same in every run
    booted     the precise moment of the same, seconds since 1970
    """

    hz: int
    boot_time: int
    booted: float


def text(data: bytes) -> str:
    """Bytes as text: UTF-8, with what is not written as `\\xff`, so that nothing is lost and nothing fails."""
    return data.decode("utf-8", "backslashreplace")


def stat(data: bytes, clock: Clock, now: float | None = None) -> Stat:
    """/proc/PID/stat. The name may hold spaces and parentheses: it ends at the last one."""
    opening, closing = data.find(b"("), data.rfind(b")")
    fields = data[closing + 2 :].split()
    if opening < 0 or len(fields) < 20:
        raise Unparsable("/proc/PID/stat", data)
    tick = 1000 // clock.hz if 1000 % clock.hz == 0 else 1000 / clock.hz
    start = int(fields[19])
    started = round(clock.booted + start / clock.hz, 2)
    return Stat(
        comm=text(data[opening + 1 : closing]),
        state=text(fields[0]),
        parent=int(fields[1]),
        pgroup=int(fields[2]),
        session=int(fields[3]),
        tty=tty(int(fields[4])),
        nice=int(fields[16]),
        threads=int(fields[17]),
        user_time=int(int(fields[11]) * tick),
        system_time=int(int(fields[12]) * tick),
        start_time=clock.boot_time + start // clock.hz,
        started=started,
        elapsed_time=None if now is None else max(0, int(now - started)),
        start_ticks=start,
    )


def start_ticks(data: bytes) -> int:
    """Field 22 of /proc/PID/stat alone: when the process started, in ticks since boot."""
    try:
        return int(data[data.rfind(b")") + 2 :].split(None, 20)[19])
    except (IndexError, ValueError):
        raise Unparsable("/proc/PID/stat", data) from None


def tty(number: int) -> str | None:
    """A terminal's device number as its name in /dev (kernel: Documentation/admin-guide/devices.txt); None for no terminal."""
    if number == 0:
        return None
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    known = {(5, 1): "console", (5, 0): "tty", (5, 2): "ptmx"}
    by_major = {188: f"ttyUSB{minor}", 166: f"ttyACM{minor}", 204: f"ttyAMA{minor - 64}", 229: f"hvc{minor}"}
    return known.get((major, minor)) or by_major.get(major) or f"{major}:{minor}"


def status(data: bytes) -> Status:
    """/proc/PID/status. A kernel thread has no memory lines. The name is escaped by the kernel, so lines are lines."""
    # Six lines of about sixty: found by name, in half the time of taking all apart.
    found = {}
    for name in _STATUS_LINES:
        start = data.find(name)
        if start >= 0:
            found[name] = data[start + len(name) : data.find(b"\n", start + 1)].split()
    try:
        uid, euid, suid = (int(number) for number in found[b"\nUid:"][:3])
        gid, egid, sgid = (int(number) for number in found[b"\nGid:"][:3])
        lock, rss, size = (int(found[name][0]) * 1024 if name in found else None for name in _STATUS_LINES[3:])
        tgid = int(found[b"\nTgid:"][0])
    except (KeyError, ValueError, IndexError):
        raise Unparsable("/proc/PID/status", data) from None
    return Status(uid, euid, suid, gid, egid, sgid, lock, rss, size, tgid)


_STATUS_LINES = (b"\nTgid:", b"\nUid:", b"\nGid:", b"\nVmLck:", b"\nVmRSS:", b"\nVmSize:")


def io(data: bytes) -> Io:
    """/proc/PID/io."""
    try:
        values = {name: int(value) for name, _, value in (line.partition(b":") for line in data.splitlines())}
        return Io(values[b"read_bytes"], values[b"write_bytes"] - values[b"cancelled_write_bytes"])
    except (KeyError, ValueError):
        raise Unparsable("/proc/PID/io", data) from None


def cmdline(data: bytes) -> Cmdline:
    """/proc/PID/cmdline: empty for a kernel thread or zombie. A process may overwrite it with anything."""
    if not data:
        return Cmdline()
    arguments = [text(argument) for argument in data.removesuffix(b"\0").split(b"\0")]
    return Cmdline(" ".join(arguments).rstrip(" "), _JSON.encode(arguments))


# json.dumps makes one anew for every call that is not plain.
_JSON = json.JSONEncoder(ensure_ascii=False)


def cgroup(data: bytes) -> str | None:
    """/proc/PID/cgroup (cgroups(7)): the path in the unified hierarchy, or where that is not used, systemd's, or the first."""
    paths: dict[bytes, bytes] = {}
    for line in data.split(b"\n"):
        _, colon, rest = line.partition(b":")
        controllers, second, path = rest.partition(b":")
        if colon and second:
            paths[controllers] = path
        elif line:
            raise Unparsable("/proc/PID/cgroup", data)
    if not paths:
        return None
    unified = paths.get(b"")
    if unified is not None and (unified != b"/" or len(paths) == 1):
        return text(unified)
    return text(paths.get(b"name=systemd") or next(iter(paths.values())))


_FLAGS = {
    0o100: "O_CREAT",
    0o200: "O_EXCL",
    0o400: "O_NOCTTY",
    0o1000: "O_TRUNC",
    0o2000: "O_APPEND",
    0o4000: "O_NONBLOCK",
    0o10000: "O_DSYNC",
    0o20000: "O_ASYNC",
    # These differ between Linux's architectures; elsewhere only a Linux's files are read, taken for x86's.
    os.O_DIRECT if sys.platform == "linux" else 0o40000: "O_DIRECT",
    os.O_DIRECTORY if sys.platform == "linux" else 0o200000: "O_DIRECTORY",
    os.O_NOFOLLOW if sys.platform == "linux" else 0o400000: "O_NOFOLLOW",
    0o1000000: "O_NOATIME",
    0o2000000: "O_CLOEXEC",
    0o4000000: "O_SYNC",
    0o10000000: "O_PATH",
    0o20000000: "O_TMPFILE",
}
_O_PATH = 0o10000000
_ACCESS = {0: "r", 1: "w", 2: "rw"}


def fdinfo(data: bytes) -> tuple[Fdinfo, int]:
    """/proc/PID/fdinfo/FD: the record and the mount id. Type-specific lines below the common ones are left alone."""
    values: dict[bytes, bytes] = {}
    for line in data.split(b"\n")[:4]:
        name, _, value = line.partition(b":")
        values[name] = value.strip()
    try:
        flags = int(values[b"flags"], 8)
        offset = int(values[b"pos"])
        mount = int(values[b"mnt_id"])
    except (KeyError, ValueError):
        raise Unparsable("/proc/PID/fdinfo/FD", data) from None
    names = "|".join(name for bit, name in _FLAGS.items() if flags & bit) or None
    return Fdinfo(offset, names, None if flags & _O_PATH else _ACCESS.get(flags & 3)), mount


def mountinfo(data: bytes) -> dict[int, str]:
    """/proc/PID/mountinfo: the type of the file system under each mount id."""
    mounts = {}
    for line in _lines(data):
        before, dash, after = line.partition(b" - ")
        if not dash:
            raise Unparsable("/proc/PID/mountinfo", data)
        mounts[int(before.split(None, 1)[0])] = text(after.split(None, 1)[0])
    return mounts


_REGISTERED = re.compile(rb"^ *\d+: socket:\[(\d+)\]$", re.MULTILINE)
_IN_FLIGHT = re.compile(rb"^scm_fds:\s*(\d+)", re.MULTILINE)


def registered_sockets(data: bytes) -> list[int]:
    """The fdinfo of an io_uring: the inodes of the sockets among its registered files (io_uring_register(2))."""
    return [int(inode) for inode in _REGISTERED.findall(data)]


def in_flight(data: bytes) -> int:
    """The fdinfo of a unix socket: how many descriptors wait in it to be received; older kernels do not tell."""
    found = _IN_FLIGHT.search(data)
    return int(found[1]) if found else 0


_OBJECT = re.compile(r"(socket|pipe|mnt|net|pid|user|uts|ipc|cgroup|time):\[(\d+)\]$")
_ANON = re.compile(r"anon_inode:\[?([^\]]+?)\]?$")
_ANON_TYPES = {
    "eventpoll": "epoll",
    "bpf-map": "bpf",
    "bpf-prog": "bpf",
    "bpf_link": "bpf",
    "bpf_iter": "bpf",
    "bpf-btf": "bpf",
    "perf_event": "perf",
}


# What the kernel adds to the name of a removed file; a name may also end so by itself.
DELETED = " (deleted)"


def descriptor(link: str) -> tuple[str | None, int | None]:
    """What the text of a link in /proc/PID/fd says: the type (None for a path) and the kernel object's inode, if it has one."""
    if link.startswith("/"):
        return ("memfd", None) if link.startswith("/memfd:") and link.endswith(DELETED) else (None, None)
    found = _OBJECT.match(link)
    if found:
        return (found[1] if found[1] in ("socket", "pipe") else "namespace"), int(found[2])
    anonymous = _ANON.match(link)
    if anonymous:
        kind = anonymous[1]
        return _ANON_TYPES.get(kind, kind), None
    return None, None


def ranges(data: bytes) -> tuple[tuple[int, int], ...]:
    """A list of ports like `8080,9000-9010` of /proc/sys/net/ipv4/ip_local_reserved_ports."""
    try:
        parts = [part.split(b"-") for part in data.strip().split(b",") if part]
        return tuple((int(part[0]), int(part[-1])) for part in parts)
    except ValueError:
        raise Unparsable("/proc/sys/net/ipv4/ip_local_reserved_ports", data) from None


def port_settings(port_range: bytes | None, reserved: bytes | None, unprivileged: bytes | None) -> PortSettings:
    """The three files of /proc/sys/net/ipv4 that govern ports; None for one that is not there."""
    low, high = (int(number) for number in port_range.split()) if port_range else (0, 0)
    return PortSettings(
        (low, high) if port_range else None,
        ranges(reserved) if reserved else (),
        int(unprivileged) if unprivileged else None,
    )


def mounted_namespaces(data: bytes) -> list[tuple[int, bytes]]:
    """/proc/PID/mountinfo: the inodes of the network namespaces that are mounted, and where."""
    found = []
    for line in _lines(data):
        if b" - nsfs " in line:
            root, path = line.split(b" ", 5)[3:5]
            if root.startswith(b"net:["):
                found.append((int(root[5:-1]), _unescaped(path)))
    return found


def _unescaped(path: bytes) -> bytes:
    """A path of mountinfo: blanks and backslashes are written as three octal digits."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes((int(found[1], 8),)), path)


def cgroup_mounts(data: bytes) -> tuple[list[bytes], bool]:
    """/proc/PID/mountinfo: where the unified hierarchy is mounted, and whether there are others besides (cgroups(7))."""
    unified, others = [], False
    for line in _lines(data):
        if b" - cgroup2 " in line:
            unified.append(_unescaped(line.split(b" ", 5)[4]))
        elif b" - cgroup " in line:
            others = True
    return unified, others


def _lines(data: bytes) -> list[bytes]:
    """Lines as the kernel ends them: a path may have other ends of lines in it, but no line feed and no blank."""
    return [line for line in data.split(b"\n") if line]
