"""A table as apsw's `create_module` takes it: it is imported, and all that tables need, when a statement first names it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import apsw

from sqlports import registry

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot
    from sqlports.vtab import VirtualTable, Watch


class Module:
    """A table of this name, for `create_module`."""

    def __init__(
        self, name: str, hold: Callable[[], Snapshot], release: Callable[[], None], at_once: Callable[[], bool], watch: Watch
    ) -> None:
        self.name = name
        self.at_once = at_once
        self.watch = watch
        self.hold = hold
        self.release = release

    def Connect(self, db: apsw.Connection, *_: str) -> tuple[str, VirtualTable]:
        from sqlports.vtab import VirtualTable

        db.vtab_config(apsw.SQLITE_VTAB_INNOCUOUS)
        table = registry.table(self.name)
        return table.sql, VirtualTable(table, self.hold, self.release, self.at_once, self.watch)

    Create = Connect
