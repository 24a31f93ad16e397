"""What a column of a table is."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple


class BIGINT(int):
    """The type of a column of integers that osquery declares to have 64 bits, as all integers here have."""


class DOUBLE(float):
    """The type of a column of floats that osquery has too, by its word for them."""


_Type = type
_KINDS: dict[type, type] = {BIGINT: int, DOUBLE: float}


class Column(NamedTuple):
    """One column: its name, its type (int, float, str, BIGINT or DOUBLE), where its value sits in a row, and what it means.

    `path` is None for a column that this product does not fill (another system's, kept so that its queries run).
    A hidden column is left out of `SELECT *`. `collate` names the collation it is compared by: 'NOCASE'; None for BINARY.
    `choices` are all the texts that it ever has, where they are known and few; () where they are not.
    `references` names what its values are found by, 'processes.pid', where that is not told by its name being another table's
    key; the columns that a table so references of another belong together, and what references the same can be joined.
    `blank` is what osquery says where this is NULL, in a table that is ours too; None for NULL as well.
    """

    name: str
    type: type
    path: str | None
    doc: str
    hidden: bool = False
    collate: str | None = None
    choices: tuple[str, ...] = ()
    references: str = ""
    blank: str | int | None = None

    @property
    def kind(self) -> _Type:
        """The type that its values have: int, float or str."""
        return _KINDS.get(self.type, self.type)

    @property
    def group(self) -> str | None:
        """The part of a row that is read when this column is asked for; None when it costs nothing."""
        return self.path.split(".")[0] if self.path and "." in self.path else None

    @property
    def getter(self) -> Callable[[Any], Any]:
        """A function from a row to this column's value."""
        return operator.attrgetter(self.path) if self.path else _nothing

    @property
    def sql(self) -> str:
        """The column as CREATE TABLE has it."""
        collate = f" COLLATE {self.collate}" if self.collate else ""
        return f'"{self.name}" {DECLARED[self.type]}{" HIDDEN" if self.hidden else ""}{collate}'


def _nothing(row: object) -> None:
    return None


SQL_TYPES = {int: "INTEGER", float: "REAL", str: "TEXT"}
# SQLite's and osquery's other words for these.
SPOKEN = {"INT": "INTEGER", "BIGINT": "INTEGER", "DOUBLE": "REAL"}
DECLARED = {**SQL_TYPES, BIGINT: "BIGINT", DOUBLE: "DOUBLE"}
