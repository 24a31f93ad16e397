"""What is particular to a kind of descriptor: the lines of its fdinfo (proc_pid_fdinfo(5)) as a dictionary, no I/O.

What a kind is known to have gets a name of its own here. Every other line `key: value` is kept under its key, and what is no
such line, or not as it should be, under "lines": so nothing is lost that another kernel tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlports.sources.kernel_names import (
    BPF_MAPS,
    BPF_PROGRAMS,
    CLOCKS,
    EPOLL,
    FANOTIFY,
    FANOTIFY_INIT,
    FANOTIFY_MARK,
    INOTIFY,
    TIMER,
    joined,
    signals,
)
from sqlports.sources.procfs import text
from sqlports.sources.ring_kind import ring

Details = dict[str, object]
# What a value stands for; raises ValueError for one that is not as it should be.
Meaning = Callable[[bytes], Details]


def parse(kind: str | None, rest: bytes) -> Details:
    """The lines that only this kind has; {} for none."""
    lines = [line for line in rest.split(b"\n") if line]
    found: Details = {}
    if lines:
        reader = _READERS.get(kind or "")
        if reader is not None:
            lines = reader(lines, found)
        if lines:
            _keep(lines, found)
    return found


# A key may have blanks: "settime flags". A number is one as the kernel writes it, so that "007" stays as it is.
_LINE = re.compile(rb"([A-Za-z][\w .-]*):\s*(.*)", re.DOTALL)
_NUMBER = re.compile(rb"-?(?:0|[1-9]\d{0,18})")


def _keep(lines: list[bytes], found: Details) -> None:
    """Add what nothing is known about."""
    unkeyed = []
    for line in lines:
        match = _LINE.fullmatch(line)
        key = text(match[1]) if match else ""
        if match is None or key in found:
            unkeyed.append(text(line))
            continue
        value = match[2].rstrip()
        found[key] = int(value) if _NUMBER.fullmatch(value) else text(value)
    if unkeyed:
        found["lines"] = unkeyed


class _Fields:
    """The reader of a kind that has a line for each value."""

    def __init__(self, meanings: dict[bytes, Meaning]) -> None:
        self.meanings = meanings

    def __call__(self, lines: list[bytes], found: Details) -> list[bytes]:
        """Add what the lines say; those that are left over are returned."""
        left = []
        for line in lines:
            key, _, value = line.partition(b":")
            meaning = self.meanings.get(key)
            try:
                if meaning is None:
                    raise ValueError
                found.update(meaning(value.strip()))
            except ValueError:
                left.append(line)
        return left


class _Entries:
    """The reader of a kind that has a line for each of its entries: they become a list under a key, if there are any."""

    def __init__(self, key: str, form: bytes, meaning: Callable[[dict[str, bytes]], Details]) -> None:
        """`form` is what a line looks like, with a named group for each value; `meaning` makes an entry of these."""
        self.key = key
        self.form = re.compile(form)
        self.meaning = meaning

    def __call__(self, lines: list[bytes], found: Details) -> list[bytes]:
        left, entries = [], []
        for line in lines:
            match = self.form.match(line)
            if match is None:
                left.append(line)
            else:
                entries.append(self.meaning(match.groupdict(b"")))
        if entries:
            found[self.key] = entries
        return left


def _as(key: str, convert: Callable[[bytes], object]) -> Meaning:
    return lambda value: {key: convert(value)}


def _hex(value: bytes) -> int:
    return int(value, 16)


def _truth(value: bytes) -> bool:
    return bool(int(value))


def _name(value: bytes) -> str | None:
    return text(value) or None


def device(number: int) -> str:
    """A device as the kernel keeps it to itself (MKDEV), like '8:1'."""
    return f"{number >> 20}:{number & 0xFFFFF}"


def _target(found: dict[str, bytes]) -> Details:
    target: Details = {
        "fd": int(found["fd"]),
        "events": joined(_hex(found["events"]), EPOLL),
        "data": _hex(found["data"]),
    }
    if found["ino"]:
        target.update(pos=int(found["pos"]), ino=_hex(found["ino"]), sdev=device(_hex(found["sdev"])))
    return target


def _watch(found: dict[str, bytes]) -> Details:
    return {
        "wd": _hex(found["wd"]),
        "ino": _hex(found["ino"]),
        "sdev": device(_hex(found["sdev"])),
        "mask": joined(_hex(found["mask"]), INOTIFY),
    }


def _mark(found: dict[str, bytes]) -> Details:
    mark: Details = {}
    if found["mount"]:
        mark["mnt_id"] = _hex(found["mount"])
    if found["ino"]:
        mark["ino"] = _hex(found["ino"])
    if found["sdev"]:
        mark["sdev"] = device(_hex(found["sdev"]))
    mark["mask"] = joined(_hex(found["mask"]), FANOTIFY)
    mark["ignored_mask"] = joined(_hex(found["ignored"]), FANOTIFY)
    mark["flags"] = joined(_hex(found["flags"]), FANOTIFY_MARK)
    return mark


_MARKS = _Entries(
    "marks",
    rb"fanotify (?:mnt_id:(?P<mount>[0-9a-f]+) |ino:(?P<ino>[0-9a-f]+) )?(?:sdev:(?P<sdev>[0-9a-f]+) )?"
    rb"mflags: ?(?P<flags>[0-9a-f]+) mask:(?P<mask>[0-9a-f]+) ignored_mask:(?P<ignored>[0-9a-f]+)\b",
    _mark,
)
_FANOTIFY = re.compile(rb"fanotify flags:([0-9a-f]+) event-flags:([0-9a-f]+)$")


def _fanotify(lines: list[bytes], found: Details) -> list[bytes]:
    match = _FANOTIFY.match(lines[0])
    if match:
        found["flags"] = joined(_hex(match[1]), FANOTIFY_INIT)
        # Which are those of open(2), for the descriptors that come with the events.
        found["event_flags"] = "0" + format(_hex(match[2]), "o")
        lines = lines[1:]
    return _MARKS(lines, found)


def _clock(value: bytes) -> str:
    number = int(value)
    return "CLOCK_" + CLOCKS[number] if number in CLOCKS else str(number)


_TIME = re.compile(rb"\((\d+), (\d+)\)$")


def _seconds(value: bytes) -> float:
    match = _TIME.match(value)
    if match is None:
        raise ValueError(value)
    return int(match[1]) + int(match[2]) / 1e9


def _pid(value: bytes) -> Details:
    """-1 of one that ended and was waited for, 0 of one that is not seen from the PID namespace of this /proc."""
    pid = int(value)
    return {"pid": pid if pid > 0 else None, "exited": pid == -1}


def _nested(value: bytes) -> Details:
    """Its number in each PID namespace, from that of this /proc inwards."""
    pids = [int(word) for word in value.split()]
    return {"nspid": pids if pids and min(pids) > 0 else None}


def _named(key: str, names: list[str]) -> Meaning:
    """A number, with its name where that is known; newer kernels write the name by themselves."""

    def meaning(value: bytes) -> Details:
        number = int(value)
        known: Details = {key: names[number]} if 0 <= number < len(names) else {}
        return {**known, f"{key}_number": number}

    return meaning


_READERS: dict[str, Callable[[list[bytes], Details], list[bytes]]] = {
    "eventfd": _Fields(
        {
            b"eventfd-count": _as("count", _hex),
            b"eventfd-id": _as("id", int),
            b"eventfd-semaphore": _as("semaphore", _truth),
        }
    ),
    "epoll": _Entries(
        "targets",
        rb"tfd: *(?P<fd>\d{1,10}) events: *(?P<events>[0-9a-f]+) data: *(?P<data>[0-9a-f]+)"
        rb"(?: +pos: *(?P<pos>-?\d{1,20}) ino: *(?P<ino>[0-9a-f]+) sdev: *(?P<sdev>[0-9a-f]+))? *$",
        _target,
    ),
    "inotify": _Entries(
        "watches",
        rb"inotify wd:(?P<wd>[0-9a-f]+) ino:(?P<ino>[0-9a-f]+) sdev:(?P<sdev>[0-9a-f]+) mask:(?P<mask>[0-9a-f]+)\b",
        _watch,
    ),
    "fanotify": _fanotify,
    "timerfd": _Fields(
        {
            b"clockid": _as("clock", _clock),
            b"ticks": _as("ticks", int),
            b"settime flags": _as("flags", lambda value: joined(int(value, 8), TIMER)),
            b"it_value": _as("value", _seconds),
            b"it_interval": _as("interval", _seconds),
        }
    ),
    "signalfd": _Fields({b"sigmask": _as("signals", lambda value: signals(_hex(value)))}),
    "pidfd": _Fields({b"Pid": _pid, b"NSpid": _nested}),
    "bpf-map": _Fields(
        {
            b"map_type": _named("map_type", BPF_MAPS),
            b"map_flags": _as("map_flags", _hex),
            b"map_extra": _as("map_extra", _hex),
        }
    ),
    "bpf-prog": _Fields({b"prog_type": _named("prog_type", BPF_PROGRAMS), b"prog_tag": _as("prog_tag", text)}),
    "bpf-link": _Fields({b"prog_tag": _as("prog_tag", text)}),
    "io_uring": ring,
    "device": _Fields({b"iff": _as("iff", _name), b"tty-index": _as("index", int)}),
}
