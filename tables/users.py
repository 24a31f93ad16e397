"""users: the accounts of the system. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Values, table
from sqlports.sources import accounts
from sqlports.sources.records import User
from sqlports.sources.snapshot import Snapshot


@table(
    Column("uid", BIGINT, "uid", "User id."),
    Column("gid", BIGINT, "gid", "Primary group id.", references="groups.gid"),
    Column("uid_signed", BIGINT, "uid_signed", "User id as a signed 32-bit number."),
    Column("gid_signed", BIGINT, "gid_signed", "Primary group id as a signed 32-bit number."),
    Column("username", str, "username", "Login name."),
    Column("description", str, "description", "Full name or comment (the GECOS field)."),
    Column("directory", str, "directory", "Home directory."),
    Column("shell", str, "shell", "Login shell."),
    Column("uuid", str, None, "macOS and Windows only; NULL here.", collate="NOCASE"),
    Column("type", str, None, "Windows only; NULL here.", hidden=True),
    Column("is_hidden", int, None, "macOS only; NULL here.", hidden=True),
    Column("pid_with_namespace", int, "pid_with_namespace", "Process whose own root has the account; 0 for none.", hidden=True),
    Column(
        "include_remote",
        int,
        "include_remote",
        "1 for accounts by the name service, as LDAP's are; 0, where it is asked for, for those of /etc/passwd alone.",
        hidden=True,
    ),
    key=("uid", "username", "pid_with_namespace", "include_remote"),
    osquery="uuid",
    rows=50,
    each={"uid": 1, "username": 1},
    examples=(
        "SELECT username, count(*) FROM processes JOIN users USING (uid) GROUP BY 1 ORDER BY 2 DESC",
        "SELECT uid, directory FROM users WHERE username = 'root'",
        "SELECT p.pid, u.username FROM processes p JOIN users u ON u.uid = p.uid AND u.pid_with_namespace = p.pid",
    ),
)
def users(
    system: Snapshot,
    uid: Values[int] = None,
    username: Values[str] = None,
    pid_with_namespace: Values[int] = None,
    include_remote: Values[int] = None,
) -> Iterable[User]:
    """User accounts, one row each.

    The name service is asked: of a server that does not list its accounts, those are here that are asked for by uid or name.
    Of another system (`--root`), and of a container by the number of a process in it (`pid_with_namespace`), it is the file.
    """
    return accounts.users(system, uid, username, pid_with_namespace, include_remote)
