"""process_open_files: the files that each process has open. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Values, table
from sqlports.sources.handles import Handle
from sqlports.sources.snapshot import Snapshot

# What has no file: osquery leaves these out, and nothing else.
_NO_FILES = {"socket", "pipe", "anon_inode"}


@table(
    Column("pid", BIGINT, "pid", "Process that has it open."),
    Column("fd", BIGINT, "fd", "Its descriptor."),
    Column("path", str, "link", "Path as the kernel writes it: ' (deleted)' behind a removed one."),
    osquery="path",
    rows=5000,
    transient=True,
    each={"pid": 10},
    examples=(
        "SELECT fd, path FROM process_open_files WHERE pid = 1",
        "SELECT p.name, f.path FROM process_open_files f JOIN processes p USING (pid) WHERE f.path LIKE '% (deleted)'",
    ),
)
def process_open_files(system: Snapshot, pid: Values[int] = None) -> Iterable[Handle]:
    """Open files, one row for each (process, descriptor); `handles` has more of each, and what is no file."""
    return (handle for handle in system.handles(pid) if handle.link and handle.link.partition(":")[0] not in _NO_FILES)
