"""process_memory_map: what each process has in its memory. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Values, table
from sqlports.sources.parts.maps import Mapping
from sqlports.sources.snapshot import Snapshot


@table(
    Column("pid", int, "pid", "Process."),
    Column("start", str, "start", "First address, hexadecimal: '0x7f5c1a000000'."),
    Column("end", str, "end", "First address behind it."),
    Column("permissions", str, "permissions", "'r', 'w', 'x' or '-' for each, then 's' for shared or 'p' for private."),
    Column("offset", BIGINT, "offset", "Where in the file it begins, in bytes; -1 beyond 2⁶³."),
    Column("device", str, "device", "Device of the file, hexadecimal: '08:01'; '00:00' for none."),
    Column("inode", int, "inode", "Inode of the file; 0 for none."),
    Column(
        "path",
        str,
        "path",
        "Path of the file as the kernel writes it: ' (deleted)' behind a removed one, a line feed as '\\012'; '[heap]', "
        "'[stack]', '[vdso]', …; '' for memory without a name.",
    ),
    Column("pseudo", int, "pseudo", "1 for what has a name and is no file ('[heap]'), else 0."),
    key=("pid", "start"),
    osquery="pseudo",
    rows=50_000,
    each={"pid": 100},
    examples=(
        'SELECT start, "end", permissions, path FROM process_memory_map WHERE pid = 1',
        "SELECT DISTINCT pid, path FROM process_memory_map WHERE path LIKE '% (deleted)' AND permissions LIKE '__x_'",
    ),
)
def process_memory_map(system: Snapshot, pid: Values[int] = None) -> Iterable[Mapping]:
    """Ranges of the memory of processes, one row each."""
    return (mapping for process in system.processes(pid) for mapping in process.maps)
