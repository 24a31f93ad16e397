"""handles: what each process has open, the modern handle table."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.fdinfo import ACCESS
from sqlports.sources.handles import Handle
from sqlports.sources.snapshot import Snapshot


@table(
    Column("pid", int, "pid", "Process that holds it."),
    Column("fd", int, "fd", "Descriptor number in that process, or in its thread `tid`."),
    Column("type", str, "what.type", "'file', 'directory', 'device', 'socket', 'pipe', 'eventfd', 'epoll', 'memfd', …"),
    Column("target", str, "target", "Path, or the kernel's name for it ('socket:[123]'); NULL where not permitted."),
    Column("inode", int, "inode", "Of a socket, pipe or namespace: JOIN sockets USING (inode). Never a file's."),
    Column(
        "access",
        str,
        "fdinfo.access",
        "'r', 'w', 'rw'; NULL for a descriptor that only names a file (O_PATH).",
        choices=tuple(ACCESS.values()),
    ),
    Column("flags", str, "fdinfo.flags", "Flags of open(2), joined by '|'; NULL for none."),
    Column("offset", int, "fdinfo.offset", "Position in the file, in bytes."),
    Column("size", int, "file.size", "Of a file, directory or memfd, in bytes; NULL where its file system was not asked."),
    Column("deleted", int, "deleted", "1 when the file's name was removed, 0 while it is there; else NULL."),
    Column(
        "peer_pid",
        int,
        "peer.pid",
        "Process at the other end of a pipe, unix socket, eventfd or pseudo-terminal; else NULL.",
        references="processes.pid",
    ),
    Column("peer_fd", int, "peer.fd", "Its descriptor of that end."),
    Column("file_inode", int, "file_inode", "Of what has a path: unique on its `device` only, unlike `inode`; Linux 5.14."),
    Column(
        "device", str, "mount.device", "'major:minor' of the file system that a path is on; a device node's own is in detail."
    ),
    Column(
        "file_system", str, "mount.file_system", "Type of the file system that a path is on: 'ext4', 'nfs4'; NULL if detached."
    ),
    Column(
        "mount_id",
        int,
        "fdinfo.mount_id",
        "Mount that it was opened on, as in /proc/PID/mountinfo, or one of the kernel's own.",
    ),
    Column("close_on_exec", int, "fdinfo.close_on_exec", "1 when a new program does not inherit it, else 0."),
    Column(
        "locks", str, "fdinfo.locks", "JSON array of the locks it holds: type, mode, mandatory, pid, start, end; NULL for none."
    ),
    Column("detail", str, "detail.json", "JSON object of what only its kind has: eventfd count, epoll targets, memfd name, …"),
    Column("tid", int, "tid", "Thread that has it in a table of its own; NULL for one of the process."),
    key=("pid", "fd", "tid"),
    rows=10000,
    transient=True,
    each={"pid": 20, "inode": 2},
    examples=(
        "SELECT type, count(*) FROM handles GROUP BY type ORDER BY 2 DESC",
        "SELECT fd, target, access FROM handles WHERE pid = 1",
        "SELECT h.pid, h.fd, s.local_address, s.local_port FROM handles h JOIN sockets s USING (inode)",
        "SELECT pid, fd, target, size FROM handles WHERE deleted AND type = 'file' ORDER BY size DESC",
        "SELECT pid, fd, peer_pid, peer_fd FROM handles WHERE type = 'pipe' AND peer_pid <> pid",
    ),
)
def handles(system: Snapshot, pid: Values[int] = None) -> Iterable[Handle]:
    """Open descriptors, one row for each (process, descriptor)."""
    return system.handles(pid)
