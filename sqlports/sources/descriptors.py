"""What the links in a directory /proc/PID/fd say (proc_pid_fd(5)): the hot spot of every query for owners."""

from __future__ import annotations

import os

from sqlports.sources import procfs

# How many unused numbers among a process's descriptors are passed over before they are listed instead.
GAPS = 3


def counted(directory: int, count: int) -> dict[int, str | None] | None:
    """The links of so many descriptors, without a listing, which would be a sixth of the cost.

    The kernel hands out the lowest free number, so they are mostly the first ones. None where that leads nowhere.
    """
    found: dict[int, str | None] = {}
    readlink, fd = os.readlink, 0
    while len(found) < count:
        try:
            link = readlink(str(fd), dir_fd=directory)
            found[fd] = link if link.isascii() else procfs.text(os.fsencode(link))
        except OSError:
            if fd - len(found) >= GAPS:
                return None
        fd += 1
    return found


def listed(directory: int) -> dict[int, str | None]:
    """The links of all descriptors: None for one that may not be read, none that was closed meanwhile."""
    found: dict[int, str | None] = {}
    for name in os.listdir(directory):
        try:
            link = os.readlink(name, dir_fd=directory)
            found[int(name)] = link if link.isascii() else procfs.text(os.fsencode(link))
        except FileNotFoundError:
            continue
        except OSError:
            found[int(name)] = None
    return found
