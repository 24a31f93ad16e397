"""root: the root directory (proc_pid_root(5))."""

from __future__ import annotations

from sqlports.sources.parts import Place
from sqlports.sources.parts.cwd import Link, follow

NOTHING = Link()


def read(place: Place) -> Link:
    """The part. Raises OSError."""
    return follow(place, "root")
