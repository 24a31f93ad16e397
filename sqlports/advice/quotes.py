"""Texts in double quotes, as other databases take them. In SQL such a word is a name, and stays one where it can be."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import apsw

from sqlports.advice.mistakes import columns, tables_of
from sqlports.script import Statement

# So many of them are named in a note; with more it is the same mistake.
FEW = 8

_QUOTED = re.compile(r'"((?:[^"]|"")*)"')
_BODY = re.compile(r"(?is)\bVIEW\b.*?\bAS\b")


def is_meant(error: apsw.Error) -> bool:
    """Whether an error is that a word in double quotes is no name."""
    return "should this be a string literal" in str(error)


@contextlib.contextmanager
def as_texts(connection: apsw.Connection) -> Iterator[None]:
    """While this lasts, SQLite compiles a word in double quotes that is no name as a text: it alone knows which these are."""
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 1)
    try:
        yield
    finally:
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)


def compiled(connection: apsw.Connection, sql: str, values: Any) -> None:
    """Have SQLite compile a statement and not run it. Raises apsw.Error."""
    cursor = connection.cursor()
    cursor.exec_trace = lambda *_: False
    with contextlib.suppress(apsw.ExecTraceAbort):
        cursor.execute(sql, values, can_cache=False)


def read(connection: apsw.Connection, sql: str, values: Any, few: int | None = None) -> tuple[str, list[str]]:
    """The SQL with texts in single quotes, and what these say: the first `few` of them, as SQLite comes upon them."""
    texts: list[str] = []
    while few is None or len(texts) < few:
        try:
            compiled(connection, sql, values)
        except apsw.SQLError as error:
            position = len(sql.encode()[: getattr(error, "error_offset", 0)].decode(errors="ignore"))
            found = _QUOTED.match(sql, position) if is_meant(error) else None
            if found is None:
                break
            texts.append(found[1].replace('""', '"'))
            sql = sql[:position] + "'" + texts[-1].replace("'", "''") + "'" + sql[found.end() :]
        else:
            break
    return sql, texts


def in_view(connection: apsw.Connection, statement: Statement) -> tuple[str, list[str]]:
    """The statement that makes a view, of which SQLite reads no more than it must; and the texts in it."""
    head = _BODY.search(statement.bare)
    if head is None:
        return statement.sql, []
    body, texts = read(connection, statement.sql[head.end() :], ())
    return statement.sql[: head.end()] + body, texts


def note(texts: list[str], sql: str, connection: apsw.Connection) -> list[str]:
    """What people are told of the texts."""
    told = []
    known = {column for table in tables_of(sql) for column in columns(connection, table)}
    plain = []
    for text in dict.fromkeys(texts):
        meant = _near(text, known)
        if meant:
            told.append(f'"{text}" is read as a text, for there is no such column: did you mean {meant}?')
        else:
            plain.append(f'"{text}"')
    if plain:
        more = " and others" if len(texts) >= FEW else ""
        are = "is read as a text" if len(plain) == 1 and not more else "are read as texts"
        told.append(f"{', '.join(plain)}{more} {are}: SQL writes texts in single quotes")
    return told


def _near(text: str, names: set[str]) -> str | None:
    import difflib

    close = difflib.get_close_matches(text.lower(), sorted(names), n=1, cutoff=0.8) if text.isidentifier() else []
    return close[0] if close else None
