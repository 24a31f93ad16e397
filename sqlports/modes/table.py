"""table: columns side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain, islice

from sqlports.cells import cut, safe, shown, width
from sqlports.modes import Look, Output, Row, Written, chunks
from sqlports.modes.lines import line

# So many rows are measured for a table; those that follow are written as they come, however many.
MEASURED = 10_000
# A table pads every row to its widest cell; beyond this width lines are better, whatever the output.
WIDEST = 4096


def table(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """Columns side by side, as wide as the first rows need.

    On a terminal cells are cut until a row fits; where even that will not do, lines are written.
    """
    values = list(islice(rows, MEASURED))
    body = [[shown(value) for value in row] for row in values]
    headers = [safe(name) for name in columns]
    # tabulate keeps two spaces beside a header.
    widths = [max([width(header) + 2, *map(width, cells)]) for header, *cells in zip(headers, *body, strict=True)]
    if max(widths, default=0) > WIDEST and not output.columns:
        written = line(columns, chain(values, rows), output, look)
        return written._replace(remark=f"written as lines: one value has {max(widths):,} characters")
    room = widths
    if output.columns:
        fitted = _fit(widths, output.columns - 2 * (len(widths) - 1))
        if fitted is None:
            written = line(columns, chain(values, rows), output, look)
            fit = f"{len(widths)} columns do not fit {output.columns} characters"
            return written._replace(remark=f"written as lines: {fit}")
        room = fitted
    lost = sum(width(header) > limit - 2 for header, limit in zip(headers, room, strict=True))
    headers = [cut(header, limit - 2) for header, limit in zip(headers, room, strict=True)]
    lost += sum(width(cell) > limit for row in body for cell, limit in zip(row, room, strict=True))
    body = [[cut(cell, limit) for cell, limit in zip(row, room, strict=True)] for row in body]
    align = alignment(columns, values)
    count = tabulated(headers, body, align, "simple", output)
    for chunk in chunks(rows):
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


def alignment(columns: Sequence[str], values: Sequence[Row]) -> list[str]:
    """Numbers to the right: a column is one of numbers when nothing else but NULL is in it."""
    return [
        "right" if any(kinds) and all(kinds) else "left"
        for kinds in (
            [isinstance(row[index], (int, float)) for row in values if row[index] is not None] for index in range(len(columns))
        )
    ]


def tabulated(headers: list[str], body: list[list[str]], align: list[str], form: str, output: Output) -> int:
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
