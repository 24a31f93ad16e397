"""What the links in a directory /proc/PID/fd say (proc_pid_fd(5)): the hot spot of every query for owners."""

from __future__ import annotations

import os

from sqlports.sources import procfs


def of(directory: int) -> dict[int, str | None]:
    """The links in an open directory, which is closed, as `links` tells them. Raises OSError."""
    try:
        return links(directory)
    finally:
        os.close(directory)


def links(directory: int) -> dict[int, str | None]:
    """The link of each descriptor: None for one that may not be read, none that was closed meanwhile. Raises OSError.

    They are listed, though to count up from 0 to the directory's size would be faster: of a process that opens and closes
    all the time that misses some it has open all the time.
    """
    names = [name for name in os.listdir(directory) if name.isdecimal()]
    readlink = os.readlink
    try:
        # In one go, as it nearly always works.
        found = [readlink(name, dir_fd=directory) for name in names]
    except PermissionError:
        # It is for the process as a whole that they may not be read (ptrace(2), access mode checking).
        return dict.fromkeys(map(int, names))
    except OSError:
        return _one_by_one(names, directory)
    if not "".join(found).isascii():
        found = [_decoded(link) for link in found]
    return dict(zip(map(_NUMBERS.__getitem__, names), found, strict=True))


class _Numbers(dict[str, int]):
    """Small numbers by how they are written: to look one up takes a third of the time of reading it."""

    def __missing__(self, name: str) -> int:
        number = int(name)
        if number < 4096:
            self[name] = number
        return number


_NUMBERS = _Numbers()


def _one_by_one(names: list[str], directory: int) -> dict[int, str | None]:
    found: dict[int, str | None] = {}
    for name in names:
        try:
            found[int(name)] = _decoded(os.readlink(name, dir_fd=directory))
        except FileNotFoundError:
            continue
        except OSError:
            found[int(name)] = None
    return found


def _decoded(link: str) -> str:
    return link if link.isascii() else procfs.text(os.fsencode(link))
