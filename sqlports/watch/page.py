"""A round of a watched query as lines of text that fit a terminal: what came, went and changed is marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlports.cells import cut, safe, width
from sqlports.modes import PLAIN, Look, Output
from sqlports.modes.people import Face
from sqlports.watch.changes import CAME, CHANGED, SAME, WENT, Change, counts

# A column is shown in at least so many characters, or not at all.
LEAST = 5
# How a terminal shows each mark, and the changed cells of a row: in colours, and without.
_COLOURS = {CAME: "\x1b[32m", WENT: "\x1b[31m", CHANGED: "\x1b[1;33m"}
_PLAIN = {CAME: "\x1b[1m", WENT: "\x1b[2m", CHANGED: "\x1b[7m"}
_END = "\x1b[0m"


class Part(NamedTuple):
    """One result of a round: its columns, its rows with what became of them, and how they are shown."""

    columns: Sequence[str]
    changes: list[Change]
    look: Look = PLAIN


class Page:
    """Lays rounds out for an output. Columns keep the width that they had, so that the eye finds them where they were.

    styles  whether marks are shown by a terminal's means; otherwise a changed cell has its old value before the new one
    """

    def __init__(self, output: Output, styles: bool = False) -> None:
        self.output = output
        self.styles = styles
        self._widths: dict[int, list[int]] = {}

    def lines(self, heading: str, parts: Sequence[Part], height: int | None = None, fault: str = "") -> list[str]:
        """The lines of a round, at most `height`, as wide as the output; None for what is not bounded."""
        lines = [self._cut(heading), *(self._cut(safe(line)) for line in fault.split("\n") if line)]
        for number, part in enumerate(parts):
            if number:
                lines.append("")
            # What is left is shared by those that are left. Two lines are for the names.
            room = None if height is None else max((height - len(lines)) // (len(parts) - number) - 2, 1)
            lines += self._part(number, part, room)
        return lines[:height]

    def _part(self, number: int, part: Part, height: int | None) -> list[str]:
        face = Face(part.columns, self.output, part.look)
        chosen = _chosen(part.changes, height)
        cells = [self._cells(face, change) for change in chosen]
        widths = [max(width(name), *(width(row[index]) for row in cells), 0) for index, name in enumerate(face.names)]
        before = self._widths.get(number, [])
        if self.output.columns and len(before) == len(widths):
            widths = [max(pair) for pair in zip(before, widths, strict=True)]
        self._widths[number] = widths
        room = _fit(widths, self.output.columns and self.output.columns - 2)
        right = [_is_number(part.changes, index) for index in range(len(room))]

        def fitted(texts: Sequence[str]) -> list[str]:
            return [
                _padded(cut(text, size, face.ellipsis) if self.output.columns else text, size, side)
                for text, size, side in zip(texts, room, right, strict=False)
            ]

        lines = [
            "  " + "  ".join(map(face.bold, fitted(face.names))).rstrip(),
            "  " + face.dim("  ".join(face.rule * size for size in room)),
        ]
        lines += [self._line(change, fitted(row), part.look.colour) for change, row in zip(chosen, cells, strict=True)]
        more = [
            f"{count:,} more {what if count == 1 else what + 's'}"
            for count, what in ((len(part.changes) - len(chosen), "row"), (len(face.names) - len(room), "column"))
            if count
        ]
        return [*lines, self._cut(f"{face.ellipsis} {', '.join(more)}")] if more else lines

    def _cells(self, face: Face, change: Change) -> list[str]:
        cells = face.cells(change.row)
        if change.before is None or self.styles:
            return cells
        arrow = face.sign("→", "->")
        olds = zip(change.before, change.row, face.cells(change.before), strict=True)
        return [f"{text} {arrow} {cell}" if old != new else cell for (old, new, text), cell in zip(olds, cells, strict=True)]

    def _line(self, change: Change, cells: list[str], colour: bool) -> str:
        style = (_COLOURS if colour else _PLAIN).get(change.mark, "") if self.styles else ""
        if style and change.before is not None:
            changed = [old != new for old, new in zip(change.before, change.row, strict=True)]
            cells = [_in(style, cell) if new else cell for cell, new in zip(cells, changed, strict=False)]
            return f"{_in(style, change.mark)} {'  '.join(cells)}".rstrip()
        line = f"{change.mark} {'  '.join(cells)}".rstrip()
        return f"{style}{line}{_END}" if style else line

    def _cut(self, text: str) -> str:
        return cut(text, self.output.columns) if self.output.columns else text


def heading(time: str, seconds: float, parts: Sequence[Part], hint: str = "") -> str:
    """What stands above a round: when it was, how often there is one, how many rows it has and what became of them."""
    found = [change for part in parts for change in part.changes]
    rows = sum(change.mark != WENT for change in found)
    marks = " ".join(f"{mark}{count:,}" for mark, count in counts(found).items())
    return f"{time}  every {seconds:,.10g} s  {rows:,} {'row' if rows == 1 else 'rows'}  {marks}" + (
        f"  {hint}" if hint else ""
    )


def _chosen(changes: list[Change], height: int | None) -> list[Change]:
    """So many of the rows as fit, in their order: those with a mark, then the first of the others."""
    if height is None or len(changes) <= height:
        return changes
    # A line says how many are not shown.
    room = max(height - 1, 0)
    marked = {number for number, change in enumerate(changes) if change.mark != SAME}
    others = (number for number in range(len(changes)) if number not in marked)
    wanted = set(sorted(marked)[:room])
    for number in others:
        if len(wanted) >= room:
            break
        wanted.add(number)
    return [changes[number] for number in sorted(wanted)]


def _fit(widths: list[int], room: int | None) -> list[int]:
    """How wide each column may be, two spaces being between them: the widest lose first, and the last where all are narrow."""
    if room is None:
        return widths
    kept = list(widths)
    while len(kept) > 1 and sum(min(size, LEAST) for size in kept) + 2 * (len(kept) - 1) > room:
        kept.pop()
    spare = max(room - 2 * (len(kept) - 1), 1)
    limit = max(kept, default=0)
    while limit > 1 and sum(min(size, limit) for size in kept) > spare:
        limit -= 1
    left = spare - sum(min(size, limit) for size in kept)
    fitted = []
    for size in kept:
        more = min(max(size - limit, 0), left)
        left -= more
        fitted.append(min(size, limit) + more)
    return fitted


def _is_number(changes: list[Change], index: int) -> bool:
    """Whether a column is one of numbers: nothing else but NULL is in it."""
    kinds = {type(change.row[index]) for change in changes} - {type(None)}
    return bool(kinds) and kinds <= {int, float}


def _padded(text: str, room: int, right: bool) -> str:
    space = " " * (room - width(text))
    return space + text if right else text + space


def _in(style: str, cell: str) -> str:
    """A cell in a style, the spaces around it left alone."""
    text = cell.strip(" ")
    return cell.replace(text, f"{style}{text}{_END}", 1) if text else cell
