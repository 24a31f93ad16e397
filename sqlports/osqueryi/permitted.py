"""What a statement may do in osqueryi: read, and keep tables and views of its own in memory, as osquery permits."""

from __future__ import annotations

import apsw

from sqlports.guard import Guard

_OWN = {
    apsw.SQLITE_CREATE_TABLE,
    apsw.SQLITE_CREATE_TEMP_TABLE,
    apsw.SQLITE_CREATE_VIEW,
    apsw.SQLITE_DROP_TABLE,
    apsw.SQLITE_DROP_TEMP_TABLE,
    apsw.SQLITE_DROP_VIEW,
    apsw.SQLITE_INSERT,
    apsw.SQLITE_UPDATE,
    apsw.SQLITE_DELETE,
}


class Permitted(Guard):
    """A guard that lets tables be made and written whose name no table of the system has.

    hidden   tables that are not to be there and that only views may read
    lacking  the one that a statement wanted; None for none
    """

    def __init__(self, connection: apsw.Connection) -> None:
        super().__init__(connection)
        self.hidden: set[str] = set()
        self.lacking: str | None = None

    def __call__(self, action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
        name = (first or "").lower()
        # What reads it is a view, if anything is named.
        if action == apsw.SQLITE_READ and name in self.hidden and trigger is None:
            self.lacking = name
            return apsw.SQLITE_DENY
        if action in _OWN and name not in self._taken and (not name.startswith("sqlite_") or name == "sqlite_sequence"):
            return apsw.SQLITE_OK
        return super().__call__(action, first, second, database, trigger)
