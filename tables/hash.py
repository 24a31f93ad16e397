"""hash: digests of files, by path or directory. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Groups, Names, Values, table
from sqlports.sources import hashing
from sqlports.sources.hashing import Hashed
from sqlports.sources.snapshot import Snapshot


@table(
    Column("path", str, "path", "Path, as it was asked for or found."),
    Column("directory", str, "directory", "Directory of the path."),
    Column("md5", str, "md5.hex", "MD5 of the contents; NULL where they may not be read.", collate="NOCASE"),
    Column("sha1", str, "sha1.hex", "SHA-1 of the contents.", collate="NOCASE"),
    Column("sha256", str, "sha256.hex", "SHA-256 of the contents.", collate="NOCASE"),
    Column("pid_with_namespace", int, "pid_with_namespace", "Process whose root is looked below; 0 for none.", hidden=True),
    Column("mount_namespace_id", str, "mount_namespace_id", "Mount namespace of that process; NULL for none.", hidden=True),
    key=("path", "directory", "pid_with_namespace"),
    osquery="sha256",
    rows=500_000,
    either={"path": 1, "directory": 100},
    examples=(
        "SELECT sha256 FROM hash WHERE path = '/etc/passwd'",
        "SELECT DISTINCT h.sha256, p.path FROM processes p JOIN hash h ON h.path = '/proc/' || p.pid || '/exe'",
        "SELECT f.path, f.size, h.md5 FROM file f JOIN hash h USING (path) WHERE f.directory = '/etc' AND f.size < 1000",
    ),
)
def hash(  # noqa: A001 a table bears the name of its function
    system: Snapshot,
    groups: Groups,
    path: Names = None,
    directory: Names = None,
    pid_with_namespace: Values[int] = None,
) -> Iterable[Hashed]:
    """Digests of regular files, one row for each that was asked for by path or directory.

    A query names a path or a directory, or a pattern of such, as of the table `file`.
    """
    return hashing.hashes(system, system.files.find(path, directory, pid_with_namespace), groups)
