"""osquery_flags: the flags of osqueryi. Columns follow osquery."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlports.schema import Column, table
from sqlports.sources.snapshot import Snapshot


class Setting(NamedTuple):
    """A flag and what it is set to."""

    name: str
    type: str
    description: str
    default_value: str
    value: str
    shell_only: int


@table(
    Column("name", str, "name", "Its name, without dashes."),
    Column("type", str, "type", "Type of its value.", choices=("bool", "string", "int32", "uint64")),
    Column("description", str, "description", "What it does, 'Without effect here' for one that sqlports only accepts."),
    Column("default_value", str, "default_value", "Its value unless it is set."),
    Column("value", str, "value", "Its value."),
    Column("shell_only", int, "shell_only", "1 where osquery's shell alone has it, 0 where osqueryd has it too."),
    key=("name",),
    osquery="shell_only",
    rows=140,
    each={"name": 1},
    examples=("SELECT name, value FROM osquery_flags WHERE default_value <> value", "SELECT * FROM osquery_flags LIMIT 5"),
)
def osquery_flags(system: Snapshot) -> Iterable[Setting]:
    """Flags of `sqlports osqueryi`, one row each, with what this run was given; their defaults everywhere else.

    Flags of one letter are left out, as osquery does.
    """
    from sqlports.osqueryi.flags import DEFAULTS, FLAGS

    values = getattr(system.settings, "values", DEFAULTS.values)
    return [
        Setting(flag.name, flag.type, flag.doc, flag.default, values[flag.name], int(flag.shell_only))
        for flag in FLAGS.values()
        if len(flag.name) > 2
    ]
