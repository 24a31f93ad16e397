"""What a table is: its columns, and the function that gives its rows.

    @table(
        Column("pid", int, "pid", "Process id."),
        Column("name", str, "comm.name", "Command name."),
        key=("pid",),
        rows=500,
    )
    def processes(system, pid: Values[int] = None):
        ...

The decorated function is the table: it takes the snapshot and returns the rows, any iterable of objects. A column's path
says where its value sits in such an object (`comm.name` is `row.comm.name`), so a cell costs nothing until it is asked for.
The function's other parameters are what it can search for by itself; each bears the name of a column and its annotation
says which searches: `Values` for `=` and `IN`, `Bounds` for `<`, `<=`, `>`, `>=` and BETWEEN, `Search` for both, `Names` for
`=`, `IN`, `LIKE` and `GLOB` on a text. `Asked` is `Values` of what is part of a question: there are rows for whatever is asked,
and what is no value of the column's type is refused. A parameter without a default must be given by the query, and of those in
`either` one. A table with such has rows for what it is asked and no other: its function says which rows a value or a pattern
has, and under any collation SQLite only takes rows away from these. `Once[...]` around them says that a search saves work but
is work itself, so that only the first is handed over and those of a join are served by the engine's index. Every such search
may give more than it was asked for. A parameter annotated `Groups` bears no column's name: it is told which parts of a row are
wanted. A table that knows the row of a key without a search gives that as `find`. Everything else about searching is the
engine's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from itertools import chain
from types import FunctionType
from typing import Annotated, Any, NamedTuple, TypeVar

from sqlports.column import BIGINT, DECLARED, DOUBLE, SQL_TYPES, Column

__all__ = [
    "BIGINT",
    "DOUBLE",
    "SQL_TYPES",
    "Asked",
    "Batches",
    "Bounds",
    "Column",
    "Finder",
    "Groups",
    "Like",
    "Names",
    "Once",
    "Range",
    "Search",
    "Table",
    "TableError",
    "Values",
    "table",
]

T = TypeVar("T")


class Range(NamedTuple):
    """A closed range of integers that a query asked for; None where that side is open."""

    low: int | None
    high: int | None

    def __contains__(self, value: object) -> bool:
        return isinstance(value, int) and (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


class Like(NamedTuple):
    """A pattern that a query asked for: of LIKE, or of GLOB."""

    pattern: str
    glob: bool = False


# What a table function's parameters may be annotated with. None always means: not asked, give all.
Values = frozenset[T] | None
Bounds = Range | None
Search = frozenset[T] | Range | None
Names = frozenset[str] | Like | None
Asked = frozenset[T] | None
Once = Annotated[T, "once"]
Groups = frozenset[str]


class Batches:
    """Rows in sequences, some of which give whole columns: what a table of very many rows returns instead of its rows.

    Such a sequence has a method `column(path)`: all values of a column, by its path, or None where the rows must be asked. What
    it gave is kept as long as the look lasts, and so is the sequence: it is for whole tables, and the same when asked again.
    """

    def __init__(self, sequences: Iterable[Sequence[Any]]) -> None:
        self.sequences = sequences

    def __iter__(self) -> Iterator[Any]:
        return chain.from_iterable(self.sequences)


# What a table may have that knows the row of a key at once: the snapshot -> (the key's cells -> the row, or None).
Finder = Callable[[Any], Callable[[tuple[Any, ...]], Any]]

_SEARCHES = {"Values": "values", "Asked": "values", "Bounds": "bounds", "Search": "search", "Names": "names"}


class TableError(Exception):
    """A table is declared wrongly; the message lists every fault."""


class Table:
    """A table: what `@table` makes of a function. Read-only after construction.

    columns    in the order of `SELECT *`
    key        the columns that together tell one row from every other; () when the row object itself does, which must then
               be the same object whenever a snapshot gives that row
    rows       how many rows to expect on an ordinary machine, for the planner
    transient  its rows describe things that may end while they are read; such a row has an attribute `ended`
    searches   parameter name -> 'values', 'bounds', 'search' or 'names'
    once       those of them that are handed over only once in a statement
    asked      those of them that are part of the question
    groups     the parts of a row (first words of dotted paths), in the order in which they are declared
    told       the parameter that is told which of these are wanted; None for none
    costs      column name -> a rank: by the order in which the parts of a row are declared, the cheap before the dear
    required   parameters that the query must give
    either     parameters of which it must give one, and how many rows one value of each has on an ordinary machine
    each       other columns of which that is known, and how many rows one value of each has
    find       given the snapshot, a function from the cells of a key to its row, or None; no text of the key may look like a
               number. None for a table without
    needed     both of these: columns without which there are no rows
    osquery    the last of its columns that osquery's table of this name has; '' where osquery has no such table
    """

    def __init__(
        self,
        function: Callable[..., Iterable[Any]],
        columns: tuple[Column, ...],
        key: tuple[str, ...],
        rows: int,
        examples: tuple[str, ...],
        transient: bool,
        either: Mapping[str, int],
        each: Mapping[str, int],
        find: Finder | None,
        osquery: str,
    ) -> None:
        if not isinstance(function, FunctionType):
            raise TableError(f"{function!r} is not a plain function")
        self.name = function.__name__
        self.function = function
        self.columns = columns
        self.key = key
        self.rows = rows
        self.examples = examples
        self.transient = transient
        self.either = either
        self.each = each
        self.find = find
        self.osquery = osquery
        self.searches: dict[str, str] = {}
        self.once: set[str] = set()
        self.asked: set[str] = set()
        self.told: str | None = None
        self.required: set[str] = set()
        faults = [*self._read_parameters(), *self._column_faults()]
        if faults:
            raise TableError(f"table {self.name}: " + "; ".join(faults))
        self.needed = self.required.union(either)
        self.position = {column.name: index for index, column in enumerate(columns)}
        self.key_types = tuple(columns[self.position[name]].kind for name in key)
        self.groups = tuple(dict.fromkeys(column.group for column in columns if column.group))
        self.costs = {column.name: self.groups.index(column.group) if column.group else -1 for column in columns}

    def __call__(self, system: Any, **searched: Any) -> Iterable[Any]:
        """The rows, given the snapshot and what is searched for."""
        rows: Iterable[Any] = self.function(system, **searched)
        return rows

    def called(self, name: str) -> Table:
        """The same table under a second name."""
        other = copy(self)
        other.name = name
        return other

    @property
    def sql(self) -> str:
        """The CREATE TABLE statement that SQLite is told."""
        return f"CREATE TABLE {self.name}({', '.join(column.sql for column in self.columns)})"

    @property
    def lacking(self) -> str:
        """What is wrong with a query that does not give what the table cannot do without."""
        either = " or ".join(f"{column} = …" for column in self.either)
        wanted = [*(f"{column} = …" for column in sorted(self.required)), *([either] if either else [])]
        return f"table {self.name} needs WHERE {' and '.join(wanted)}"

    @property
    def doc(self) -> str:
        """What the table has rows of: the function's docstring."""
        import inspect

        return inspect.cleandoc(self.function.__doc__ or "")

    def _read_parameters(self) -> Iterable[str]:
        code = self.function.__code__
        _, *parameters = code.co_varnames[: code.co_argcount]
        optional = len(self.function.__defaults__ or ())
        self.required = set(parameters[: len(parameters) - optional])
        for parameter in parameters:
            # Annotations are text under `from __future__ import annotations`, and reading text needs no imports.
            annotation = str(self.function.__annotations__.get(parameter, ""))
            if annotation.startswith("Once["):
                self.once.add(parameter)
            kind = annotation.removeprefix("Once[").split("[")[0].rstrip("]")
            if kind == "Asked":
                self.asked.add(parameter)
            if kind in _SEARCHES:
                self.searches[parameter] = _SEARCHES[kind]
            elif kind == "Groups":
                self.told = parameter
                self.required.discard(parameter)
            else:
                yield f"parameter {parameter} must be annotated Values[...], Bounds, Search[...] or Names"

    def _column_faults(self) -> Iterable[str]:
        names = [column.name for column in self.columns]
        if not self.function.__doc__:
            yield "it has no docstring"
        if not names:
            yield "it has no columns"
        for name in {name for name in names if names.count(name) > 1}:
            yield f"two columns are called {name}"
        for column in self.columns:
            if not column.name.isidentifier() or column.name != column.name.lower():
                yield f"{column.name!r} is no lower-case identifier"
            if column.type not in DECLARED:
                words = ", ".join(one.__name__ for one in DECLARED)
                yield f"column {column.name} has type {column.type!r}; it must be one of {words}"
            if not column.doc.strip():
                yield f"column {column.name} has no doc"
            if column.references and column.references.count(".") != 1:
                yield f"column {column.name} references {column.references!r}, which is no table's column"
        types = {column.name: column.kind for column in self.columns}
        for name in (*self.searches, *self.key):
            if name not in types:
                yield f"{name} is not a column"
            elif types[name] is not int and self.searches.get(name) in ("bounds", "search"):
                yield f"{name} is not an integer, so it has no bounds"
            elif types[name] is not str and self.searches.get(name) == "names":
                yield f"{name} is not a text, so it has no names"
        if self.find and not self.key:
            yield "it finds rows by a key, and has none"
        for name in self.each:
            if name not in types:
                yield f"it has so many rows for each {name}, but {name} is not a column"
        if self.osquery and self.osquery not in types:
            yield f"osquery's columns end with {self.osquery}, which is no column"
        for name in self.either:
            if name not in self.searches:
                yield f"one of {name} and others is needed, but {name} is no parameter"


def table(
    *columns: Column,
    key: tuple[str, ...] = (),
    rows: int = 100,
    examples: tuple[str, ...] = (),
    transient: bool = False,
    either: Mapping[str, int] | None = None,
    each: Mapping[str, int] | None = None,
    find: Finder | None = None,
    osquery: str = "",
) -> Callable[[Callable[..., Iterable[Any]]], Table]:
    """Declare a table. Raises TableError, at import, for a declaration that cannot be right."""

    def declare(function: Callable[..., Iterable[Any]]) -> Table:
        return Table(function, columns, key, rows, examples, transient, either or {}, each or {}, find, osquery)

    return declare
