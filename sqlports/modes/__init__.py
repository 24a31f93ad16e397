"""How a result is written: a mode each, a file for each family of them.

Those for programs (json, csv, parquet, …) keep every value as it is; those for people (table, line, …) show control characters
written out. Nothing is cut, but what stands in a table on a terminal.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

Row = Sequence[Any]
Origin = tuple[str, str] | None

CHUNK = 512

# Each mode and the module that writes it, by a function of its name.
_MODULES = {
    "table": "table",
    "line": "lines",
    "vertical": "lines",
    "chart": "chart",
    "json": "objects",
    "jsonl": "objects",
    "csv": "delimited",
    "tsv": "delimited",
    "markdown": "markdown",
    "html": "html",
    "insert": "insert",
    "parquet": "columnar",
    "arrow": "columnar",
}
MODES = tuple(_MODULES)
# What a file's name may end in, where that is not the mode's own name.
_ENDINGS = {"htm": "html", "md": "markdown", "ndjson": "jsonl", "sql": "insert"}


class Output(Protocol):
    """Where text goes.

    columns   the width of the terminal; None for what is no terminal
    encoding  what text is written in; what it lacks is written out (`\\xe9`)
    begun     whether something was written already
    """

    columns: int | None
    encoding: str

    @property
    def begun(self) -> bool: ...

    def write(self, text: str) -> object:
        """Write text. Raises OSError."""

    def write_bytes(self, data: bytes) -> object:
        """Write what is no text. Raises OSError."""


class Look(NamedTuple):
    """How a result is shown to people. What is for programs takes notice of `declared` and `table` only.

    types     the columns' types, to stand under their names; () for no such line
    units     what each column's numbers count ('bytes', 'seconds', …; None for no unit), to be shown as people say them; () for
              numbers as they are
    rows      at most so many rows of a table are shown, the first and the last; None for all
    colour    whether the output takes colours
    null      what stands for NULL; a text that is the same stands in quotes
    fold      whether a long text of the last column goes on in further lines, rather than being cut
    declared  the columns' types, shown or not; '' for an expression
    table     the table that all columns are of that are of any; None where there is not one
    """

    types: Sequence[str] = ()
    units: Sequence[str | None] = ()
    rows: int | None = None
    colour: bool = False
    null: str = "NULL"
    fold: bool = False
    declared: Sequence[str] = ()
    table: str | None = None


PLAIN = Look()
# Of lists of what there is, whose last column says what it is.
LIST = Look(null="", fold=True)


def of_file(name: str) -> str | None:
    """The mode that the end of a file's name stands for: 'ports.csv' is csv; None where it stands for none."""
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    return _ENDINGS.get(ending) or (ending if ending in MODES else None)


class Described(Protocol):
    """What a look is made of: a result, or what is kept of one."""

    @property
    def types(self) -> Sequence[str]: ...

    @property
    def origins(self) -> Sequence[Origin]: ...


def look_of(
    result: Described,
    types: bool = False,
    units: bool = False,
    rows: int | None = None,
    colour: bool = False,
    null: str = "NULL",
) -> Look:
    """How a result is shown: with its types and its units where these are wanted, and the rest as `Look` has it."""
    tables = {origin[0] for origin in result.origins if origin}
    counted: Sequence[str | None] = ()
    if units:
        from sqlports.units import unit_of

        counted = [origin and unit_of(*origin) for origin in result.origins]
    return Look(
        types=result.types if types else (),
        units=counted,
        rows=rows,
        colour=colour,
        null=null,
        declared=result.types,
        table=tables.pop() if len(tables) == 1 else None,
    )


class Written(NamedTuple):
    """What was written: how many rows there were, how many cells were cut, how many rows left out, and a remark for people."""

    rows: int
    cut: int = 0
    hidden: int = 0
    remark: str | None = None


def doc(mode: str) -> str:
    """What a mode's output is. Raises KeyError for a mode that is none."""
    module = importlib.import_module(f"{__name__}.{_MODULES[mode]}")
    return (getattr(module, mode).__doc__ or "").partition("\n\n")[0]


def write(columns: Sequence[str], rows: Iterable[Row], mode: str, output: Output, look: Look = PLAIN) -> Written:
    """Write a result.

    Raises KeyError for a mode that is none, OSError when the output fails, Error where the mode cannot be had or is not for
    this output.
    """
    module = importlib.import_module(f"{__name__}.{_MODULES[mode]}")
    written: Written = getattr(module, mode)(columns, iter(rows), output, look)
    return written


def chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows, some hundred at a time."""
    return iter(lambda: list(islice(rows, CHUNK)), [])
