"""How osqueryi writes results, byte for byte (osquery 5: devtools/shell.cpp, devtools/printer.cpp; rapidjson's writers).

A cell is what SQLite makes of a value as a C string: bytes without a NUL; None for NULL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from sqlports.cells import safe

Cell = bytes | None
Cells = Sequence[Cell]

# What has to be in quotes in CSV, whatever the separator.
_QUOTED = re.compile(rb"[\x00-\x20\"'\x7f-\xff]")
_JSON = re.compile(r'[\x00-\x1f"\\]')
# What a terminal obeys and JSON may have as it is.
_OBEYED = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
# How many columns may have a width of their own, and that of the others.
WIDTHS, REST = 100, 10


def cell(value: Any) -> Cell:
    """A value of a result as a cell: numbers as SQLite writes them, and of blobs and texts what comes before a NUL."""
    if value is None:
        return None
    if isinstance(value, float):
        return _number(value)
    data = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    return data.partition(b"\0")[0]


def _number(value: float) -> bytes:
    """A float with 15 digits and a point among them, as the SQLite that is in osquery has it; later ones have 17 digits."""
    if value in (float("inf"), float("-inf")):
        return b"Inf" if value > 0 else b"-Inf"
    digits, sign, exponent = f"{value:.15g}".partition("e")
    return (digits + ("" if "." in digits else ".0") + sign + exponent).encode()


def for_terminal(data: Cell) -> Cell:
    """A cell of which a terminal obeys nothing."""
    return data if data is None else safe(data.decode("utf-8", "backslashreplace")).encode("utf-8", "backslashreplace")


def size(data: bytes) -> int:
    """How many characters there are: osquery counts code points, whatever room they take."""
    return sum(1 for place, byte in enumerate(data) if not place or byte & 0xC0 != 0x80) if not data.isascii() else len(data)


class Gathered:
    """The rows of one input for pretty and JSON: osquery writes those of all its statements as one result.

    columns  those of the first row
    rows     each by the names of its columns: of two columns of one name the last
    """

    def __init__(self) -> None:
        self.columns: list[bytes] = []
        self.rows: list[dict[bytes, bytes]] = []

    def add(self, columns: Sequence[bytes], cells: Cells, null: bytes) -> None:
        """Take a row."""
        self.columns = self.columns or list(columns)
        self.rows.append({name: null if one is None else one for name, one in zip(columns, cells, strict=True)})

    def pretty(self, null: bytes) -> bytes:
        """All rows as a table; nothing for none."""
        if not self.rows:
            return b""
        wide = {name: size(name) for name in self.rows[0]}
        for row in self.rows:
            for name, value in row.items():
                wide[name] = max(wide.get(name, 0), size(value))
        line = b"+" + b"".join(b"-" * (wide[name] + 2) + b"+" for name in self.columns) + b"\n"
        head = b"|" + b"".join(b" " + name + b" " * (wide[name] - size(name)) + b" |" for name in self.columns) + b"\n"
        written = [line, head, line]
        for row in self.rows:
            parts = []
            for name in self.columns:
                # osquery measures what a row has not by the name of its column, in bytes.
                value, room = (row[name], wide[name]) if name in row else (null, len(name))
                parts.append(b"| " + value + b" " * (room - size(value) + 1))
            written.append(b"".join(parts) + b"|\n")
        return b"".join([*written, line])

    def json(self, is_shown: bool = False) -> bytes:
        """All rows as a list of objects, one in each line. On a terminal what that would obey is an escape too."""
        rows = (b"  {" + b",".join(_members(row, b":", is_shown)) + b"}" for row in self.rows)
        return b"[\n" + b",\n".join(rows) + b"\n]\n"

    def json_pretty(self, is_shown: bool = False) -> bytes:
        """All rows as a list of objects, a member in each line."""
        if not self.rows:
            return b"[]\n"
        rows = (b"  {\n    " + b",\n    ".join(_members(row, b": ", is_shown)) + b"\n  }" for row in self.rows)
        return b"[\n" + b",\n".join(rows) + b"\n]\n"


def _members(row: dict[bytes, bytes], colon: bytes, is_shown: bool) -> list[bytes]:
    return [_text(name, is_shown) + colon + _text(row[name], is_shown) for name in sorted(row)]


def _text(data: bytes, is_shown: bool) -> bytes:
    text = _JSON.sub(_escape, data.decode("utf-8", "surrogateescape"))
    if is_shown:
        text = _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04X}", text.encode("utf-8", "replace").decode())
    return b'"' + text.encode("utf-8", "surrogateescape") + b'"'


def _escape(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04X}"


def line(columns: Sequence[bytes], cells: Cells, null: bytes, is_first: bool) -> bytes:
    """A row with one value in each line; an empty line before it unless it is the first."""
    wide = max([5, *map(len, columns)])
    pairs = zip(columns, cells, strict=True)
    lines = (name.rjust(wide) + b" = " + (null if one is None else one) + b"\n" for name, one in pairs)
    return (b"" if is_first else b"\n") + b"".join(lines)


def listed(cells: Cells, separator: bytes, null: bytes) -> bytes:
    """A row, or the names of the columns, with a separator between two."""
    return separator.join(null if one is None else one for one in cells) + b"\n"


def csv(cells: Cells, separator: bytes, null: bytes) -> bytes:
    """A row, or the names of the columns, in quotes where that is needed."""
    return separator.join(null if one is None else _csv(one, separator) for one in cells) + b"\n"


def _csv(data: bytes, separator: bytes) -> bytes:
    # Of a long separator osquery looks at the beginning of the value only.
    has_separator = separator[:1] in data if len(separator) == 1 else bool(separator) and data.startswith(separator)
    if data and not has_separator and not _QUOTED.search(data):
        return data
    return b'"' + data.replace(b'"', b'""') + b'"'


def widths(columns: Sequence[bytes], cells: Cells, null: bytes, wanted: Sequence[int]) -> list[int]:
    """The widths of columns by those that are wanted, 0 for what the name and the first row need; negative to the right."""
    found = []
    for place, (name, one) in enumerate(zip(columns, cells, strict=True)):
        asked = wanted[place] if place < len(wanted) else 0
        found.append(asked or max(len(name), 10, len(null if one is None else one)))
    return [wide if place < WIDTHS else REST for place, wide in enumerate(found)]


def column(cells: Cells, wide: Sequence[int], null: bytes) -> bytes:
    """A row, or the names of the columns, each cut and filled to its width."""
    parts = []
    for one, room in zip(cells, wide, strict=True):
        data = (null if one is None else one)[: abs(room)]
        parts.append(data.rjust(-room) if room < 0 else data.ljust(room))
    return b"  ".join(parts) + b"\n"


def rule(wide: Sequence[int]) -> bytes:
    """What stands between the names of the columns and the rows: as many dashes as osquery has, at most."""
    return column([b"-" * 93 for _ in wide], [abs(room) for room in wide], b"")
