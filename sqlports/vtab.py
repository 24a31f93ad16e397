"""A Table as SQLite sees it: the virtual-table protocol, written once for all tables.

SQLite builds no automatic index over a virtual table, so a join on a column the table cannot search by itself would
compare every row with every row. Here the second such look-up in one statement makes an index over the rows, and the
join is linear, whatever the column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import apsw

from sqlports import plan

if TYPE_CHECKING:
    from sqlports.schema import Table


class VirtualTable:
    """A table connected to one database connection.

    hold     called when a cursor opens, gives the snapshot
    release  called when it closes
    at_once  called when a statement is planned: whether the values of an IN may be taken in one call
    """

    def __init__(self, table: Table, hold: Callable[[], Any], release: Callable[[], None], at_once: Callable[[], bool]) -> None:
        self.at_once = at_once
        self.table = table
        self.hold = hold
        self.release = release
        self.getters = [column.getter for column in table.columns]

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        return plan.choose(info, self.table, self.at_once())

    def Open(self) -> Cursor:
        return Cursor(self, self.hold())

    def Disconnect(self) -> None:
        pass

    Destroy = Disconnect


class Cursor:
    """One walk over a table's rows."""

    def __init__(self, virtual: VirtualTable, system: Any) -> None:
        self.virtual = virtual
        self.system = system
        self.getters = virtual.getters
        self.rows: Iterator[Any] = iter(())
        self.row: Any = None

    def Filter(self, number: int, text: str | None, values: tuple[Any, ...]) -> None:
        table = self.virtual.table
        try:
            bound = plan.bind(table, plan.load(text or "[]"), values)
        except plan.Unmatched:
            rows: Iterable[Any] = ()
        else:
            rows = _found(table, self.system, bound)
            group = plan.first_group(table, number)
            if table.transient and group:
                rows = _living(rows, group)
        self.rows = iter(rows)
        self.row = next(self.rows, None)

    def Next(self) -> None:
        self.row = next(self.rows, None)

    def Eof(self) -> bool:
        return self.row is None

    def Column(self, number: int) -> Any:
        return self.getters[number](self.row) if number >= 0 else self.Rowid()

    def Rowid(self) -> int:
        """The same number for the same row in every cursor of the statement: SQLite merges the halves of an OR by it."""
        table = self.virtual.table
        if table.key:
            name: Any = tuple(self.getters[table.position[column]](self.row) for column in table.key)
        else:
            name = id(self.row)
        numbers = self.system.memo(("rowid", table.name), dict)
        # Keeping the row itself keeps its id from being given to another.
        return int(numbers.setdefault(name, (len(numbers) + 1, self.row))[0])

    def Close(self) -> None:
        self.rows = iter(())
        self.row = None
        self.virtual.release()


def _found(table: Table, system: Any, bound: plan.Bound) -> Iterable[Any]:
    """The rows for a search: by the table's own function, then by an index over what it gives."""
    if not bound.lookups:
        return table(system, **bound.arguments)
    # One value of each column is a key of an index; several values of one column are several look-ups.
    many = next((column for column, cells in bound.lookups.items() if len(cells) > 1), None)
    if many:
        columns: tuple[str, ...] = (many,)
        wanted: list[tuple[Any, ...]] = [(cell,) for cell in bound.lookups[many]]
    else:
        columns = tuple(sorted(bound.lookups, key=table.costs.__getitem__))
        wanted = [tuple(next(iter(bound.lookups[column]), None) for column in columns)]
        if any(not cells for cells in bound.lookups.values()):
            return ()
    getters = [table.columns[table.position[column]].getter for column in columns]
    arguments = tuple(sorted(bound.arguments.items(), key=lambda item: item[0]))
    seen = system.memo(("searched", table.name, columns, arguments), list)
    if not seen and not many:
        seen.append(True)
        return _matching(table(system, **bound.arguments), getters, wanted[0])
    index = system.memo(
        ("index", table.name, columns, arguments),
        lambda: _index(table(system, **bound.arguments), getters),
    )
    return [row for cells in wanted for row in index.get(cells, ())]


def _matching(rows: Iterable[Any], getters: list[Callable[[Any], Any]], cells: tuple[Any, ...]) -> Iterator[Any]:
    """The rows whose cells are these."""
    if len(getters) == 1:
        getter, cell = getters[0], cells[0]
        return (row for row in rows if getter(row) == cell)
    return (row for row in rows if all(getter(row) == cell for getter, cell in zip(getters, cells, strict=True)))


def _index(rows: Iterable[Any], getters: list[Callable[[Any], Any]]) -> dict[tuple[Any, ...], list[Any]]:
    """The rows by their cells."""
    index: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows:
        index[tuple([getter(row) for getter in getters])].append(row)
    index.default_factory = None
    return index


def _living(rows: Iterable[Any], group: str) -> Iterator[Any]:
    """The rows that are still there once `group`, the first part of them that is wanted, has been read."""
    for row in rows:
        getattr(row, group)
        if not row.ended:
            yield row
