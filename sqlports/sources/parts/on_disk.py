"""on_disk: whether there is a file where the executable was (proc_pid_exe(5)), as the process itself would find it."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.parts.exe import inside, look

SOURCE = "exe"


class OnDisk(NamedTuple):
    """1 for any file of that path, 0 for none, as where the path is outside of the process's own root."""

    value: int | None = None


NOTHING = OnDisk()


def read(place: Place) -> OnDisk:
    """The part. Raises OSError, and Unsupported where only a look that could hang would tell."""
    exe = place.part("exe")
    if exe.raw is None:
        return NOTHING
    there = place if place.link("exe") is not None else place.heir() or place
    return OnDisk(int(inside(there, exe.raw) is not None and look(there, exe.raw) is not None))
