"""A result in one of the output modes.

json, jsonl, csv and tsv are for programs and keep every value as it is; table, markdown and line are for people and show
control characters written out. Nothing is cut, but table cells to fit a terminal.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, NamedTuple, Protocol

from sqlports.cells import blob, cut, safe, shown, width
from sqlports.script import distinct

Row = Sequence[Any]

CHUNK = 512
# So many rows are measured for a table; those that follow are written as they come, however many.
MEASURED = 10_000
# A table pads every row to its widest cell; beyond this width lines are better, whatever the output.
WIDEST = 4096


class Output(Protocol):
    """Where text goes. `columns` is the terminal's width, None for what is no terminal."""

    columns: int | None

    def write(self, text: str) -> object:
        """Write text. Raises OSError."""


class Written(NamedTuple):
    """What was written: how many rows, how many cells were cut, and a remark for people."""

    rows: int
    cut: int = 0
    remark: str | None = None


def write(columns: Sequence[str], rows: Iterable[Row], mode: str, output: Output) -> Written:
    """Write a result. Raises KeyError for a mode that is none, OSError when the output fails."""
    return _WRITERS[mode](columns, iter(rows), output)


def _chunks(rows: Iterator[Row]) -> Iterator[list[Row]]:
    return iter(lambda: list(islice(rows, CHUNK)), [])


def _json(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """One array, a row a line; `[]` when there are none."""
    return _json_rows(columns, rows, output, ("[", ",\n ", "]\n", "[]\n"))


def _jsonl(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """An object a line."""
    return _json_rows(columns, rows, output, ("", "\n", "\n", ""))


def _json_rows(columns: Sequence[str], rows: Iterator[Row], output: Output, frame: tuple[str, str, str, str]) -> Written:
    """Objects in a frame: what comes before, between and after them, and what stands for none."""
    before, between, after, none = frame
    names = (_string(name).replace("%", "%%") for name in distinct(columns))
    form = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    count = 0
    for chunk in _chunks(rows):
        output.write((between if count else before) + _objects(form, chunk, between))
        count += len(chunk)
    output.write(after if count else none)
    return Written(count)


# JSON leaves these raw, and a terminal or an editor may obey them.
_UNSAFE_IN_JSON = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"


def _objects(form: str, rows: list[Row], between: str) -> str:
    """The rows as JSON objects of this form. Column by column, since most columns have one type and go fast."""
    columns = [_texts(column) for column in zip(*rows, strict=True)]
    text = between.join(map(form.__mod__, zip(*columns, strict=True)))
    if not text.isascii() or "\x7f" in text:
        text = re.sub(_UNSAFE_IN_JSON, lambda found: f"\\u{ord(found[0]):04x}", text)
    return text


def _texts(column: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as JSON has them; integers are their own text."""
    kinds = set(map(type, column))
    if kinds == {int}:
        return column
    if kinds == {str}:
        return list(map(_string, column))
    return [_value(value) for value in column]


_string = json.encoder.encode_basestring


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _string(value)
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return _string(blob(value))
    if isinstance(value, float) and math.isinf(value):
        # JSON has no infinity; a number too large to hold is read back as one.
        return "9e999" if value > 0 else "-9e999"
    return repr(value)


def _csv(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """RFC 4180 with line feeds; the header always. A terminal gets control characters written out."""
    return _delimited(columns, rows, output, _csv_lines, safe if output.columns else None)


def _tsv(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """Tabs between, and control characters and backslashes in a value written as `\\t`, `\\n`, `\\x1b`, `\\\\`."""
    return _delimited(columns, rows, output, _tsv_lines, lambda text: safe(text.replace("\\", "\\\\")))


def _delimited(
    columns: Sequence[str],
    rows: Iterator[Row],
    output: Output,
    lines: Callable[[Iterable[Row]], str],
    change: Callable[[str], str] | None,
) -> Written:
    count = -1
    for chunk in _chunks(chain([columns], rows)):
        output.write(lines(_plain(row, change) for row in chunk))
        count += len(chunk)
    return Written(count)


def _plain(row: Row, change: Callable[[str], str] | None) -> list[Any]:
    cells = [blob(value) if isinstance(value, bytes) else value for value in row]
    if change:
        cells = [change(value) if isinstance(value, str) else value for value in cells]
    return cells


def _csv_lines(rows: Iterable[Row]) -> str:
    lines = _Lines()
    # With this end of a line the module quotes both of its characters; a bare "\n" would leave a "\r" in a value unquoted.
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return "".join(lines)


class _Lines(list[str]):
    """What csv writes, a line at a time, with line feeds for its ends."""

    def write(self, line: str) -> None:
        """Take a line."""
        self.append(line.removesuffix("\r\n") + "\n")


def _tsv_lines(rows: Iterable[Row]) -> str:
    return "".join("\t".join("" if value is None else str(value) for value in row) + "\n" for row in rows)


def _line(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """A line a value, an empty line between rows."""
    names = [safe(name) for name in columns]
    margin = max(map(width, names), default=0)
    lead = [" " * (margin - width(name)) + name + " = " for name in names]
    count = 0
    for row in rows:
        text = "".join(f"{name}{shown(value)}\n" for name, value in zip(lead, row, strict=True))
        output.write("\n" + text if count else text)
        count += 1
    return Written(count)


def _markdown(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """A table of GitHub's Markdown."""

    def escaped(text: str) -> str:
        return re.sub(r"([\\|<`*_\[\]])", r"\\\1", text)

    values = list(islice(rows, MEASURED))
    body = [[escaped(shown(value)) for value in row] for row in values]
    count = _tabulated([escaped(safe(name)) for name in columns], body, _alignment(columns, values), "pipe", output)
    for chunk in _chunks(rows):
        output.write("".join(f"| {' | '.join(escaped(shown(value)) for value in row)} |\n" for row in chunk))
        count += len(chunk)
    return Written(count)


def _table(columns: Sequence[str], rows: Iterator[Row], output: Output) -> Written:
    """Columns side by side, as wide as the first rows need.

    On a terminal cells are cut until a row fits; where even that will not do, lines are written.
    """
    values = list(islice(rows, MEASURED))
    body = [[shown(value) for value in row] for row in values]
    headers = [safe(name) for name in columns]
    # tabulate keeps two spaces beside a header.
    widths = [max([width(header) + 2, *map(width, cells)]) for header, *cells in zip(headers, *body, strict=True)]
    if max(widths, default=0) > WIDEST and not output.columns:
        written = _line(columns, chain(values, rows), output)
        return written._replace(remark=f"written as lines: one value has {max(widths):,} characters")
    room = widths
    if output.columns:
        fitted = _fit(widths, output.columns - 2 * (len(widths) - 1))
        if fitted is None:
            written = _line(columns, chain(values, rows), output)
            fit = f"{len(widths)} columns do not fit {output.columns} characters"
            return written._replace(remark=f"written as lines: {fit}")
        room = fitted
    lost = sum(width(header) > limit - 2 for header, limit in zip(headers, room, strict=True))
    headers = [cut(header, limit - 2) for header, limit in zip(headers, room, strict=True)]
    lost += sum(width(cell) > limit for row in body for cell, limit in zip(row, room, strict=True))
    body = [[cut(cell, limit) for cell, limit in zip(row, room, strict=True)] for row in body]
    align = _alignment(columns, values)
    count = _tabulated(headers, body, align, "simple", output)
    for chunk in _chunks(rows):
        cells = [[shown(value) for value in row] for row in chunk]
        if output.columns:
            lost += sum(width(cell) > limit for row in cells for cell, limit in zip(row, room, strict=True))
            cells = [[cut(cell, limit) for cell, limit in zip(row, room, strict=True)] for row in cells]
        output.write("".join(_padded(row, room, align) for row in cells))
        count += len(chunk)
    return Written(count, lost)


def _padded(cells: list[str], room: list[int], align: list[str]) -> str:
    """A line of a table whose widths are known; a longer cell pushes the rest."""
    padded = []
    for cell, limit, side in zip(cells, room, align, strict=True):
        space = " " * (limit - width(cell))
        padded.append(space + cell if side == "right" else cell + space)
    return "  ".join(padded).rstrip() + "\n"


def _fit(widths: list[int], room: int) -> list[int] | None:
    """Widths that fit the room, taken from the widest first; None when that would leave less than five characters each."""
    if sum(min(size, 5) for size in widths) > room:
        return None
    limit = max(widths, default=0)
    while sum(min(size, limit) for size in widths) > room:
        limit -= 1
    fitted = [min(size, limit) for size in widths]
    # What rounding left over goes to the first that was cut.
    spare = room - sum(fitted)
    for index, size in enumerate(widths):
        if fitted[index] < size and spare > 0:
            more = min(spare, size - fitted[index])
            fitted[index] += more
            spare -= more
    return fitted


def _alignment(columns: Sequence[str], values: Sequence[Row]) -> list[str]:
    """Numbers to the right: a column is one of numbers when nothing else but NULL is in it."""
    return [
        "right" if any(kinds) and all(kinds) else "left"
        for kinds in (
            [isinstance(row[index], (int, float)) for row in values if row[index] is not None] for index in range(len(columns))
        )
    ]


def _tabulated(headers: list[str], body: list[list[str]], align: list[str], form: str, output: Output) -> int:
    from tabulate import tabulate

    text = tabulate(
        body,
        headers,
        tablefmt=form,
        disable_numparse=True,
        preserve_whitespace=True,
        colalign=align if body else None,
    )
    output.write("\n".join(line.rstrip() for line in text.split("\n")) + "\n")
    return len(body)


_WRITERS: dict[str, Callable[[Sequence[str], Iterator[Row], Output], Written]] = {
    "table": _table,
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "tsv": _tsv,
    "markdown": _markdown,
    "line": _line,
}
MODES = tuple(_WRITERS)
