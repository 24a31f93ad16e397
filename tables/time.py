"""time: what time it is. Columns and words follow osquery."""

from __future__ import annotations

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import kernel
from sqlports.sources.kernel import Time
from sqlports.sources.snapshot import Snapshot


@table(
    Column("weekday", str, "weekday", "'Monday', …"),
    Column("year", int, "year", "Year."),
    Column("month", int, "month", "Month, 1 to 12."),
    Column("day", int, "day", "Day of the month."),
    Column("hour", int, "hour", "Hour, 0 to 23."),
    Column("minutes", int, "minutes", "Minute."),
    Column("seconds", int, "seconds", "Second."),
    Column("timezone", str, "timezone", "'UTC': the zone of all these."),
    Column("local_timezone", str, "local_timezone", "Abbreviation of the zone that this system lives in."),
    Column("unix_time", int, "unix_time", "The moment, in seconds since 1970."),
    Column("timestamp", str, "timestamp", "As 'Tue Nov 24 02:03:04 2026 UTC'."),
    Column("datetime", str, "iso_8601", "As '2026-11-24T02:03:04Z'."),
    Column("iso_8601", str, "iso_8601", "The same."),
    Column("win_timestamp", BIGINT, None, "Windows only; NULL here.", hidden=True),
    Column("date_time", str, "iso_8601", "datetime, under its second name.", hidden=True),
    osquery="iso_8601",
    rows=1,
    examples=("SELECT unix_time, iso_8601 FROM time",),
)
def time(system: Snapshot) -> list[Time]:
    """The moment of the look, one row, in UTC."""
    return kernel.now(system)
