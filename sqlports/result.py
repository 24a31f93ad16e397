"""What a statement gave: its rows as they are asked for, what its columns are, and what people should know of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import apsw

from sqlports.script import Statement, Token, tokens

# A column of a result as SQLite describes it: its name, declared type, and the database, table and column that it is.
Described = tuple[str, str | None, str | None, str | None, str | None]

_COMPOUND = ("union", "except", "intersect")


class Prepared(NamedTuple):
    """A statement that was not run: the columns it would give, and the (table, column) that it would read."""

    statement: Statement
    columns: tuple[str, ...]
    reads: frozenset[tuple[str, str]]


class Result:
    """The rows of one statement, read as they are asked for. Iterate it, once: tuples of int, float, str, bytes and None.

    statement  the statement
    columns    their names, in order; a name may come twice
    types      the declared type of each: 'INTEGER', 'TEXT', …; '' for an expression
    origins    the table and the column that each is, through views and sub-queries too; None for an expression
    notes      what people should know of how the statement was understood

    A column to which several SELECTs give their values (UNION, EXCEPT, INTERSECT) is taken for an expression.
    """

    def __init__(
        self,
        statement: Statement,
        described: Sequence[Described],
        rows: Iterator[tuple[Any, ...]],
        notes: list[str],
        connection: apsw.Connection,
    ) -> None:
        # SQLite tells of one of these SELECTs only.
        mixed = _mixed(statement.sql, _views(connection)) if any(column[3] for column in described) else set()
        sure = [
            not (str(table).lower() in mixed and (str(column).lower() in mixed or "*" in mixed))
            for _, _, _, table, column in described
        ]
        self.statement = statement
        self.columns = tuple(column[0] for column in described)
        self.types = tuple((known and column[1]) or "" for column, known in zip(described, sure, strict=True))
        self.origins = tuple(
            (column[3], column[4]) if known and column[3] and column[4] else None
            for column, known in zip(described, sure, strict=True)
        )
        self.notes = notes
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def close(self) -> None:
        """Give up the rows not read yet, and with them the snapshot."""
        close = getattr(self._rows, "close", None)
        if close:
            close()


def _views(connection: apsw.Connection) -> Mapping[str, str]:
    """The SQL of each view."""
    # A statement that is being stopped gives no rows, of which nothing needs to be known.
    with suppress(apsw.Error):
        sql = "SELECT lower(name), sql FROM sqlite_schema WHERE type = 'view' UNION ALL "
        return dict(connection.execute(sql + sql.replace("sqlite_", "sqlite_temp_").removesuffix("UNION ALL ")))
    return {}


def _mixed(sql: str, views: Mapping[str, str]) -> set[str]:
    """The names that stand where several SELECTs give one result, in small letters; '*' among them for all of a table."""
    found: set[str] = set()
    read: set[str] = set()
    texts = [sql]
    while texts:
        text = texts.pop()
        small = text.lower()
        if not any(word in small for word in (*_COMPOUND, *views)):
            continue
        words = tokens(text)
        for part in _parts(words):
            found |= _names(part)
        named = views.keys() & _names(words) - read
        read |= named
        texts += [views[name] for name in named]
    # A view that is mixed with others is all that it is made of.
    left = views.keys() & found
    while left:
        more = _names(tokens(views[left.pop()])) - found
        found |= more
        left |= views.keys() & more
    return found


def _parts(words: list[Token]) -> Iterator[list[Token]]:
    """The words of each bracket that has several SELECTs, of the whole if it has; and then what WITH gives a name."""
    opened, compound, given, is_any = [-1], [False], [], False
    for number, word in enumerate(words):
        if word.text == "(":
            opened.append(number)
            compound.append(False)
        elif word.text == ")" and len(opened) > 1:
            start = opened.pop()
            if compound.pop():
                yield words[start:number]
            elif words[start - 1].word in ("AS", "MATERIALIZED"):
                given.append(words[start:number])
        elif word.word.lower() in _COMPOUND:
            compound[-1] = is_any = True
    if compound[0]:
        yield words
    if is_any:
        yield from given


def _names(words: list[Token]) -> set[str]:
    return {word.text.strip('"`[]').lower() for word in words if word.kind in ("name", "quoted") or word.text == "*"}
