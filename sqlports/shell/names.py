"""The names that a statement can use: tables and views, their columns, functions, and how SQL needs them written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import apsw


class Relation(NamedTuple):
    """A table or view: its name, 'table' or 'view', and what it tells."""

    name: str
    kind: str
    doc: str = ""


class Column(NamedTuple):
    """A column of a table or view; the type is SQL's, '' where there is none."""

    name: str
    type: str = ""
    doc: str = ""
    hidden: bool = False


class Function(NamedTuple):
    """A function of SQL and its kind."""

    name: str
    kind: str


class Names:
    """What a statement can name: tables and views, those made on this connection too, their columns, and functions."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._declared: dict[str, Relation] = {}
        self._columns: dict[str, list[Column]] = {}
        self._functions: list[Function] = []
        self._plain: dict[str, bool] = {}

    def relations(self) -> list[Relation]:
        """The tables and views, and after them those that were made here."""
        from sqlports import catalogue

        if not self._declared:
            self._declared = {row[0]: Relation(*row) for row in catalogue.relations()}
        made = self._rows(
            "SELECT name, type FROM temp.sqlite_schema UNION SELECT name, type FROM main.sqlite_schema ORDER BY name"
        )
        there = [Relation(name, kind) for name, kind in made if kind in ("table", "view") and name not in self._declared]
        return [*self._declared.values(), *there]

    def sql(self, relation: str) -> str | None:
        """The statement that made a table or view here; None when none did."""
        query = "SELECT sql FROM temp.sqlite_schema WHERE lower(name) = lower(?1) UNION ALL "
        rows = self._rows(query + query.replace("temp.", "main.").removesuffix(" UNION ALL "), relation)
        return str(rows[0][0]) if rows else None

    def columns(self, relation: str) -> list[Column]:
        """The columns of a table or view, hidden ones last; none when there is no such table."""
        from sqlports import registry
        from sqlports.schema import SQL_TYPES

        name = relation.lower()
        if name in self._columns:
            return self._columns[name]
        if name in registry.table_names():
            declared = registry.table(name).columns
            columns = [Column(column.name, SQL_TYPES[column.type], column.doc, column.hidden) for column in declared]
        else:
            rows = self._rows("SELECT name, type, hidden FROM pragma_table_xinfo(?)", relation)
            columns = [Column(column, {"INT": "INTEGER"}.get(kind, kind), "", bool(hidden)) for column, kind, hidden in rows]
        columns.sort(key=lambda column: column.hidden)
        # What is made here may be dropped, and made anew.
        if name in registry.table_names() or (name in registry.view_names() and columns):
            self._columns[name] = columns
        return columns

    def functions(self) -> list[Function]:
        """The functions of SQL."""
        if not self._functions:
            kinds = {"a": "aggregate", "w": "aggregate or window function"}
            rows = self._rows("SELECT name, max(type) FROM pragma_function_list GROUP BY name")
            self._functions = [Function(name, kinds.get(kind, "function")) for name, kind in rows if name.isidentifier()]
        return self._functions

    def quoted(self, name: str) -> str:
        """The name as SQL needs it written."""
        import apsw

        if re.fullmatch(r"[A-Za-z_]\w*", name):
            # Most keywords may be names; SQLite knows which.
            if name not in self._plain:
                self._plain[name] = name.upper() not in apsw.keywords or bool(self._rows(f"SELECT 1 AS {name}"))
            if self._plain[name]:
                return name
        return '"' + name.replace('"', '""') + '"'

    def _rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """What SQLite says of itself; nothing when it cannot, as of a view whose table is gone."""
        import apsw

        try:
            return list(self.connection.execute(sql, values))
        except apsw.Error:
            return []
