"""csv and tsv: a line a row, the header always."""

from __future__ import annotations

import csv as csv_library
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

from sqlports.cells import blob, safe
from sqlports.modes import Look, Output, Row, Written, chunks


def csv(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """RFC 4180 with line feeds; the header always. A terminal gets control characters written out."""
    return _delimited(columns, rows, output, csv_lines, safe if output.columns else None)


def tsv(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
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
    for chunk in chunks(chain([columns], rows)):
        output.write(lines(_plain(row, change) for row in chunk))
        count += len(chunk)
    return Written(count)


def _plain(row: Row, change: Callable[[str], str] | None) -> list[Any]:
    cells = [blob(value) if isinstance(value, bytes) else value for value in row]
    if change:
        cells = [change(value) if isinstance(value, str) else value for value in cells]
    return cells


def csv_lines(rows: Iterable[Row]) -> str:
    """Rows as lines of CSV."""
    lines = _Lines()
    # With this end of a line the module quotes both of its characters; a bare "\n" would leave a "\r" in a value unquoted.
    csv_library.writer(lines, lineterminator="\r\n").writerows(rows)
    return "".join(lines)


class _Lines(list[str]):
    """What csv writes, a line at a time, with line feeds for its ends."""

    def write(self, line: str) -> None:
        """Take a line."""
        self.append(line.removesuffix("\r\n") + "\n")


def _tsv_lines(rows: Iterable[Row]) -> str:
    return "".join("\t".join("" if value is None else str(value) for value in row) + "\n" for row in rows)
