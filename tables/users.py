"""users: the accounts of the system. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.records import User
from sqlports.sources.snapshot import Snapshot


@table(
    Column("uid", int, "uid", "User id."),
    Column("gid", int, "gid", "Primary group id."),
    Column("uid_signed", int, "uid_signed", "User id as a signed 32-bit number."),
    Column("gid_signed", int, "gid_signed", "Primary group id as a signed 32-bit number."),
    Column("username", str, "username", "Login name."),
    Column("description", str, "description", "Full name or comment (the GECOS field)."),
    Column("directory", str, "directory", "Home directory."),
    Column("shell", str, "shell", "Login shell."),
    Column("uuid", str, None, "macOS and Windows only; NULL here."),
    Column("type", str, None, "Windows only; NULL here.", hidden=True),
    Column("is_hidden", int, None, "macOS only; NULL here.", hidden=True),
    Column("pid_with_namespace", int, None, "Not supported; NULL.", hidden=True),
    Column("include_remote", int, None, "Not supported; NULL.", hidden=True),
    key=("uid", "username"),
    rows=50,
    examples=("SELECT username, count(*) FROM processes JOIN users USING (uid) GROUP BY 1 ORDER BY 2 DESC",),
)
def users(system: Snapshot, uid: Values[int] = None) -> Iterable[User]:
    """User accounts, one row each."""
    return system.users(uid)
