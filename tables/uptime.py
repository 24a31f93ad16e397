"""uptime: how long the system runs, since its boot, sleep included. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel_files import Uptime
from sqlports.sources.snapshot import Snapshot


@table(
    Column("days", int, "days", "Whole days of it."),
    Column("hours", int, "hours", "Hours beyond these, 0 to 23."),
    Column("minutes", int, "minutes", "Minutes beyond these, 0 to 59."),
    Column("seconds", int, "seconds", "Seconds beyond these, 0 to 59."),
    Column("total_seconds", BIGINT, "total_seconds", "All of it, in seconds."),
    osquery="total_seconds",
    rows=1,
    examples=(
        "SELECT days, hours FROM uptime",
        "SELECT datetime(unix_time - total_seconds, 'unixepoch') AS booted FROM uptime, time",
    ),
)
def uptime(system: Snapshot) -> list[Uptime]:
    """The time since boot, one row."""
    return kernel.uptime(system)
