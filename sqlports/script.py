"""A script of SQL: its statements, the parameters each needs, and what to say when one is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apsw

from sqlports import registry
from sqlports.errors import Place, QueryError, missing, nearest, place


class Statement(NamedTuple):
    """One statement: its SQL, the script it stands in, and where; `bare` is the SQL without texts and comments (`blank`)."""

    sql: str
    script: str
    start: int
    bare: str

    @property
    def lists_only(self) -> bool:
        """Whether what stands behind each IN is a list of values, and no query or table."""
        return not _IN_QUERY.search(self.bare)

    @property
    def makes_view(self) -> bool:
        """Whether it makes a view, whose text becomes a part of later statements."""
        return bool(re.search(r"(?i)\bVIEW\b", self.bare))

    def needed(self, parameters: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """The parameters, checked. Raises QueryError, naming each, when the statement needs others."""
        if not isinstance(parameters, Mapping):
            return parameters
        if "?" in self.bare:
            raise QueryError("a parameter without a name has no value", hint="write :NAME and give it with -p NAME=VALUE")
        names = {name for name in _PARAMETER.findall(self.bare) if name not in parameters}
        if names:
            listed = ", ".join(f":{name}" for name in sorted(names))
            raise QueryError(f"no value for {listed}", hint=f"give it with -p {sorted(names)[0]}=VALUE")
        return parameters


def split(script: str) -> Iterator[Statement]:
    """The statements of a script. Their ends are where SQLite says so, not at every semicolon.

    Raises QueryError for a script with a character that no SQL has.
    """
    wrong = re.search("[\0\ud800-\udfff]", script)
    if wrong:
        raise QueryError(f"no SQL has the character {wrong[0]!r}", place(script, wrong.start()))
    start = end = 0
    while end < len(script):
        semicolon = script.find(";", end)
        end = semicolon + 1 if semicolon >= 0 else len(script)
        if semicolon < 0 or apsw.complete(script[start:end]):
            sql = script[start:end]
            if _tokens(sql):
                yield Statement(sql, script, start, blank(sql))
            start = end


_IN_QUERY = re.compile(r"(?i)\bIN\b(?!\s*\((?!\s*(?:(?:SELECT|WITH|VALUES)\b|\()))")

_PARAMETER = re.compile(r"[:@$]([A-Za-z_]\w*)")

# What may hide a name, a colon or a semicolon: texts, quoted names, comments.
_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]"
_COMMENT = r"--[^\n]*|/\*.*?(?:\*/|\Z)"
_SKIP = re.compile(rf"{_QUOTED}|{_COMMENT}", re.DOTALL)
_COMMENTS = re.compile(rf"({_QUOTED})|{_COMMENT}", re.DOTALL)


def blank(sql: str) -> str:
    """The SQL with texts, quoted names and comments overwritten by spaces, all else where it was."""
    return _SKIP.sub(lambda found: " " * len(found[0]), sql)


def _tokens(sql: str) -> str:
    return _COMMENTS.sub(lambda found: found[1] or " ", sql).strip().strip(";").strip()


def explain(error: apsw.Error, statement: Statement, connection: apsw.Connection) -> QueryError:
    """SQLite's error with the place it speaks of and the name that was probably meant."""
    message = str(error)
    absent = missing(message)
    if message == "incomplete input":
        return QueryError(message, _place(statement, len(statement.sql.rstrip())))
    if isinstance(error, apsw.SQLError) and "no query solution" in message:
        return QueryError(_required(statement) or message)
    offset = getattr(error, "error_offset", -1)
    if absent is None:
        ambiguous = message.removeprefix("ambiguous column name: ")
        hint = f"say whose: TABLE.{ambiguous}" if ambiguous != message else None
        return QueryError(message, _place(statement, _characters(statement.sql, offset)) if offset >= 0 else None, hint)
    kind, name = absent
    if offset < 0:
        found = re.search(rf"(?i)\b{re.escape(name.split('.')[-1])}\b", statement.bare)
        position = found.start() if found else None
    else:
        position = _characters(statement.sql, offset)
    meant = nearest(name.split(".")[-1], _names(kind, statement.sql, connection))
    return QueryError(
        message,
        _place(statement, position) if position is not None else None,
        f"did you mean {meant}?" if meant else None,
    )


def _characters(sql: str, offset: int) -> int:
    """SQLite counts bytes; people count characters."""
    return len(sql.encode()[:offset].decode(errors="ignore"))


def _place(statement: Statement, position: int) -> Place:
    return place(statement.script, statement.start + position)


def _names(kind: str, sql: str, connection: apsw.Connection) -> list[str]:
    """The names of a kind that this statement could have used."""
    relations = [*registry.table_names(), *registry.view_names()]
    if kind == "table":
        return relations
    if kind == "function":
        return [str(row[0]) for row in connection.execute("SELECT DISTINCT name FROM pragma_function_list")]
    if kind != "column":
        return []
    words = set(re.findall(r"\w+", sql.lower()))
    return [column for name in relations if name in words for column in columns(connection, name)]


def distinct(columns: Sequence[str]) -> list[str]:
    """The column names with a second `pid` as `pid:1`, as SQLite itself tells them apart: two columns stay two."""
    found: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in found:
            number += 1
            name = f"{column}:{number}"
        found.append(name)
    return found


def columns(connection: apsw.Connection, name: str) -> list[str]:
    """The names of a table's or a view's columns, hidden ones too."""
    return [str(row[1]) for row in connection.execute(f"PRAGMA table_xinfo({name})")]


def _required(statement: Statement) -> str | None:
    """Which tables of the statement cannot do without a WHERE, and which."""
    words = set(re.findall(r"\w+", statement.sql.lower()))
    tables = [registry.table(name) for name in registry.table_names() if name in words]
    return "; ".join(table.lacking for table in tables if table.needed) or None
