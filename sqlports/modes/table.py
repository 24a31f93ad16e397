"""table: columns side by side."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice

from sqlports.cells import cut, width
from sqlports.modes import Look, Output, Row, Written, chunks
from sqlports.modes.lines import Upright, line
from sqlports.modes.people import Face

# So many rows are measured for a table, and no more once they have so many characters; those that follow are written as they
# come, however many.
MEASURED = 10_000
CHARACTERS = 8 << 20
# A table pads every row to its widest cell; beyond this width lines are better, whatever the output.
WIDEST = 4096
# A name is shown whole up to this width; a longer one is an expression.
NAME = 24
# In how many lines a value is shown at most where a table is turned on its side.
LINES = 8


def table(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """Columns side by side, as wide as the first rows need.

    On a terminal long values are cut until a row fits. Where that would leave a column that cannot be read, its name or most
    of its values, the rows are turned on their side. Of more than `look.rows` rows the first half and the last are shown.
    """
    if look.rows is None:
        first = list(_measured(rows))
        return _written(columns, first, rows, output, look)
    head = list(islice(rows, (look.rows + 1) // 2))
    tail: deque[Row] = deque(maxlen=max(look.rows - len(head), 0))
    count = len(head)
    for row in rows:
        tail.append(row)
        count += 1
    hidden = count - len(head) - len(tail)
    written = _written(columns, [*head, *tail], iter(()), output, look, (len(head), hidden))
    return written._replace(rows=count, hidden=hidden)


def _measured(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows that are measured."""
    characters = 0
    for row in islice(rows, MEASURED):
        yield row
        characters += sum(len(value) for value in row if isinstance(value, (str, bytes)))
        if characters > CHARACTERS:
            return


def _written(
    columns: Sequence[str], first: list[Row], rest: Iterator[Row], output: Output, look: Look, gap: tuple[int, int] = (0, 0)
) -> Written:
    """Write a table of the rows that are measured and of those that follow; `gap` is where rows were left out, and how many."""
    face = Face(columns, output, look)
    body = [face.cells(row) for row in first]
    align = alignment(columns, first)
    room = _room(face, body, align, output.columns)
    if room is None:
        if output.columns:
            return _turned(face, chain(first, rest), output, gap)
        longest = max(len(cell) for cells in body for cell in cells)
        written = line(columns, chain(first, rest), output, look)
        return written._replace(remark=f"written as lines: one value has {longest:,} characters")
    sheet = _Sheet(face, room, align, output.columns, look.fold)
    text = [sheet.line(face.names, face.bold)]
    if face.types:
        text.append(sheet.line(face.types, face.dim, types=True))
    text.append(face.dim("  ".join(face.rule * limit for limit in room)) + "\n")
    place, hidden = gap
    text += map(sheet.line, body[:place])
    if hidden:
        text.append(sheet.line([face.sign("·", ".")] * len(room), face.dim))
    text += map(sheet.line, body[place:])
    output.write("".join(text))
    count = len(first)
    for chunk in chunks(rest):
        output.write("".join(sheet.line(face.cells(row)) for row in chunk))
        count += len(chunk)
    return Written(count, sheet.lost)


class _Sheet:
    """The lines of a table whose columns have these widths. What is longer is cut on a terminal, and pushes the rest elsewhere.

    lost  how many names and values were cut
    """

    def __init__(self, face: Face, room: list[int], align: list[str], columns: int | None, fold: bool) -> None:
        self.face = face
        self.room = room
        self.right = [side == "right" for side in align]
        self.cuts = columns is not None
        self.folds = self.cuts and fold
        self.lost = 0

    def line(self, cells: Sequence[str], style: Callable[[str], str] | None = None, types: bool = False) -> str:
        """The cells in a line, each in a style, or as values are. Of types no word is lost that is told nowhere else."""
        if self.folds and width(cells[-1]) > self.room[-1]:
            from textwrap import wrap

            parts = wrap(cells[-1], self.room[-1], break_on_hyphens=False)
            before = [[*cells[:-1], parts[0]], *([""] * (len(cells) - 1) + [part] for part in parts[1:])]
            return "".join(self.line(one, style, types) for one in before)
        padded = []
        for cell, limit, right in zip(cells, self.room, self.right, strict=True):
            text = cut(cell, limit, self.face.ellipsis) if self.cuts else cell
            self.lost += text is not cell and not types
            space = limit - width(text)
            drawn = style(text) if style else self.face.value(cell, text)
            padded.append(" " * space + drawn if right else drawn + " " * space)
        return "  ".join(padded).rstrip() + "\n"


def _turned(face: Face, rows: Iterator[Row], output: Output, gap: tuple[int, int]) -> Written:
    sheet = Upright(face, output, LINES)
    place, hidden = gap
    count = 0
    for count, row in enumerate(rows, 1):
        if hidden and count == place + 1:
            sheet.gap(hidden)
        sheet.write(row, count + hidden if count > place else count)
    if hidden and count == place:
        sheet.gap(hidden)
    return Written(count, sheet.lost)


def _room(face: Face, body: list[list[str]], align: list[str], columns: int | None) -> list[int] | None:
    """How wide each column is to be; None where the rows are better not written side by side."""
    names = list(map(width, face.names))
    # Nothing wider than the terminal can be shown, and need not be measured to its end.
    most = columns or WIDEST + 1
    cells = [[width(cell[: most + 1]) for cell in column] for column in zip(*body, strict=True)] or [[] for _ in names]
    types = list(map(width, face.types)) or [0] * len(names)
    wanted = [max([name, kind, *column]) for name, kind, column in zip(names, types, cells, strict=True)]
    if not columns:
        return None if max(wanted, default=0) > WIDEST else wanted
    room = columns - 2 * (len(names) - 1)
    if sum(wanted) <= room:
        return wanted
    least = [
        min(limit, max(min(name, NAME), _typical(column, columns, side == "right")))
        for name, column, limit, side in zip(names, cells, wanted, align, strict=True)
    ]
    if len(names) == 1:
        return [min(wanted[0], columns)]
    return _shared(least, wanted, room) if sum(least) <= room else None


def _typical(widths: list[int], columns: int, numbers: bool) -> int:
    """How wide a column must be for its values to be read: whole if numbers, else most of them, and of long ones some words."""
    if numbers or not widths:
        return max(widths, default=0)
    return min(sorted(widths)[len(widths) * 9 // 10], max(8, min(24, columns // 4)))


def _shared(least: list[int], wanted: list[int], room: int) -> list[int]:
    """Widths between the least and the wanted ones that fill the room: what is spare goes to the narrowest first."""

    def limited(limit: int) -> list[int]:
        return [max(low, min(high, limit)) for low, high in zip(least, wanted, strict=True)]

    limit = room
    while sum(limited(limit)) > room:
        limit -= 1
    fitted = limited(limit)
    spare = room - sum(fitted)
    for index, size in enumerate(wanted):
        if fitted[index] < size and spare > 0:
            fitted[index] += 1
            spare -= 1
    return fitted


def alignment(columns: Sequence[str], values: Sequence[Row]) -> list[str]:
    """Numbers to the right: a column is one of numbers when nothing else but NULL is in it."""
    return [
        "right" if any(kinds) and all(kinds) else "left"
        for kinds in (
            [isinstance(row[index], (int, float)) for row in values if row[index] is not None] for index in range(len(columns))
        )
    ]
