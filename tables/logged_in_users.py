"""logged_in_users: who is logged in, by utmp(5). Columns and words follow osquery."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import BIGINT, Column, table
from sqlports.sources.logins import logins
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.utmp import TYPES, Login


@table(
    Column(
        "type",
        str,
        "type",
        "'user' for a login, 'login' for a terminal that waits for one, 'dead' for one that ended, 'boot_time', 'runlevel', …",
        choices=(*TYPES, "unknown"),
    ),
    Column("user", str, "user", "Login name."),
    Column("tty", str, "tty", "Terminal, as named in /dev."),
    Column("host", str, "host", "Where the login came from; the kernel's version beside 'boot_time'."),
    Column("time", BIGINT, "time", "When, in seconds since 1970."),
    Column("pid", int, "pid", "Process that was logged in with."),
    Column("sid", str, None, "Windows only; NULL here.", hidden=True),
    Column("registry_hive", str, None, "Windows only; NULL here.", hidden=True),
    osquery="pid",
    rows=10,
    examples=(
        "SELECT user, tty, host, datetime(time, 'unixepoch') FROM logged_in_users WHERE type = 'user'",
        "SELECT l.user, l.host, p.name FROM logged_in_users l JOIN processes p USING (pid) WHERE l.type = 'user'",
    ),
)
def logged_in_users(system: Snapshot) -> Iterable[Login]:
    """Records of logins, one row each, in the order of the system's file.

    Systems without that file, as systemd can be built since 256, have none here; scan_errors tells so.
    """
    return logins(system)
