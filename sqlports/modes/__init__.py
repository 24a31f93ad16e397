"""How a result is written: a mode each, a file for each family of them.

Those for programs (json, csv, …) keep every value as it is; those for people (table, line, …) show control characters written
out. Nothing is cut, but table cells to fit a terminal.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol

Row = Sequence[Any]

CHUNK = 512

# Each mode and the module that writes it, by a function of its name.
_MODULES = {
    "table": "table",
    "json": "objects",
    "jsonl": "objects",
    "csv": "delimited",
    "tsv": "delimited",
    "markdown": "markdown",
    "line": "lines",
}
MODES = tuple(_MODULES)


class Output(Protocol):
    """Where text goes.

    columns  the width of the terminal; None for what is no terminal
    """

    columns: int | None

    def write(self, text: str) -> object:
        """Write text. Raises OSError."""


class Look(NamedTuple):
    """How a result is shown to people. What is for programs takes no notice of it.

    types   the columns' types, to stand under their names; () for no such line
    units   what each column's numbers count ('bytes', 'seconds', …; None for no unit), to be shown as people say them; () for
            numbers as they are
    rows    at most so many rows are shown, the first and the last; None for all
    colour  whether the output takes colours
    null    what stands for NULL
    """

    types: Sequence[str] = ()
    units: Sequence[str | None] = ()
    rows: int | None = None
    colour: bool = False
    null: str = "NULL"


PLAIN = Look()


class Written(NamedTuple):
    """What was written: how many rows there were, how many cells were cut, how many rows left out, and a remark for people."""

    rows: int
    cut: int = 0
    hidden: int = 0
    remark: str | None = None


def write(columns: Sequence[str], rows: Iterable[Row], mode: str, output: Output, look: Look = PLAIN) -> Written:
    """Write a result. Raises KeyError for a mode that is none, OSError when the output fails."""
    module = importlib.import_module(f"{__name__}.{_MODULES[mode]}")
    written: Written = getattr(module, mode)(columns, iter(rows), output, look)
    return written


def chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    """The rows, some hundred at a time."""
    return iter(lambda: list(islice(rows, CHUNK)), [])
