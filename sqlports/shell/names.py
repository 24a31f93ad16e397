"""The names that a statement can use: tables and views, their columns, functions, and how SQL needs them written."""

from __future__ import annotations

import os
import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    import apsw

    from sqlports.about.functions import Function


# What is listed as functions and is keywords, and what is refused whatever it is given.
_NOT_CALLED = {"current_date", "current_time", "current_timestamp", "load_extension"}


class Relation(NamedTuple):
    """A table or view: its name, 'table' or 'view', and what it tells."""

    name: str
    kind: str
    doc: str = ""


class Column(NamedTuple):
    """A column of a table or view, or of what a query gives.

    type     SQL's; '' where there is none
    choices  the texts that it has, where they are few: all that there are, or those that its doc begins with
    origin   the table and the column that it is, maybe under another name; None for an expression
    """

    name: str
    type: str = ""
    doc: str = ""
    hidden: bool = False
    choices: tuple[str, ...] = ()
    origin: tuple[str, str] | None = None


class Names:
    """What a statement can name: tables and views, those made on this connection too, their columns, and functions.

    habits  how often each word stands in what was typed
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self.habits: Counter[str] = Counter()
        self._declared: dict[str, Relation] = {}
        self._made: dict[str, Relation] = {}
        self._made_by: list[tuple[Any, ...]] = []
        self._columns: dict[str, list[Column]] = {}
        self._made_columns: dict[str, list[Column]] = {}
        self._shapes: dict[str, list[tuple[str, str, bool]]] = {}
        self._functions: list[Function] = []
        self._written: dict[str, str] = {}
        self._kinds: dict[str, set[str]] = {}

    def refresh(self) -> None:
        """Learn what was made and dropped on this connection since."""
        query = "SELECT name, type, sql FROM temp.sqlite_schema"
        made = self._rows(f"{query} UNION ALL {query.replace('temp.', 'main.')} ORDER BY name")
        if made != self._made_by:
            # What is new changes no other's columns; what is gone may.
            if not set(self._made_by) <= set(made):
                self._made_columns = {}
                self._shapes = {}
            self._made_by, self._kinds = made, {}
            here = {name: kind for name, kind, _ in made if kind in ("table", "view")}
            self._made = {name: Relation(name, kind, "Made here.") for name, kind in here.items() if name not in self._known()}

    def relations(self) -> list[Relation]:
        """The tables and views, and after them those that were made here."""
        self.refresh()
        return [*self._known().values(), *self._made.values()]

    def by_use(self) -> list[Relation]:
        """The same, those first that are named most often: in what was typed, and in the queries that come along."""
        usual = usage()
        return sorted(self.relations(), key=lambda found: (-self.habits[found.name], -usual[found.name], found.name))

    def note(self, text: str) -> None:
        """Remember the words of an input as what its author uses."""
        self.habits.update(re.findall(r"[^\W\d]\w*", text))

    def sql(self, relation: str) -> str | None:
        """The statement that made a table or view here; None when none did."""
        query = "SELECT sql FROM temp.sqlite_schema WHERE lower(name) = lower(?1) UNION ALL "
        rows = self._rows(query + query.replace("temp.", "main.").removesuffix(" UNION ALL "), relation)
        return str(rows[0][0]) if rows else None

    def columns(self, relation: str) -> list[Column]:
        """The columns of a table or view, hidden ones last; none when there is no such table."""
        from sqlports import registry

        name = relation.lower()
        # What is made here may be dropped, and made anew.
        known = self._columns if name in (*registry.table_names(), *registry.view_names()) else self._made_columns
        if name not in known:
            found = self._of_table(name) if name in registry.table_names() else self._of_view(name)
            if not found:
                return []
            known[name] = sorted(found, key=lambda column: column.hidden)
        return known[name]

    def column_names(self, relation: str) -> list[str]:
        """The names of the same columns but for hidden ones: that costs a tenth of what all of a view's columns do."""
        return [name for name, _, hidden in self._shape(relation.lower()) if not hidden]

    def kinds(self) -> dict[str, set[str]]:
        """What each name is, in small letters: 'table', 'column', 'function', or several of these."""
        relations = self.relations()
        if not self._kinds:
            found: dict[str, set[str]] = {}
            for relation in relations:
                found.setdefault(relation.name.lower(), set()).add("table")
                for name, *_ in self._shape(relation.name.lower()):
                    found.setdefault(name.lower(), set()).add("column")
            for function in self.functions():
                found.setdefault(function.name, set()).add("function")
            self._kinds = found
        return self._kinds

    def functions(self) -> list[Function]:
        """The functions of SQL that this connection has, and what gives rows as a table does."""
        from sqlports.about.functions import Function, functions

        if not self._functions:
            rows = self._rows("SELECT name, max(builtin) FROM pragma_function_list GROUP BY name")
            there = dict(rows)
            # What gives rows is not listed before it is used; it is there where its kind is.
            told = [one for one in functions() if (one.name.split("_")[0] if one.kind == "rows" else one.name) in there]
            known = {function.name for function in functions()}
            others = [name for name, builtin in rows if builtin and name.isidentifier() and name not in known]
            self._functions = [*told, *(Function(name, "…", "function", "") for name in others if name not in _NOT_CALLED)]
        return self._functions

    def quoted(self, name: str) -> str:
        """The name as SQL needs it written."""
        if name not in self._written:
            self._written[name] = name if self._is_plain(name) else '"' + name.replace('"', '""') + '"'
        return self._written[name]

    def _is_plain(self, name: str) -> bool:
        import apsw

        if not re.fullmatch(r"[A-Za-z_]\w*", name):
            return False
        # Most keywords may be names; SQLite knows which.
        return name.upper() not in apsw.keywords or bool(self._rows(f"SELECT 1 AS {name}"))

    def _known(self) -> dict[str, Relation]:
        from sqlports.about import catalogue

        if not self._declared:
            self._declared = {row[0]: Relation(*row) for row in catalogue.relations()}
        return self._declared

    @staticmethod
    def _of_table(name: str) -> list[Column]:
        from sqlports import registry
        from sqlports.schema import SQL_TYPES

        return [
            Column(
                column.name,
                SQL_TYPES[column.kind],
                column.doc,
                column.hidden,
                column.choices or _listed(column.doc),
                (name, column.name),
            )
            for column in registry.table(name).columns
        ]

    def _shape(self, name: str) -> list[tuple[str, str, bool]]:
        """The names of a table's or view's columns, their types, and whether they are hidden."""
        from sqlports import registry
        from sqlports.schema import SQL_TYPES

        if name in registry.table_names():
            return [(column.name, SQL_TYPES[column.kind], column.hidden) for column in registry.table(name).columns]
        if name not in self._shapes:
            rows = self._rows("SELECT name, type, hidden FROM pragma_table_xinfo(?)", name)
            if not rows:
                return []
            self._shapes[name] = [(column, declared, bool(hidden)) for column, declared, hidden in rows]
        return self._shapes[name]

    def _of_view(self, name: str) -> list[Column]:
        """The columns of a view, or of what was made here: what they show is told by the columns that they are of."""
        from sqlports import registry
        from sqlports.column import SPOKEN

        rows = self._shape(name)
        docs = registry.view(name).columns if name in registry.view_names() else {}
        origins = self._origins(name) if rows else []
        tables = {origin[0] for origin in origins if origin}
        there = {(table, known.name): known for table in tables for known in self.columns(table)}
        found = []
        for number, (column, declared, hidden) in enumerate(rows):
            origin = origins[number] if number < len(origins) else None
            own = there.get(origin) if origin else None
            doc = docs.get(column) or (own.doc if own else "")
            kind = SPOKEN.get(declared, declared)
            found.append(Column(column, kind, doc, hidden, own.choices if own else (), own.origin if own else None))
        return found

    def _origins(self, name: str) -> Sequence[tuple[str, str] | None]:
        """The table and the column that each column of a view is, as SQLite tells before anything is run."""
        import apsw

        described: list[tuple[str, str] | None] = []

        def stop(cursor: apsw.Cursor, *_: object) -> bool:
            described.extend((row[3], row[4]) if row[3] and row[4] else None for row in cursor.description_full or ())
            return False

        cursor = self.connection.cursor()
        cursor.exec_trace = stop
        query = f"SELECT * FROM {self.quoted(name)}"  # noqa: S608 nothing but a name, in quotes
        try:
            cursor.execute(query)
        except (apsw.Error, UnicodeError):
            # Stopped before its first row; or a table in it cannot be read as a whole.
            pass
        finally:
            cursor.close(True)
        # A table that was made here is its own origin.
        return [None if origin and origin[0].lower() == name else origin for origin in described]

    def _rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """What SQLite says of itself; nothing when it cannot, as of a view whose table is gone."""
        import apsw

        try:
            return list(self.connection.execute(sql, values))
        except (apsw.Error, UnicodeError):
            return []


def _listed(doc: str) -> tuple[str, ...]:
    """The texts that a doc begins with: "'file', 'socket', 'pipe', …"."""
    found = re.match(r"('[\w-]{2,}'(, | or )?){2,}", doc)
    return tuple(re.findall(r"[\w-]+", found[0].replace(" or ", " "))) if found else ()


@cache
def usage() -> Counter[str]:
    """In how many queries that come along each name, function (`count(`) and text ('LISTEN', with its quotes) is."""
    from sqlports import registry
    from sqlports.queries.saved import SHIPPED

    texts = [" ".join(registry.table(name).examples) for name in registry.table_names()]
    texts += [registry.view(name).sql for name in registry.view_names()]
    for name in os.listdir(SHIPPED):
        if name.endswith(".sql"):
            with open(os.path.join(SHIPPED, name), encoding="utf-8") as file:
                texts.append(file.read())
    return Counter(word for text in texts for word in set(re.findall(r"(?<=FROM )\w+|(?<=JOIN )\w+|'[\w-]+'|\w+\(", text)))


def warm() -> None:
    """Import and read in advance what the first candidates need: a tenth of a second. Nothing here asks a connection."""
    from sqlports import vtab  # noqa: F401 it is to be imported, as are those below
    from sqlports.about import catalogue
    from sqlports.about.functions import functions
    from sqlports.shell.completion import commands, joins, sql  # noqa: F401

    list(catalogue.relations())
    usage()
    functions()
    joins.bearers([])
