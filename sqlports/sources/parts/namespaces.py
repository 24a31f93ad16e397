"""namespaces: which of each kind a process is in, by inode (namespaces(7))."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlports.sources.parts import Place

SOURCE = "ns"
_LINK = re.compile(rb"\w+:\[(\d+)\]")


class Namespaces(NamedTuple):
    """Inodes; None for a kind that the kernel does not have, and for all of them when the process ended."""

    cgroup: int | None = None
    ipc: int | None = None
    mnt: int | None = None
    net: int | None = None
    pid: int | None = None
    time: int | None = None
    user: int | None = None
    uts: int | None = None


NOTHING = Namespaces()


def read(place: Place) -> Namespaces:
    """The part. Raises OSError."""
    found = Namespaces(*(_inode(place, name) for name in Namespaces._fields))
    if found.net is None and (heir := place.heir()):
        return read(heir)
    return found


def _inode(place: Place, name: str) -> int | None:
    link = place.link(f"ns/{name}")
    found = None if link is None else _LINK.fullmatch(link)
    return int(found[1]) if found else None
