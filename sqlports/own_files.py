"""Files that this program keeps for its user, where the XDG Base Directory Specification has them."""

from __future__ import annotations

import contextlib
import os
import sys


def own_path(variable: str, below_home: str, name: str) -> str | None:
    """Where a file is kept: below what an environment variable says, else below home. None for who has no home.

    For root never where another user could put a link in its way, as in a home under sudo: then it is root's own home.
    """
    directory = os.environ.get(variable, "")
    if not os.path.isabs(directory):
        directory = os.path.expanduser(os.path.join("~", below_home))
    if sys.platform != "win32" and os.geteuid() == 0 and _of_others(os.path.join(directory, "sqlports", name)):
        directory = os.path.expanduser(os.path.join("~root", below_home))
    return os.path.join(directory, "sqlports", name) if os.path.isabs(directory) else None


def _of_others(path: str) -> bool:
    """Whether a file, or a directory above it, belongs to another than root."""
    path = os.path.realpath(path)
    with contextlib.suppress(OSError):
        if os.stat(path).st_uid != 0:
            return True
    above = os.path.dirname(path)
    return above != path and _of_others(above)
