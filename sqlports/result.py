"""What a statement gave: its rows as they are asked for, what its columns are, and what people should know of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlports.script import Statement

# A column of a result as SQLite describes it: its name, declared type, and the database, table and column that it is.
Described = tuple[str, str | None, str | None, str | None, str | None]


class Result:
    """The rows of one statement, read as they are asked for. Iterate it, once: tuples of int, float, str, bytes and None.

    statement  the statement
    columns    their names, in order; a name may come twice
    types      the declared type of each: 'INTEGER', 'TEXT', …; '' for an expression
    origins    the table and the column that each is, through views and sub-queries too; None for an expression
    notes      what people should know of how the statement was understood
    """

    def __init__(
        self, statement: Statement, described: Sequence[Described], rows: Iterator[tuple[Any, ...]], notes: list[str]
    ) -> None:
        self.statement = statement
        self.columns = tuple(column[0] for column in described)
        self.types = tuple(column[1] or "" for column in described)
        self.origins = tuple((column[3], column[4]) if column[3] and column[4] else None for column in described)
        self.notes = notes
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def close(self) -> None:
        """Give up the rows not read yet, and with them the snapshot."""
        close = getattr(self._rows, "close", None)
        if close:
            close()
