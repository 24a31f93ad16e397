"""A Table as SQLite sees it: the virtual-table protocol, written once for all tables.

SQLite builds no automatic index over a virtual table, so a join on a column the table cannot search by itself would
compare every row with every row. Here the second such look-up in one statement makes an index over the rows, and the
join is linear, whatever the column.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import apsw

from sqlports import plan
from sqlports.compare import Unmatched, key_cell
from sqlports.errors import QueryError
from sqlports.schema import Batches

if TYPE_CHECKING:
    from sqlports.schema import Column, Table


# What gives who wants to see the plans that are made, with the table and what SQLite is told; None for nobody.
Watch = Callable[[], "Callable[[Table, Any], None] | None"]


class VirtualTable:
    """A table connected to one database connection.

    hold     called when a cursor opens, gives the snapshot
    release  called when it closes
    at_once  called when a statement is planned: whether the values of an IN may be taken in one call
    watch    called when it is planned
    """

    def __init__(
        self,
        table: Table,
        hold: Callable[[], Any],
        release: Callable[[], None],
        at_once: Callable[[], bool],
        watch: Watch = lambda: None,
    ) -> None:
        self.at_once = at_once
        self.watch = watch
        self.table = table
        self.hold = hold
        self.release = release
        self.getters = [column.getter for column in table.columns]

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        is_possible = plan.choose(info, self.table, self.at_once())
        watch = self.watch()
        if watch:
            watch(self.table, info)
        return is_possible

    def Open(self) -> Cursor:
        return Cursor(self, self.hold())

    def Disconnect(self) -> None:
        pass

    Destroy = Disconnect


class Cursor:
    """One walk over a table's rows.

    row      the row, or its number in `batch`
    getters  from that to the value of a column
    find     from the cells of a key to its row, while rows are asked for one by one; `found` is what was found so
    """

    def __init__(self, virtual: VirtualTable, system: Any) -> None:
        self.virtual = virtual
        self.system = system
        self.getters: Any = virtual.getters
        self.batches: Iterator[Any] = iter(())
        self.batch: Any = None
        self.rows: Iterator[Any] = iter(())
        self.row: Any = None
        self.find: Callable[[tuple[Any, ...]], Any] | None = None
        self.found: dict[tuple[Any, ...], Any] = {}

    def Filter(self, number: int, text: str | None, values: tuple[Any, ...]) -> None:
        if number == plan.BY_KEY:
            # The way of a join with very many rows: nothing but what it cannot do without.
            row = self.found.get(values)
            self.row = self._find(text, values) if row is None else row
        else:
            self._search(text, values)

    def _find(self, text: str | None, values: tuple[Any, ...]) -> Any:
        """The row of a key, by the table's own look-up; None where there is none."""
        table = self.virtual.table
        if self.find is None:
            assert table.find is not None
            self.system.wanted.update(plan.load(text or "").groups)
            self.batches = self.rows = iter(())
            self.batch, self.getters = None, self.virtual.getters
            self.find, self.found = self.system.memo(("find", table.name), lambda: (table.find(self.system), {}))
        try:
            key = values if tuple(map(type, values)) == table.key_types else tuple(map(key_cell, table.key_types, values))
        except Unmatched:
            return None
        row = self.find(key)
        if row is not None:
            self.found[key] = row
        return row

    def _search(self, text: str | None, values: tuple[Any, ...]) -> None:
        self.find, self.found = None, {}
        table = self.virtual.table
        steps, groups, _ = plan.load(text or "[[], []]")
        if table.needed and not steps:
            raise QueryError(table.lacking)
        self.system.wanted.update(groups)
        try:
            bound = plan.bind(table, steps, values)
        except Unmatched:
            rows: Iterable[Any] = ()
        else:
            rows = _found(table, self.system, bound, {table.told: frozenset(groups)} if table.told else {})
            if table.transient and groups:
                rows = _living(rows, groups[0])
        self.batches = iter(rows.sequences if isinstance(rows, Batches) else (rows,))
        self.rows = iter(())
        self.Next()

    def Next(self) -> None:
        self.row = next(self.rows, None)
        if self.row is None and self.find is None:
            self._go_on()

    def _go_on(self) -> None:
        """To the first row of the next batch that has one."""
        for batch in self.batches:
            if hasattr(batch, "column"):
                self.batch, self.rows = batch, iter(range(len(batch)))
                # With the batch itself, so that its id is not given to another.
                self.getters, _ = self.system.memo(("cells", id(batch)), partial(_kept, batch, self.virtual.table))
            else:
                self.batch, self.rows, self.getters = None, iter(batch), self.virtual.getters
            self.row = next(self.rows, None)
            if self.row is not None:
                return

    def Eof(self) -> bool:
        return self.row is None

    def Column(self, number: int) -> Any:
        return self.getters[number](self.row) if number >= 0 else self.Rowid()

    def Rowid(self) -> int:
        """The same number for the same row in every cursor of the statement: SQLite merges the halves of an OR by it."""
        table = self.virtual.table
        row = self.row if self.batch is None else self.batch[self.row]
        if table.key:
            name: Any = tuple(self.getters[table.position[column]](self.row) for column in table.key)
        else:
            name = id(row)
        numbers = self.system.memo(("rowid", table.name), dict)
        # Keeping the row itself keeps its id from being given to another.
        return int(numbers.setdefault(name, (len(numbers) + 1, row))[0])

    def Close(self) -> None:
        self.batches = self.rows = iter(())
        self.batch = self.row = None
        self.virtual.release()


def _kept(batch: Any, table: Table) -> tuple[list[Callable[[int], Any]], Any]:
    return _cells(batch, table), batch


def _cells(batch: Any, table: Table) -> list[Callable[[int], Any]]:
    """For each column a function from the number of a row in a batch to its value; what it takes is done at its first call."""
    cells: list[Callable[[int], Any]] = []

    def unread(place: int, column: Column) -> Callable[[int], Any]:
        def first(number: int) -> Any:
            cells[place] = _values(batch, column)
            return cells[place](number)

        return first

    cells.extend(unread(place, column) for place, column in enumerate(table.columns))
    return cells


def _found(table: Table, system: Any, bound: plan.Bound, told: dict[str, Any]) -> Iterable[Any]:
    """The rows for a search: by the table's own function, then by an index over what it gives."""
    if bound.lookups and not all(bound.lookups.values()):
        return ()
    columns = tuple(sorted(bound.lookups, key=table.costs.__getitem__))
    arguments = tuple(sorted(bound.arguments.items(), key=lambda item: item[0]))
    # A table may give other rows to who wants other parts of them.
    asked = table.name, arguments, tuple(told.values())
    seen = system.memo(("searched", *asked, columns, tuple(sorted(bound.once))), list)
    # One value of each column is a key of an index; several values of one column are several look-ups.
    many = next((column for column, cells in bound.lookups.items() if len(cells) > 1), None)
    if not seen and (bound.once or not many):
        seen.append(True)
        rows = table(system, **bound.arguments, **bound.once, **told)
        return _matching(rows, table, bound.lookups) if columns else rows
    if not columns:
        return table(system, **bound.arguments, **told)
    if many:
        columns, wanted = (many,), [(cell,) for cell in bound.lookups[many]]
    else:
        wanted = [tuple(next(iter(bound.lookups[column])) for column in columns)]
    index = system.memo(
        ("index", *asked, columns),
        lambda: _index(table(system, **bound.arguments, **told), table, columns),
    )
    return [row for cells in wanted for row in index.get(cells, ())]


def _matching(rows: Iterable[Any], table: Table, lookups: dict[str, frozenset[Any]]) -> Iterator[Any]:
    """The rows whose cells are among these."""
    columns = sorted(lookups, key=table.costs.__getitem__)
    wanted = [lookups[column] for column in columns]
    if isinstance(rows, Batches):
        # The cheap column first: a batch gives each as a whole, but only those that are looked at.
        return (row for batch in rows.sequences for row in _picked(batch, table, columns, wanted))
    getters = [_column(table, name).getter for name in columns]
    return (row for row in rows if all(get(row) in cells for get, cells in zip(getters, wanted, strict=True)))


def _picked(batch: Sequence[Any], table: Table, columns: Sequence[str], wanted: list[frozenset[Any]]) -> list[Any]:
    found: Iterable[int] = range(len(batch))
    for name, cells in zip(columns, wanted, strict=True):
        value = _values(batch, _column(table, name))
        found = [number for number in found if value(number) in cells]
    return [batch[number] for number in found]


def _values(batch: Any, column: Column) -> Callable[[int], Any]:
    """A function from the number of a row in a batch to its value of a column."""
    values = batch.column(column.path) if column.path and hasattr(batch, "column") else None
    if values is not None:
        return values.__getitem__  # type: ignore[no-any-return]
    getter = column.getter
    return lambda number: getter(batch[number])


def _column(table: Table, name: str) -> Column:
    return table.columns[table.position[name]]


def _index(rows: Iterable[Any], table: Table, columns: Sequence[str]) -> dict[tuple[Any, ...], list[Any]]:
    """The rows by their cells."""
    index: defaultdict[tuple[Any, ...], list[Any]] = defaultdict(list)
    if isinstance(rows, Batches):
        for batch in rows.sequences:
            values = [_values(batch, _column(table, name)) for name in columns]
            for number, row in enumerate(batch):
                index[tuple([value(number) for value in values])].append(row)
    else:
        getters = [_column(table, name).getter for name in columns]
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
