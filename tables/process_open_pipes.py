"""process_open_pipes: which process reads what which writes into a pipe. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Values, table
from sqlports.sources.fdinfo import ACCESS
from sqlports.sources.pipes import ANONYMOUS, MODES, NAMED, Pair, pairs
from sqlports.sources.snapshot import Snapshot


@table(
    Column("pid", BIGINT, "pid", "Process that has one end."),
    Column("fd", BIGINT, "fd", "Its descriptor."),
    Column(
        "mode",
        str,
        "mode",
        "'r', 'w' or 'rw'; '-' where that may not be read, '' for a FIFO that is only named (O_PATH).",
        choices=MODES,
    ),
    Column("inode", BIGINT, "inode", "Inode of the pipe.", references="handles.inode"),
    Column("type", str, "type", "'anonymous', or 'named' for a FIFO.", choices=(ANONYMOUS, NAMED)),
    Column(
        "partner_pid",
        BIGINT,
        "partner_pid",
        "Process at the other side, which may be the same; NULL for none.",
        references="processes.pid",
    ),
    Column("partner_fd", BIGINT, "partner_fd", "Its descriptor."),
    Column("partner_mode", str, "partner_mode", "'r', 'w' or 'rw'.", choices=tuple(ACCESS.values())),
    key=("pid", "fd", "partner_pid", "partner_fd"),
    osquery="partner_mode",
    rows=1000,
    each={"pid": 2},
    examples=(
        "SELECT fd, mode, partner_pid, partner_fd FROM process_open_pipes WHERE pid = 1",
        "SELECT w.name, r.name FROM process_open_pipes p JOIN processes w USING (pid) JOIN processes r ON r.pid = partner_pid "
        "WHERE mode = 'w'",
    ),
)
def process_open_pipes(system: Snapshot, pid: Values[int] = None) -> Iterable[Pair]:
    """Ends of pipes, one row for each pair of one and another at the other side, so that each pair is there from both sides.

    An end without any at the other side has one row, also where there are more at its own (osquery has none then).
    """
    return pairs(system, pid)
