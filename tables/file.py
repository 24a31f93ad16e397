"""file: what the system says of files, by path or directory. Columns and units follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Names, Values, table
from sqlports.sources.files import TYPES, File
from sqlports.sources.snapshot import Snapshot


@table(
    Column("path", str, "path", "Path, as it was asked for or found; links are not resolved in it."),
    Column("directory", str, "directory", "Directory of the path."),
    Column("filename", str, "filename", "Last component of the path."),
    Column("inode", BIGINT, "stat.inode", "Inode number. What follows is of the file that a link leads to."),
    Column("uid", BIGINT, "stat.uid", "Owner.", references="users.uid"),
    Column("gid", BIGINT, "stat.gid", "Owning group.", references="groups.gid"),
    Column("mode", str, "stat.mode", "Permissions in octal: '0644', '4755'."),
    Column("device", BIGINT, "stat.device", "Of a device file the number of the device; else 0."),
    Column("size", BIGINT, "stat.size", "Size in bytes."),
    Column("block_size", int, "stat.block_size", "Size in bytes in which it is best read."),
    Column("atime", BIGINT, "stat.atime", "Last read, in seconds since 1970, as far as the mount keeps that."),
    Column("mtime", BIGINT, "stat.mtime", "Last written to, in seconds since 1970."),
    Column("ctime", BIGINT, "stat.ctime", "Last change of contents, owner, mode or links, in seconds since 1970."),
    Column("btime", BIGINT, "birth.time", "Made, in seconds since 1970; NULL where the file system does not keep it."),
    Column("hard_links", int, "stat.hard_links", "Number of its names."),
    Column("symlink", int, "stat.symlink", "1 when the path is a symbolic link, else 0."),
    Column(
        "type",
        str,
        "stat.type",
        "'regular', 'directory', 'block', 'character', 'fifo', 'socket', 'unknown'; 'symlink' for one that leads nowhere.",
        choices=(*TYPES.values(), "unknown"),
    ),
    Column("symlink_target_path", str, "target.path", "What the link says; NULL for what is none."),
    Column("attributes", str, None, "Windows only; NULL here.", hidden=True),
    Column("volume_serial", str, None, "Windows only; NULL here.", hidden=True),
    Column("file_id", str, None, "Windows only; NULL here.", hidden=True),
    Column("file_version", str, None, "Windows only; NULL here.", hidden=True, collate="VERSION"),
    Column("product_version", str, None, "Windows only; NULL here.", hidden=True, collate="VERSION"),
    Column("original_filename", str, None, "Windows only; NULL here.", hidden=True),
    Column("shortcut_target_path", str, None, "Windows only; NULL here.", hidden=True),
    Column("shortcut_target_type", str, None, "Windows only; NULL here.", hidden=True),
    Column("shortcut_target_location", str, None, "Windows only; NULL here.", hidden=True),
    Column("shortcut_start_in", str, None, "Windows only; NULL here.", hidden=True),
    Column("shortcut_run", str, None, "Windows only; NULL here.", hidden=True),
    Column("shortcut_comment", str, None, "Windows only; NULL here.", hidden=True),
    Column("bsd_flags", str, None, "macOS only; NULL here.", hidden=True),
    Column("pid_with_namespace", int, "pid_with_namespace", "Process whose root is looked below; 0 for none.", hidden=True),
    Column("mount_namespace_id", str, "mount_namespace_id", "Mount namespace of that process; NULL for none.", hidden=True),
    key=("path", "directory", "pid_with_namespace", "inode"),
    osquery="symlink_target_path",
    rows=500_000,
    transient=True,
    either={"path": 1, "directory": 100},
    examples=(
        "SELECT path, mode, uid FROM file WHERE path = '/etc/passwd'",
        "SELECT path, size FROM file WHERE path LIKE '/etc/%%' AND type = 'regular' ORDER BY size DESC LIMIT 5",
        "SELECT filename, mtime FROM file WHERE directory = '/tmp'",
        "SELECT p.pid, p.name, f.path, f.uid FROM processes p JOIN file f ON f.path = p.path AND f.pid_with_namespace = p.pid",
    ),
)
def file(
    system: Snapshot, path: Names = None, directory: Names = None, pid_with_namespace: Values[int] = None
) -> Iterable[File]:
    """Files, one row for each that was asked for by path or directory.

    A query names a path or a directory, or a pattern of such: `LIKE '/etc/%'` is one level, `LIKE '/etc/%%'` all below.
    """
    return system.files.find(path, directory, pid_with_namespace)
