"""scheduling: how the kernel shares out the processor (sched(7)), from fields of /proc/PID/stat."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable

OF = "stat"

# SCHED_* of include/uapi/linux/sched.h
POLICIES = ("SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH", "SCHED_ISO", "SCHED_IDLE", "SCHED_DEADLINE", "SCHED_EXT")
# PF_KTHREAD of include/linux/sched.h
_KERNEL_THREAD = 0x00200000


class Scheduling(NamedTuple):
    """`priority` as the kernel counts it, `realtime_priority` 0 to 99, `processor` the one it last ran on; faults counted."""

    policy: str | None = None
    priority: int | None = None
    realtime_priority: int | None = None
    processor: int | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    kernel_thread: int | None = None


NOTHING = Scheduling()


def read(place: Place) -> Scheduling:
    """The part."""
    return parse(place.part("stat").fields)


def parse(fields: list[bytes] | None) -> Scheduling:
    """The words of stat after the name; None, or too few of them, for a system that does not tell. Raises Unparsable."""
    if fields is None or len(fields) < 39:
        return NOTHING
    try:
        flags, minor, major, priority, processor, realtime, policy = (int(fields[at]) for at in (6, 7, 9, 15, 36, 37, 38))
    except ValueError:
        raise Unparsable("/proc/PID/stat", b" ".join(fields)) from None
    return Scheduling(
        POLICIES[policy] if 0 <= policy < len(POLICIES) else str(policy),
        priority,
        realtime,
        processor,
        minor,
        major,
        int(bool(flags & _KERNEL_THREAD)),
    )
