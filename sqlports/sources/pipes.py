"""Who reads what whom writes: the ends of pipes and FIFOs, found by what they are ends of (pipe(7), fifo(7))."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from sqlports.sources.fdinfo import ACCESS
from sqlports.sources.handles import Handle
from sqlports.sources.snapshot import Snapshot

ANONYMOUS, NAMED = "anonymous", "named"
MODES = (*ACCESS.values(), "-", "")


class Pair(NamedTuple):
    """An end of a pipe and one at its other side, in osquery's codes; the last three are None where there is none.

    mode  'r', 'w', 'rw'; '-' where that may not be read, '' of a descriptor that only names a FIFO (O_PATH)
    type  'anonymous' of pipe(2), 'named' of mkfifo(3)
    """

    pid: int
    fd: int
    mode: str
    inode: int
    type: str
    partner_pid: int | None = None
    partner_fd: int | None = None
    partner_mode: str | None = None


def pairs(system: Snapshot, pids: frozenset[int] | None) -> Iterator[Pair]:
    """The pairs of which these processes have the first end; all for None."""
    for process in system.processes(pids):
        yield from _of_process(system, process.pid)


def _of_process(system: Snapshot, pid: int) -> Iterator[Pair]:
    for handle in system.process_handles(pid):
        if handle.link is None:
            continue
        if handle.link.startswith("pipe:") and handle.inode is not None:
            inode, kind = handle.inode, ANONYMOUS
            ends = system.memo("pipes", partial(_anonymous, system)).get(inode, [])
        elif handle.is_path and handle.what.type == "fifo" and handle.file.identity:
            identity = handle.file.identity
            inode, kind = identity[1], NAMED
            ends = system.memo(("fifo", identity), partial(_named, system, identity))
        else:
            continue
        row = Pair(pid, handle.fd, _mode(handle), inode, kind)
        if not handle.ended:
            yield from _opposite(system, handle, row, ends)


def _opposite(system: Snapshot, handle: Handle, row: Pair, ends: list[Handle]) -> Iterator[Pair]:
    """The row with each end at the other side, one by one: of thousands that face thousands there are millions."""
    alone = True
    for end in ends:
        system.check()
        if end is not handle and _face(row.mode, its := _mode(end)) and not end.ended:
            alone = False
            yield Pair(*row[:5], end.pid, end.fd, its)
    if alone:
        yield row


def _anonymous(system: Snapshot) -> dict[int, list[Handle]]:
    found: dict[int, list[Handle]] = {}
    for handle in system.handles():
        if handle.link and handle.link.startswith("pipe:") and handle.inode is not None:
            found.setdefault(handle.inode, []).append(handle)
    return found


def _named(system: Snapshot, identity: tuple[int, int]) -> list[Handle]:
    """Those of one FIFO, whatever name a process sees it by."""
    return [
        handle
        for handle in system.handles()
        # Cheap before dear: most files are told apart by their inode.
        if handle.is_path and handle.file_inode in (None, identity[1]) and handle.file.identity == identity
    ]


def _mode(handle: Handle) -> str:
    state = handle.fdinfo
    return state.access or ("" if "O_PATH" in (state.flags or "") else "-")


def _face(mode: str, other: str) -> bool:
    """Whether one reads what the other writes."""
    return ("r" in mode and "w" in other) or ("w" in mode and "r" in other)
