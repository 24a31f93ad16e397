"""What the modes for people have in common: names and cells as texts that suit the place where they are shown."""

from __future__ import annotations

from collections.abc import Sequence

from sqlports.cells import safe, shown
from sqlports.modes import Look, Output, Row


class Face:
    """How names and values look at one place. All its texts are safe, and have only what the output's encoding has.

    names      the columns' names
    types      their types, in short; () where they are not to be seen
    null       what stands for NULL, and no other cell is the same
    ellipsis   what stands for the rest of a cell
    rule       what lines are drawn with
    """

    def __init__(self, columns: Sequence[str], output: Output, look: Look) -> None:
        # Only a terminal obeys them.
        self.colour = look.colour and output.columns is not None
        self._encoding = output.encoding
        # What is no terminal gets what programs look for.
        self.rule = self.sign("─", "-") if output.columns else "-"
        self.ellipsis = self.sign("…", "~")
        self.null = self._had(safe(look.null))
        self.names = [self._had(safe(name)) for name in columns]
        self.types = [self._had(safe(_short(name))) for name in look.types] if any(look.types) else []
        self._units = look.units if any(look.units) else ()
        if self._units:
            from time import time

            self._now = time()
            self._micro = self.sign("µ", "u")

    def sign(self, wanted: str, plain: str) -> str:
        """What is wanted, or what is plain where the encoding lacks it."""
        return wanted if self._had(wanted) == wanted else plain

    def cells(self, row: Row) -> list[str]:
        """A row's values as texts."""
        if self._units:
            from sqlports.units import said

            cells = [
                said(value, unit, self._now).replace("µ", self._micro)
                if unit and isinstance(value, (int, float))
                else shown(value, self.null)
                for value, unit in zip(row, self._units, strict=True)
            ]
        else:
            cells = [shown(value, self.null) for value in row]
        return cells if self._encoding.lower() in ("utf-8", "utf8") else [self._had(cell) for cell in cells]

    def _had(self, text: str) -> str:
        """The text, with what the encoding lacks written out: what is measured is then what is seen."""
        return text if text.isascii() else text.encode(self._encoding, "backslashreplace").decode(self._encoding)

    def value(self, cell: str, text: str) -> str:
        """A cell's text, padded, cut or whole, in its colour: NULL is dim."""
        return self.dim(text) if cell == self.null else text

    def bold(self, text: str) -> str:
        """In bold, where there are colours."""
        return f"\x1b[1m{text}\x1b[0m" if self.colour and text else text

    def dim(self, text: str) -> str:
        """Dim, where there are colours."""
        return f"\x1b[2m{text}\x1b[0m" if self.colour and text else text


def _short(declared: str) -> str:
    """A declared type in a word that makes no column wider than it must be."""
    name = declared.lower()
    return {"integer": "int", "bigint": "int", "double": "real"}.get(name, name)
