"""stat: state, parent, times and priorities (proc_pid_stat(5))."""

from __future__ import annotations

import time
from typing import NamedTuple

from sqlports.sources.lazy import Lazy
from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable, text


class Clock(NamedTuple):
    """What it takes to turn a process's start ticks into a time of day.

    hz         ticks per second (sysconf(_SC_CLK_TCK))
    boot_time  btime of /proc/stat: whole seconds since 1970, the same in every run
    booted     the precise moment of the same, seconds since 1970
    """

    hz: int
    boot_time: int
    booted: float

    def milliseconds(self, ticks: int) -> int:
        """A time in ticks."""
        return ticks * 1000 // self.hz


# Letters of task_state_array in the kernel's fs/proc/array.c: X is seen in the moment of dying, P of a thread that is parked.
STATES = ("R", "S", "D", "T", "t", "X", "Z", "P", "I")


class Stat(Lazy):
    """What /proc/PID/stat tells. Times in milliseconds, sizes in bytes."""

    __slots__ = ("_clock", "_name", "_now", "_words")

    def __init__(self, name: bytes, words: list[bytes], clock: Clock, now: float | None) -> None:
        """`words` are those after the name; `now` in seconds since 1970."""
        self._name, self._words, self._clock, self._now = name, words, clock, now

    @property
    def fields(self) -> list[bytes] | None:
        """The words after the name, of which other parts are made."""
        return self._words

    @property
    def name(self) -> str | None:
        """The name."""
        return text(self._name)

    @property
    def state(self) -> str | None:
        """A letter."""
        return text(self._words[0])

    @property
    def parent(self) -> int | None:
        """The parent's number."""
        return self._number(1)

    @property
    def pgroup(self) -> int | None:
        """The process group's number."""
        return self._number(2)

    @property
    def session(self) -> int | None:
        """The session's number."""
        return self._number(3)

    @property
    def tty(self) -> str | None:
        """The controlling terminal, as it is named in /dev."""
        return tty(self._number(4))

    @property
    def nice(self) -> int | None:
        """-20 to 19."""
        return self._number(16)

    @property
    def threads(self) -> int | None:
        """How many there are."""
        return self._number(17)

    @property
    def user_time(self) -> int | None:
        """In user space."""
        return self._clock.milliseconds(self._number(11))

    @property
    def system_time(self) -> int | None:
        """In the kernel."""
        return self._clock.milliseconds(self._number(12))

    @property
    def start_ticks(self) -> int | None:
        """Since boot."""
        return self._number(19)

    @property
    def start_time(self) -> int | None:
        """Whole seconds since 1970: the same in every run, as ps has it."""
        return self._clock.boot_time + self._number(19) // self._clock.hz

    @property
    def started(self) -> float | None:
        """Seconds since 1970, to a hundredth."""
        return round(self._clock.booted + self._number(19) / self._clock.hz, 2)

    @property
    def elapsed_time(self) -> int | None:
        """Whole seconds since the start."""
        return None if self._now is None else int(self._lived)

    @property
    def cpu_percent(self) -> float | None:
        """CPU time since the start, in percent of one processor."""
        if not self._lived:
            return None
        return round((self._number(11) + self._number(12)) / self._clock.hz / self._lived * 100, 1)

    def _number(self, place: int) -> int:
        try:
            return int(self._words[place])
        except ValueError:
            raise Unparsable("/proc/PID/stat", b" ".join(self._words)) from None

    @property
    def _lived(self) -> float:
        started = self._clock.booted + self._number(19) / self._clock.hz
        return 0.0 if self._now is None else max(0.0, self._now - started)


NOTHING = Stat.known()


def read(place: Place) -> Stat:
    """The part. Raises OSError, Unparsable."""
    return parse(place.file("stat"), place.proc.clock, time.time() if place.proc.live else None)


def parse(data: bytes, clock: Clock, now: float | None = None) -> Stat:
    """The file's bytes. The name may hold spaces and parentheses: it ends at the last one. Raises Unparsable."""
    opening, closing = data.find(b"("), data.rfind(b")")
    words = data[closing + 2 :].split()
    if opening < 0 or len(words) < 20:
        raise Unparsable("/proc/PID/stat", data)
    return Stat(data[opening + 1 : closing], words, clock, now)


def tty(number: int) -> str | None:
    """A terminal's device number as its name in /dev (kernel: Documentation/admin-guide/devices.txt); None for no terminal."""
    if number == 0:
        return None
    major, minor = number >> 8 & 0xFFF, number & 0xFF | number >> 12 & 0xFFF00
    if 136 <= major <= 143:
        return f"pts/{(major - 136) * 256 + minor}"
    if major == 4:
        return f"tty{minor}" if minor < 64 else f"ttyS{minor - 64}"
    if major == 204 and 64 <= minor < 80:
        return f"ttyAMA{minor - 64}"
    known = {(5, 1): "console", (5, 0): "tty", (5, 2): "ptmx"}
    by_major = {188: f"ttyUSB{minor}", 166: f"ttyACM{minor}", 229: f"hvc{minor}"}
    return known.get((major, minor)) or by_major.get(major) or f"{major}:{minor}"


def start_ticks(data: bytes) -> int:
    """When the process started, in ticks since boot: one field of the file's bytes. Raises Unparsable."""
    try:
        return int(data[data.rfind(b")") + 2 :].split(None, 20)[19])
    except (IndexError, ValueError):
        raise Unparsable("/proc/PID/stat", data) from None


def is_ending(data: bytes) -> bool:
    """Whether a process has given up its memory, or is about to (PF_EXITING of linux/sched.h): a zombie too."""
    return bool(int(data[data.rfind(b")") + 2 :].split(None, 7)[6]) & 4)
