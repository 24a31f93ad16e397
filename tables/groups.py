"""groups: the groups of the system. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Values, table
from sqlports.sources import accounts
from sqlports.sources.records import Group
from sqlports.sources.snapshot import Snapshot


@table(
    Column("gid", BIGINT, "gid", "Group id."),
    Column("gid_signed", BIGINT, "gid_signed", "Group id as a signed 32-bit number."),
    Column("groupname", str, "groupname", "Name."),
    Column("group_sid", str, None, "Windows only; NULL here.", hidden=True),
    Column("comment", str, None, "Windows only; NULL here.", hidden=True),
    Column("is_hidden", int, None, "macOS only; NULL here.", hidden=True),
    Column("pid_with_namespace", int, "pid_with_namespace", "Process whose own root has the group; 0 for none.", hidden=True),
    key=("gid", "groupname", "pid_with_namespace"),
    osquery="groupname",
    rows=60,
    each={"gid": 1, "groupname": 1},
    examples=(
        "SELECT gid FROM groups WHERE groupname = 'root'",
        "SELECT p.pid, p.name, g.groupname FROM processes p JOIN groups g ON g.gid = p.egid WHERE p.egid <> p.gid",
    ),
)
def groups(
    system: Snapshot, gid: Values[int] = None, groupname: Values[str] = None, pid_with_namespace: Values[int] = None
) -> Iterable[Group]:
    """Groups, one row for each number and name: two names of one number are two rows (osquery has the first).

    They come from the same places as the table `users`.
    """
    return accounts.groups(system, gid, groupname, pid_with_namespace)
