"""comm: the name (proc_pid_comm(5)), taken from `stat` or `status` where one of them is wanted anyway."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import text

OF = "stat"


class Comm(NamedTuple):
    """The name that a thread gave itself, at most 15 bytes; the kernel's own may have more."""

    name: str | None = None


NOTHING = Comm()


def read(place: Place) -> Comm:
    """The part. Raises OSError."""
    system = place.subject.system
    if "stat" in system.wanted:
        return Comm(place.part("stat").comm)
    if "status" in system.wanted:
        return Comm(place.part("status").name)
    system.reads["comm"] += 1
    # The name may hold line feeds: only the last one is not its own.
    return Comm(text(place.file("comm")[:-1]))
