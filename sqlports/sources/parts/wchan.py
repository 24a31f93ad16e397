"""wchan: where in the kernel a thread waits (proc_pid_wchan(5))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import text


class Wchan(NamedTuple):
    """The name of the kernel's function; None for a thread that runs, or that one may not look at."""

    name: str | None = None


NOTHING = Wchan()


def read(place: Place) -> Wchan:
    """The part. Raises OSError."""
    name = text(place.file("wchan"))
    if name not in ("0", ""):
        return Wchan(name)
    # The kernel says the same of what runs and of what one may not look at, which only a look at something else tells.
    if place.part("stat").state != "R":
        place.link("exe")
    return NOTHING
