"""comm: the name (proc_pid_comm(5)), taken from `stat` or `status` where one of them is wanted anyway."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.parts.stat import Stat
from sqlports.sources.parts.status import Status
from sqlports.sources.procfs import text

OF = "stat"


class Comm(NamedTuple):
    """The name that a thread gave itself, at most 15 bytes; the kernel's own may have more."""

    name: str | None = None


NOTHING = Comm()


def read(place: Place) -> Comm | Stat | Status:
    """The part, or another that has a name too. Raises OSError."""
    system = place.subject.system
    for other in ("stat", "status"):
        if other in system.wanted:
            found: Stat | Status = place.part(other)
            return found
    system.reads["comm"] += 1
    # The name may hold line feeds: only the last one is not its own.
    return Comm(text(place.file("comm")[:-1]))
