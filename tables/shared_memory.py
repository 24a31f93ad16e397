"""shared_memory: System V shared memory. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel_files import Segment
from sqlports.sources.snapshot import Snapshot


@table(
    Column("shmid", int, "shmid", "Id of the segment."),
    Column("owner_uid", BIGINT, "owner_uid", "Owner.", references="users.uid"),
    Column("creator_uid", BIGINT, "creator_uid", "User who made it.", references="users.uid"),
    Column("pid", BIGINT, "pid", "Process that last attached or detached it.", references="processes.pid"),
    Column("creator_pid", BIGINT, "creator_pid", "Process that made it.", references="processes.pid"),
    Column("atime", BIGINT, "atime", "Last attached, in seconds since 1970; 0 for never."),
    Column("dtime", BIGINT, "dtime", "Last detached, in seconds since 1970; 0 for never."),
    Column("ctime", BIGINT, "ctime", "Last changed, in seconds since 1970."),
    Column("permissions", str, "permissions", "Permissions in octal: '0600'."),
    Column("size", BIGINT, "size", "Size in bytes."),
    Column("attached", int, "attached", "How often it is attached now."),
    Column("status", str, "status", "'dest' for one that ends with its last user; else ''.", choices=("dest", "")),
    Column("locked", int, "locked", "1 when it is locked into RAM, else 0."),
    osquery="locked",
    rows=10,
    examples=("SELECT shmid, size, name FROM shared_memory s LEFT JOIN processes p ON p.pid = creator_pid WHERE attached = 0",),
)
def shared_memory(system: Snapshot) -> list[Segment]:
    """Shared memory segments of the IPC namespace that is looked from, one row each."""
    return kernel.segments(system)
