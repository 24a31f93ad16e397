"""line and vertical: a line a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlports.cells import cut, width, wrapped
from sqlports.modes import Look, Output, Row, Written
from sqlports.modes.people import Face

# Where a value has less room than this beside its name, it stands below it.
BESIDE = 10
# How wide the rules are where nothing else tells.
RULE = 60


def line(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A line a value, an empty line between rows."""
    face = Face(columns, output, look)
    margin = max(map(width, face.names), default=0)
    lead = [" " * (margin - width(name)) + face.bold(name) + " = " for name in face.names]
    count = 0
    for row in rows:
        text = "".join(f"{name}{face.value(cell, cell)}\n" for name, cell in zip(lead, face.cells(row), strict=True))
        output.write("\n" + text if count else text)
        count += 1
    return Written(count)


def vertical(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A line a value below a rule with the row's number. On a terminal long values go on in further lines."""
    sheet = Upright(Face(columns, output, look), output)
    count = 0
    for row in rows:
        count += 1
        sheet.write(row, count)
    return Written(count)


class Upright:
    """Rows on their side.

    most  in how many lines a value is shown at most; None for all that it needs
    lost  how many values were cut
    """

    def __init__(self, face: Face, output: Output, most: int | None = None) -> None:
        self.face = face
        self.output = output
        self.most = most
        self.lost = 0
        self._margin = max(map(width, face.names), default=0)
        self._room = output.columns and output.columns - self._margin - 2
        self._below = self._room is not None and self._room < BESIDE
        if self._below and output.columns:
            self._margin, self._room = 0, max(output.columns - 2, 1)

    def write(self, row: Row, number: int) -> None:
        """Write a row, whose number stands above it. Raises OSError."""
        face = self.face
        rule = f"{face.rule * 2} {number:,} "
        rule += face.rule * max((self.output.columns or RULE) - width(rule), 0)
        text = [face.dim(rule) + "\n"]
        for name, cell in zip(face.names, face.cells(row), strict=True):
            text.append(" " * (self._margin - width(name)))
            text.append(
                "\n".join(map(face.bold, wrapped(name, self.output.columns or width(name)))) if self._below else face.bold(name)
            )
            if cell:
                text.append("\n  " if self._below else "  ")
                text.append(face.value(cell, ("\n" + " " * (self._margin + 2)).join(self._lines(cell))))
            text.append("\n")
        self.output.write("".join(text))

    def gap(self, hidden: int) -> None:
        """Write that rows were left out. Raises OSError."""
        dots = self.face.sign("⋯", "...")
        self.output.write(self.face.dim(cut(f"{dots} {hidden:,} rows {dots}", self.output.columns or RULE)) + "\n")

    def _lines(self, cell: str) -> list[str]:
        if self._room is None:
            return [cell]
        if self.most is None:
            return wrapped(cell, self._room)
        # So much is looked at, and not a megabyte of which little is shown.
        lines = wrapped(cell[: self._room * (self.most + 1)], self._room)
        if len(lines) > self.most:
            self.lost += 1
            lines = [*lines[: self.most - 1], cut(lines[self.most - 1] + lines[self.most], self._room, self.face.ellipsis)]
        return lines
