"""osquery_packs: the packs of osquery's configuration. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sqlports.schema import Column, table
from sqlports.sources import osquery_conf
from sqlports.sources.snapshot import Snapshot


class Listed(NamedTuple):
    """A pack as a row."""

    name: str
    platform: str
    version: str
    shard: int
    asked: int
    active: int | None
    never: int = 0


@table(
    Column("name", str, "name", "Its name; 'main' for the schedule itself."),
    Column("platform", str, "platform", "Systems that it is for; '' for all."),
    Column("version", str, "version", "Version of osquery that it needs; '' for any.", collate="VERSION"),
    Column("shard", int, "shard", "Share of machines that it is for, in percent; 0 for all."),
    Column("discovery_cache_hits", int, "never", "How often an earlier answer was used: never, here."),
    Column("discovery_executions", int, "asked", "How often its discovery queries were run."),
    Column(
        "active",
        int,
        "active",
        "1 where it is for this machine and its discovery queries give rows. They are run in `sqlports osqueryi` alone: "
        "elsewhere NULL for a pack that has some.",
    ),
    key=("name",),
    osquery="active",
    rows=5,
    examples=("SELECT name, platform, active FROM osquery_packs",),
)
def osquery_packs(system: Snapshot) -> Iterable[Listed]:
    """Packs, one row each: those of --config_path of `sqlports osqueryi`, or of /etc/osquery/osquery.conf; none without it."""
    return system.memo("osquery_packs", lambda: list(_listed(system)))


def _listed(system: Snapshot) -> Iterator[Listed]:
    active = osquery_conf.active(system)
    for pack in osquery_conf.of(system).packs:
        is_active = active[pack.name]
        asked = bool(pack.discovery) and is_active is not None
        yield Listed(
            pack.name, pack.platform, pack.version, pack.shard, int(asked), None if is_active is None else int(is_active)
        )
