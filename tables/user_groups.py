"""user_groups: which account is in which groups. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, Values, table
from sqlports.sources import accounts
from sqlports.sources.accounts import Membership
from sqlports.sources.snapshot import Snapshot


@table(
    Column("uid", BIGINT, "uid", "User id.", references="users.uid"),
    Column(
        "gid", BIGINT, "gid", "Id of a group that the user is in: the primary one, and each other.", references="groups.gid"
    ),
    key=("uid", "gid"),
    osquery="gid",
    rows=80,
    each={"uid": 2},
    examples=(
        "SELECT g.groupname FROM user_groups JOIN groups g USING (gid) WHERE uid = 0",
        "SELECT u.username FROM groups g JOIN user_groups USING (gid) JOIN users u USING (uid) WHERE g.groupname = 'sudo'",
    ),
)
def user_groups(system: Snapshot, uid: Values[int] = None) -> Iterable[Membership]:
    """Memberships, one row for each (user, group). Accounts of one uid share them."""
    return accounts.memberships(system, uid)
