"""maps: what a process has in its memory, and from which files (proc_pid_maps(5))."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import Unparsable, text

# fs/proc/task_mmu.c, show_map_vma: a name stands behind blanks up to a column, and a line feed in it is written \012.
_LINE = re.compile(rb"([0-9a-f]+)-([0-9a-f]+) ([r-][w-][x-][sp]) ([0-9a-f]+) ([0-9a-f]+:[0-9a-f]+) ([0-9]+) *(.*)", re.DOTALL)
_GREATEST = (1 << 63) - 1


class Mapping(NamedTuple):
    """A range of addresses, in osquery's codes.

    start, end   hexadecimal after '0x', with the kernel's leading zeros; `end` is the first address that is no part of it
    permissions  'r', 'w', 'x' or '-', then 's' for shared or 'p' for private
    offset       where in the file it begins, in bytes; -1 for one beyond 2⁶³
    device       major and minor number in hexadecimal: '08:01'
    inode        of the file; 0 for none, None for one beyond 2⁶³
    path         of the file, ' (deleted)' behind it when its name was removed; '[heap]', '[stack]', …; '' for none
    pseudo       1 for what has a name and no file, else 0
    """

    pid: int
    start: str
    end: str
    permissions: str
    offset: int
    device: str
    inode: int | None
    path: str
    pseudo: int


NOTHING: tuple[Mapping, ...] = ()


def read(place: Place) -> tuple[Mapping, ...]:
    """The part. Raises OSError, Unparsable."""
    return parse(place.subject.pid, place.of_memory("maps"))


def parse(pid: int, data: bytes) -> tuple[Mapping, ...]:
    """The file's bytes: none for a kernel thread or zombie. Raises Unparsable."""
    found = []
    for line in data.split(b"\n"):
        if line:
            words = _LINE.fullmatch(line)
            if words is None:
                raise Unparsable("/proc/PID/maps", data)
            start, end, permissions, offset, device, inode, path = words.groups()
            begins, number = int(offset, 16), int(inode)
            found.append(
                Mapping(
                    pid,
                    f"0x{start.decode()}",
                    f"0x{end.decode()}",
                    permissions.decode(),
                    begins if begins <= _GREATEST else -1,
                    device.decode(),
                    number if number <= _GREATEST else None,
                    text(path),
                    int(number == 0 and path != b""),
                )
            )
    return tuple(found)
