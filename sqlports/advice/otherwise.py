"""Another reading of a statement that SQLite refuses: what other databases make of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apsw

from sqlports.advice import quotes, whose
from sqlports.script import Statement


def execute(
    connection: apsw.Connection, cursor: apsw.Cursor, statement: Statement, values: Any, error: apsw.SQLError
) -> tuple[Iterable[Any], str, list[str]]:
    """Run the statement so: its rows, the SQL with texts in single quotes, and what people are told. Raises the error."""
    sql, told = whose.read(connection, statement.sql, values) if whose.is_meant(error) else (statement.sql, [])
    if told:
        try:
            return cursor.execute(sql, values, can_cache=False), sql, told
        except apsw.SQLError as another:
            error = another
    if not quotes.is_meant(error):
        raise error
    plain, texts = quotes.read(connection, sql, values, quotes.FEW)
    # The text of the statement stays as it is, for the names of columns and the places of other mistakes.
    with quotes.as_texts(connection):
        rows = cursor.execute(sql, values, can_cache=False)
    return rows, plain, told + quotes.note(texts, plain, connection)
