"""osquery_schedule: the queries that osqueryd would run. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlports.schema import BIGINT, Column, table
from sqlports.sources import osquery_conf
from sqlports.sources.snapshot import Snapshot


class Scheduled(NamedTuple):
    """A query as a row. What it would have cost is 0: nothing is run by a schedule here."""

    name: str
    query: str
    interval: int
    never: int = 0


@table(
    Column("name", str, "name", "Its name, as osquery's logs have it: pack_PACK_NAME for that of a pack."),
    Column("query", str, "query", "Its SQL."),
    Column("interval", int, "interval", "How often it is run, in seconds."),
    Column("executions", BIGINT, "never", "How often it was run by the schedule: never, here."),
    Column("last_executed", BIGINT, "never", "When it was run last; 0 for never."),
    Column("denylisted", int, "never", "1 for one that is not run since it took too much; 0 here."),
    Column("output_size", BIGINT, "never", "Size of its results, in bytes; 0 here."),
    Column("wall_time", BIGINT, "never", "Time that it took, in seconds; 0 here."),
    Column("wall_time_ms", BIGINT, "never", "Time that it took, in milliseconds; 0 here."),
    Column("last_wall_time_ms", BIGINT, "never", "Time that it took last, in milliseconds; 0 here."),
    Column("user_time", BIGINT, "never", "Processor time in user mode, in milliseconds; 0 here."),
    Column("last_user_time", BIGINT, "never", "The same of its last run, in milliseconds; 0 here."),
    Column("system_time", BIGINT, "never", "Processor time in the kernel, in milliseconds; 0 here."),
    Column("last_system_time", BIGINT, "never", "The same of its last run, in milliseconds; 0 here."),
    Column("average_memory", BIGINT, "never", "Memory that it took on average, in bytes; 0 here."),
    Column("last_memory", BIGINT, "never", "Memory that it took last, in bytes; 0 here."),
    Column("blacklisted", int, "never", "denylisted, by its former name.", hidden=True),
    key=("name",),
    osquery="last_memory",
    rows=50,
    examples=("SELECT name, interval, query FROM osquery_schedule",),
)
def osquery_schedule(system: Snapshot) -> Iterable[Scheduled]:
    """Queries of the schedule and of the packs that are active, one row each.

    Those of a pack of which that is not known are here too. Nothing runs them by the schedule: all counts are 0.
    """
    return system.memo("osquery_schedule", lambda: list(_scheduled(system).values()))


def _scheduled(system: Snapshot) -> dict[str, Scheduled]:
    active = osquery_conf.active(system)
    found = [query for pack in osquery_conf.of(system).packs if active[pack.name] is not False for query in pack.queries]
    return {query.name: Scheduled(query.name, query.query, query.interval) for query in found}
