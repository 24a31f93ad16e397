"""cwd: the current directory (proc_pid_cwd(5))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import text


class Link(NamedTuple):
    """A directory of a process: its current one, its root."""

    path: str | None = None


NOTHING = Link()


def read(place: Place) -> Link:
    """The part. Raises OSError."""
    return follow(place, "cwd")


def follow(place: Place, name: str) -> Link:
    """Where a link of a process leads, or of the thread that has its files still. Raises OSError."""
    link = place.link(name)
    if link is None and (heir := place.heir()):
        link = heir.link(name)
    return NOTHING if link is None else Link(text(link))
