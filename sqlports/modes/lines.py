"""line: a line a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlports.cells import safe, shown, width
from sqlports.modes import Look, Output, Row, Written


def line(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
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
