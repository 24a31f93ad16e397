"""A table as osquery has it, where ours of the same name has more."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any

from sqlports.schema import Column, Table


class Blank(Column):
    """A column that has osquery's word for what is not known, which is NULL in ours."""

    @property
    def getter(self) -> Callable[[Any], Any]:
        """A function from a row to this column's value."""
        get, blank = super().getter, self.blank

        def value(row: Any) -> Any:
            found = get(row)
            return blank if found is None else found

        return value


def alike(table: Table) -> Table:
    """The table without the columns that osquery has not, and with its blanks."""
    if not table.osquery:
        return table
    other = copy(table)
    last = table.position[table.osquery]
    # Not hidden but gone: osquery's queries take it that no other table of a join has them.
    theirs = [column for place, column in enumerate(table.columns) if place <= last or column.hidden]
    other.columns = tuple(Blank(*column) if column.blank is not None else column for column in theirs)
    other.position = {column.name: place for place, column in enumerate(theirs)}
    return other
