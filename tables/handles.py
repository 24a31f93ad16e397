"""handles: what each process has open, the modern handle table."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Handle


@table(
    Column("pid", int, "pid", "Process that holds it."),
    Column("fd", int, "fd", "Descriptor number in that process, or in its thread `tid`."),
    Column("type", str, "what.type", "'file', 'directory', 'device', 'socket', 'pipe', 'eventfd', 'epoll', 'memfd', …"),
    Column("target", str, "target", "Path, or the kernel's name for it ('socket:[123]'); NULL where not permitted."),
    Column("inode", int, "inode", "Of a socket, pipe or namespace: JOIN sockets USING (inode). Never a file's."),
    Column("access", str, "fdinfo.access", "'r', 'w', 'rw'; NULL for a descriptor that only names a file (O_PATH)."),
    Column("flags", str, "fdinfo.flags", "Flags of open(2), joined by '|'; NULL for none."),
    Column("offset", int, "fdinfo.offset", "Position in the file, in bytes."),
    Column("deleted", int, "deleted", "1 when the file's name was removed, 0 while it is there; else NULL."),
    Column("tid", int, "tid", "Thread that has it in a table of its own; NULL for one of the process."),
    key=("pid", "fd", "tid"),
    rows=10000,
    transient=True,
    examples=(
        "SELECT type, count(*) FROM handles GROUP BY type ORDER BY 2 DESC",
        "SELECT fd, target, access FROM handles WHERE pid = 1",
        "SELECT h.pid, h.fd, s.local_address, s.local_port FROM handles h JOIN sockets s USING (inode)",
    ),
)
def handles(system: Snapshot, pid: Values[int] = None) -> Iterable[Handle]:
    """Open descriptors, one row for each (process, descriptor)."""
    return system.handles(pid)
