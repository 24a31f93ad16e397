"""chart: bars for names and numbers, columns for times and numbers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain, islice
from typing import Any

from sqlports.cells import cut, safe, width
from sqlports.modes import Look, Output, Row, Written
from sqlports.modes.people import Face
from sqlports.modes.table import table

# So many rows are charted at most.
MOST = 10_000
# The width where nothing else tells, and how high columns are.
WIDTH, HEIGHT = 80, 8

_ACROSS = " ▏▎▍▌▋▊▉█"
_UP = " ▁▂▃▄▅▆▇█"
# A number of seconds since 1970 between the years 2001 and 2065, and a time as SQLite's functions write it.
_MOMENT = range(1_000_000_000, 3_000_000_000)
_TIME = re.compile(r"\d{4}-\d\d-\d\d([ T]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?|\d\d:\d\d(:\d\d)?")
SHAPE = "a chart needs a name, or a time, and a number in the last column, as SELECT name, count(*) … GROUP BY name gives"


def chart(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A bar for each row, whose last column is its length and whose others are its name; columns where there is one, a time.

    Rows stand as they come. What has another shape is written as a table.
    """
    values = list(islice(rows, MOST))
    if len(columns) < 2 or not _is_numbers([row[-1] for row in values]):
        written = table(columns, chain(values, rows), output, look)
        return written._replace(remark=f"{SHAPE}; this is written as a table") if values else written
    face = Face(columns, output, look)
    if len(columns) == 2 and all(map(_is_time, (row[0] for row in values))):
        rest = sum(1 for _ in rows)
        remark = _columns(face, values, output)
        return Written(len(values) + rest, hidden=rest, remark=remark)
    drawn = values if look.rows is None else values[: look.rows]
    hidden = len(values) - len(drawn) + sum(1 for _ in rows)
    _bars(face, drawn, output)
    return Written(len(drawn) + hidden, hidden=hidden)


def _is_numbers(values: Sequence[Any]) -> bool:
    """Whether these are numbers, and NULL."""
    found = [isinstance(value, (int, float)) for value in values if value is not None]
    return any(found) and all(found)


def _is_time(value: Any) -> bool:
    return bool(_TIME.fullmatch(value)) if isinstance(value, str) else isinstance(value, (int, float)) and int(value) in _MOMENT


def _bars(face: Face, rows: Sequence[Row], output: Output) -> None:
    """A line a row: name, number, bar."""
    across = output.columns or WIDTH
    cells = [face.cells(row) for row in rows]
    names = [" ".join(row[:-1]) for row in cells]
    heading, counted = " ".join(face.names[:-1]), face.names[-1]
    numbers = [row[-1] for row in cells]
    digits = max(map(width, numbers), default=0)
    margin = min(max(map(width, [heading, *names])), max(across // 3, 4))
    room = across - margin - digits - 4
    lines = [face.bold(cut(f"{_padded(heading, margin, face)}  {counted:>{digits}}", across, face.ellipsis)) + "\n"]
    left, scale = _scale([row[-1] for row in rows], room)
    for row, name, number in zip(rows, names, numbers, strict=True):
        space = " " * (digits - width(number))
        text = f"{_padded(name, margin, face)}  {space}{face.value(number, number)}  {_bar(face, row[-1], left, scale)}"
        lines.append(text.rstrip() + "\n")
    output.write("".join(lines))


def _padded(text: str, room: int, face: Face) -> str:
    kept = cut(text, room, face.ellipsis)
    return kept + " " * (room - width(kept))


def _scale(values: Sequence[Any], room: int) -> tuple[int, float]:
    """Where zero stands, in characters from the left, and how many characters one is wide."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    low, high = min([0, *finite]), max([0, *finite])
    if room < 1 or high == low:
        return 0, 0.0
    # Halves first: the difference of two numbers may be none.
    part = low / 2 / (low / 2 - high / 2) if low else 0
    left = round(room * part)
    scale = min((room - left) / high if high else math.inf, left / -low if low else math.inf)
    return left, scale


def _bar(face: Face, value: float | None, left: int, scale: float) -> str:
    if not value or not scale:
        return ""
    full = face.sign("█", "#")
    # What is endless is as long as the longest.
    eighths = min(abs(value) * scale, 1000) * 8
    if value < 0:
        size = min(max(round(eighths / 8), 1), left)
        return " " * (left - size) + full * size
    whole, rest = divmod(max(round(eighths), 1), 8)
    part = _ACROSS[rest].strip() if full == "█" else "#" * (rest >= 4 or not whole)
    return " " * left + full * whole + part


def _columns(face: Face, rows: Sequence[Row], output: Output) -> str | None:
    """A column for each row, or for some rows their mean; what is above says how much and what is below when."""
    across = output.columns or WIDTH
    counts = [row[-1] for row in rows]
    finite = [count for count in counts if count is not None and math.isfinite(count)]
    low, high = min([0, *finite]), max([0, *finite])
    marks = [face.cells([row[0], edge])[1] for row, edge in ((rows[0], high), (rows[0], low))]
    margin = min(max(map(width, marks)), max(across // 3, 4))
    room = max(across - margin - 1, 1)
    each = -(-len(counts) // room)
    groups = [[count for count in counts[start : start + each] if count is not None] for start in range(0, len(counts), each)]
    heights = [_height(group, low, high) for group in groups]
    wide = max(1, min(4, room // len(heights)))
    signs = _UP if face.sign(_UP, "") else " ...####"
    lines = [face.bold(cut(" " * (margin + 1) + face.names[-1], across, face.ellipsis)) + "\n"]
    for level in reversed(range(HEIGHT)):
        mark = cut(marks[0] if level == HEIGHT - 1 else marks[1] if level == 0 else "", margin, face.ellipsis)
        drawn = "".join(signs[min(max(height - level * 8, 0), len(signs) - 1)] * wide for height in heights)
        lines.append(f"{' ' * (margin - width(mark))}{mark} {drawn}".rstrip() + "\n")
    first, last = (_when(row[0]) for row in (rows[0], rows[-1]))
    space = len(heights) * wide - len(first) - len(last)
    axis = f"{first}{' ' * space}{last}" if space > 0 and len(rows) > 1 else f"{first} - {last}" if len(rows) > 1 else first
    lines.append(face.dim(cut(f"{' ' * (margin + 1)}{axis}", across, face.ellipsis)) + "\n")
    output.write("".join(lines))
    return f"each column is the mean of {each} rows" if each > 1 else None


def _height(group: Sequence[float], low: float, high: float) -> int:
    """How high the column of some numbers is, in eighths of a line; of no number 0."""
    if not group or high == low:
        return 0
    mean = min(max(sum(count / len(group) for count in group), low), high)
    eighths = round((mean / 2 - low / 2) / (high / 2 - low / 2) * HEIGHT * 8)
    return eighths if eighths or mean == low else 1


def _when(value: Any) -> str:
    """A time as people read it."""
    if isinstance(value, str):
        return safe(value)
    from time import localtime, strftime

    return strftime("%Y-%m-%d %H:%M", localtime(value))
