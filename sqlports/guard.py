"""What a query may do: read, and keep temporary views. Everything else is refused, as in osquery."""

from __future__ import annotations

import apsw

from sqlports import registry

_READING = {
    apsw.SQLITE_SELECT,
    apsw.SQLITE_READ,
    apsw.SQLITE_RECURSIVE,
    apsw.SQLITE_TRANSACTION,
    apsw.SQLITE_SAVEPOINT,
    apsw.SQLITE_CREATE_TEMP_VIEW,
    apsw.SQLITE_DROP_TEMP_VIEW,
}

# Pragmas that tell and cannot set, or set only how this connection compares.
_PRAGMAS = {
    "collation_list",
    "compile_options",
    "case_sensitive_like",
    "database_list",
    "function_list",
    "module_list",
    "pragma_list",
    "table_info",
    "table_list",
    "table_xinfo",
}

_CATALOGUE = {"sqlite_master", "sqlite_temp_master"}

# One loads code, the other takes and gives raw pointers.
_FUNCTIONS = {"load_extension", "fts3_tokenizer"}

# SQLite's own tables without a file behind them, beside the pragmas; of others nobody knows what they lead to.
_TABLES = {"json_each", "json_tree", "jsonb_each", "jsonb_tree", "sqlite_schema", "sqlite_temp_schema"}
_WRITES = {apsw.SQLITE_INSERT, apsw.SQLITE_UPDATE, apsw.SQLITE_DELETE}


class Guard:
    """An authorizer: SQLite calls it for each thing a statement would do. It remembers what it refused last."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.denied: str | None = None
        self._dropping: str | None = None
        ours = {*registry.table_names(), *_TABLES}
        modules = {str(row[0]).lower() for row in connection.execute("SELECT name FROM pragma_module_list")}
        self._foreign = {name for name in modules if name not in ours and not name.startswith("pragma_")}
        self._taken = modules | ours | set(registry.view_names())

    def __call__(self, action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
        if action in _READING and self._is_harmless(action, first):
            if action == apsw.SQLITE_DROP_TEMP_VIEW:
                self._dropping = first
            return apsw.SQLITE_OK
        if action == apsw.SQLITE_FUNCTION and (second or "").lower() not in _FUNCTIONS:
            return apsw.SQLITE_OK
        if action == apsw.SQLITE_PRAGMA and (first or "").lower() in _PRAGMAS:
            return apsw.SQLITE_OK
        # To make or drop a temporary view writes the catalogue, which cannot be written to by itself.
        if action in _WRITES and (first in _CATALOGUE or first == self._dropping):
            return apsw.SQLITE_OK
        self.denied = self.denied or _describe(action, first, second)
        return apsw.SQLITE_DENY

    def _is_harmless(self, action: int, name: str | None) -> bool:
        """Whether reading the table, or making or dropping the view of this name, is."""
        name = (name or "").lower()
        if action == apsw.SQLITE_READ:
            return name not in self._foreign
        if action in (apsw.SQLITE_CREATE_TEMP_VIEW, apsw.SQLITE_DROP_TEMP_VIEW):
            # A view of this name would hide a table, or is one of ours.
            return name not in self._taken and not name.startswith("pragma_")
        return True

    def reason(self) -> str | None:
        """The refusal in words; None when nothing was refused."""
        if self.denied is None:
            return None
        return f"{self.denied} is refused: queries only read. --write permits it (in Python, Engine(write=True))"


def _describe(action: int, first: str | None, second: str | None) -> str:
    if action == apsw.SQLITE_FUNCTION:
        return f"{second}()"
    if action == apsw.SQLITE_PRAGMA:
        return f"PRAGMA {first}"
    if action == apsw.SQLITE_READ:
        return f"table {first}"
    name = apsw.mapping_authorizer_function[action]
    assert isinstance(name, str)
    return name.removeprefix("SQLITE_").replace("_", " ").replace("VTABLE", "VIRTUAL TABLE")
