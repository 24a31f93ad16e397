"""The tables, views and functions of an engine's connection. A table is imported when a statement first names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import apsw

from sqlports import functions, registry

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot
    from sqlports.vtab import VirtualTable, Watch


class Module:
    """A table of this name, for `create_module`; `osquery` for one with osquery's columns alone in `SELECT *`."""

    def __init__(
        self,
        name: str,
        hold: Callable[[], Snapshot],
        release: Callable[[], None],
        at_once: Callable[[], bool],
        watch: Watch,
        osquery: bool,
    ) -> None:
        self.name = name
        self.at_once = at_once
        self.watch = watch
        self.hold = hold
        self.release = release
        self.osquery = osquery

    def Connect(self, db: apsw.Connection, *_: str) -> tuple[str, VirtualTable]:
        from sqlports.vtab import VirtualTable

        db.vtab_config(apsw.SQLITE_VTAB_INNOCUOUS)
        table = registry.table(self.name)
        if self.osquery:
            from sqlports.osqueryi.alike import alike

            table = alike(table)
        return table.sql, VirtualTable(table, self.hold, self.release, self.at_once, self.watch)

    Create = Connect


def install(
    connection: apsw.Connection,
    hold: Callable[[], Snapshot],
    release: Callable[[], None],
    at_once: Callable[[], bool],
    watch: Watch,
    osquery: bool,
    host: functions.Host,
) -> None:
    """Have a connection know all tables, functions and views."""
    for name in registry.table_names():
        # apsw's type for a module asks for methods that SQLite does not.
        module: Any = Module(name, hold, release, at_once, watch, osquery)
        connection.create_module(name, module, use_bestindex_object=True, eponymous=True, iVersion=2, read_only=True)
    functions.register(connection, host, osquery)
    for name in registry.view_names():
        connection.execute(f"CREATE TEMP VIEW {name} AS {registry.view(name).sql}")
