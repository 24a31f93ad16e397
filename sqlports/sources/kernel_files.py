"""The parsers of what the kernel tells of itself as a whole: bytes in, records out, no I/O (proc(5))."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeVar

from sqlports.sources.procfs import Unparsable, text

T = TypeVar("T")

# What SQLite takes for an integer.
_GREATEST = (1 << 63) - 1
# ipc(5): flags in the mode of a segment, linux/shm.h.
_DESTROYED, _LOCKED = 0o1000, 0o2000


class Kernel(NamedTuple):
    """The running kernel: its release, and what it was booted with; '' for what its arguments do not name."""

    version: str | None = None
    arguments: str | None = None
    path: str | None = None
    device: str | None = None


class Uptime(NamedTuple):
    """The time since boot, sleep included, in whole seconds, and split up."""

    total_seconds: int
    days: int
    hours: int
    minutes: int
    seconds: int


class Load(NamedTuple):
    """The average number of tasks that ran or waited, over a period: '1m'."""

    period: str
    average: str


class Memory(NamedTuple):
    """The memory of the machine in bytes; None for what this kernel does not tell."""

    memory_total: int | None
    memory_free: int | None
    memory_available: int | None
    buffers: int | None
    cached: int | None
    swap_cached: int | None
    active: int | None
    inactive: int | None
    swap_total: int | None
    swap_free: int | None


class Module(NamedTuple):
    """A module of the kernel. `address` is None where the kernel hides it."""

    name: str
    size: int
    used_by: str
    status: str
    address: str | None


class Segment(NamedTuple):
    """A System V shared memory segment. Times in seconds since 1970, size in bytes; `locked` is 1 or 0."""

    shmid: int
    owner_uid: int
    creator_uid: int
    pid: int
    creator_pid: int
    atime: int
    dtime: int
    ctime: int
    permissions: str
    size: int
    attached: int
    status: str
    locked: int


class Cpus(NamedTuple):
    """The processors: brand, model and microcode as the kernel prints them; None for what it does not tell."""

    brand: str | None = None
    model: str | None = None
    microcode: str | None = None
    logical: int | None = None
    physical: int | None = None
    sockets: int | None = None


def release(data: bytes) -> str:
    """The release, of /proc/version: 'Linux version 6.1.0-9-amd64 (…'. Raises Unparsable."""
    words = data.split()
    if len(words) < 3 or words[1] != b"version":
        raise Unparsable("/proc/version", data)
    return text(words[2])


def arguments(data: bytes, version: str | None) -> Kernel:
    """A kernel of that release, booted with these arguments, /proc/cmdline."""
    named = {b"BOOT_IMAGE": b"", b"root": b""}
    others = []
    for word in data.split():
        name, equals, value = word.partition(b"=")
        if equals and name in named:
            named[name] = value
        else:
            others.append(word)
    return Kernel(version, text(b" ".join(others)), text(named[b"BOOT_IMAGE"]), text(named[b"root"]))


def uptime(data: bytes) -> Uptime:
    """/proc/uptime. Raises Unparsable."""
    return _read("/proc/uptime", data, lambda: _uptime(_number(data.split()[0].split(b".")[0])))


def _uptime(total: int) -> Uptime:
    minutes, seconds = divmod(total, 60)
    hours, minutes = divmod(minutes, 60)
    return Uptime(total, *divmod(hours, 24), minutes, seconds)


def load(data: bytes) -> list[Load]:
    """/proc/loadavg, by six decimals. Raises Unparsable."""
    averages = _read("/proc/loadavg", data, lambda: [float(word) for word in data.split()[:3]])
    if len(averages) < 3:
        raise Unparsable("/proc/loadavg", data)
    return [Load(period, f"{average:.6f}") for period, average in zip(("1m", "5m", "15m"), averages, strict=True)]


_MEMORY = (
    b"MemTotal", b"MemFree", b"MemAvailable", b"Buffers", b"Cached", b"SwapCached", b"Active", b"Inactive", b"SwapTotal",
    b"SwapFree",
)  # fmt: skip


def memory(data: bytes) -> Memory:
    """/proc/meminfo, which counts in KiB. Raises Unparsable."""
    lines = (line.partition(b":") for line in data.splitlines())
    told = {name: value for name, _, value in lines if name in _MEMORY}
    return _read("/proc/meminfo", data, lambda: Memory(*(_bytes(told.get(name)) for name in _MEMORY)))


def _bytes(told: bytes | None) -> int | None:
    return None if told is None else _number(told.split()[0], 1024)


def modules(data: bytes) -> list[Module]:
    """/proc/modules, in its order. Raises Unparsable."""
    return _read("/proc/modules", data, lambda: [_module(line.split(b" ")) for line in data.split(b"\n") if line])


def _module(words: list[bytes]) -> Module:
    name, size, _, users, status, address = words[:6]
    # Who may not read kernel addresses is shown zeros (kptr_restrict of proc_sys_kernel(5)).
    shown = text(address) if address.removeprefix(b"0x").strip(b"0") else None
    return Module(text(name), _number(size), text(users.rstrip(b",")), text(status), shown)


def segments(data: bytes) -> list[Segment]:
    """/proc/sysvipc/shm, in its order. Raises Unparsable."""
    _, *lines = data.split(b"\n")
    return _read("/proc/sysvipc/shm", data, lambda: [_segment(line.split()) for line in lines if line])


def _segment(words: list[bytes]) -> Segment:
    mode = int(words[2], 8)
    shmid, size, creator, last, attached, uid, _, creator_uid, _, *times = map(_number, [words[1], *words[3:14]])
    atime, dtime, ctime = times
    return Segment(
        shmid,
        uid,
        creator_uid,
        last,
        creator,
        atime,
        dtime,
        ctime,
        f"{mode & 0o7777:04o}",
        size,
        attached,
        "dest" if mode & _DESTROYED else "",
        int(bool(mode & _LOCKED)),
    )


def cpus(data: bytes) -> Cpus:
    """/proc/cpuinfo, whose fields differ by architecture. Of several processors the last one's model and microcode."""
    told: dict[bytes, bytes] = {}
    logical, package = 0, None
    packages: set[bytes] = set()
    cores: set[tuple[bytes | None, bytes]] = set()
    for line in data.split(b"\n"):
        name, _, value = line.partition(b":")
        name, value = name.strip(), value.strip()
        told[name] = value
        if name == b"processor" or name.startswith(b"processor "):
            logical, package = logical + 1, None
        elif name == b"physical id":
            package = value
            packages.add(value)
        elif name == b"core id":
            cores.add((package, value))
    brand, model, microcode = (text(told[name]) if name in told else None for name in (b"model name", b"model", b"microcode"))
    return Cpus(brand, model, microcode, logical or None, len(cores) or logical or None, len(packages) or None)


def _read(source: str, data: bytes, parse: Callable[[], T]) -> T:
    try:
        return parse()
    except (ValueError, IndexError):
        raise Unparsable(source, data) from None


def _number(digits: bytes, times: int = 1) -> int:
    """A number that SQLite takes. Raises ValueError."""
    if not digits.isdigit() or len(digits) > 20 or (number := int(digits) * times) > _GREATEST:
        raise ValueError("no number")
    return number
