"""namespace_texts: the inodes of a process's namespaces as osquery has them, which is as text (namespaces(7))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.parts.namespaces import Namespaces

OF = "namespaces"


class NamespaceTexts(NamedTuple):
    """Inodes; None for a kind that the kernel does not have, and for one that may not be looked at."""

    cgroup: str | None = None
    ipc: str | None = None
    mnt: str | None = None
    net: str | None = None
    pid: str | None = None
    user: str | None = None
    uts: str | None = None


NOTHING = NamespaceTexts()


def read(place: Place) -> NamespaceTexts:
    """The part."""
    found: Namespaces = place.part("namespaces")
    inodes = (getattr(found, kind) for kind in NamespaceTexts._fields)
    return NamespaceTexts(*(None if inode is None else str(inode) for inode in inodes))
