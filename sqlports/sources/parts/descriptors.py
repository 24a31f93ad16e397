"""descriptors: how many are open (proc_pid_fd(5))."""

from __future__ import annotations

import os
from typing import NamedTuple

from sqlports.sources.parts import Place

SOURCE = "fd"


class Descriptors(NamedTuple):
    """How many descriptors are open."""

    open: int | None = None


NOTHING = Descriptors()


def read(place: Place) -> Descriptors:
    """The part. Raises OSError."""
    count = _count(place)
    if not count and (heir := place.heir()):
        count = _count(heir)
    return Descriptors(count)


def _count(place: Place) -> int:
    name = f"{place.prefix}fd"
    # The size of the directory is the number of descriptors since Linux 6.2; it was 0 before.
    if place.proc.counts:
        return os.stat(name, dir_fd=place.directory).st_size
    directory = place.proc.below(place.subject.pid, name)
    try:
        return len(os.listdir(directory))
    finally:
        os.close(directory)
