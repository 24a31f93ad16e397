"""A value as text that is safe to show: a process chooses its own name, and a terminal obeys what it is sent."""

from __future__ import annotations

import re
from functools import cache
from itertools import accumulate
from typing import Any

# C0 and C1 controls, and the characters that reorder or break the line they stand in.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def safe(text: str) -> str:
    """The text with every control character written out (`\\n`, `\\x1b`, `\\u202e`)."""
    if text.isprintable():
        return text
    return _UNSAFE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def shown(value: Any, null: str = "NULL") -> str:
    """A value of SQLite's as people read it: bytes as a blob literal, and a text that reads like NULL in quotes."""
    if value is None:
        return null
    if isinstance(value, str):
        return safe(value) if value != null else f"'{null}'"
    if isinstance(value, bytes):
        return blob(value)
    return str(value)


def blob(value: bytes) -> str:
    """Bytes as SQL writes them."""
    return f"x'{value.hex()}'"


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    return len(text) if text.isascii() else sum(map(_columns, text))


@cache
def _columns(character: str) -> int:
    """How many columns a character takes: by Unicode's own data, as the C library's wcwidth() has it."""
    from unicodedata import category, east_asian_width

    if east_asian_width(character) in "WF":
        return 2
    # Marks sit on what they follow, as do a Hangul syllable's later parts; a soft hyphen is a hyphen.
    marks = category(character) in ("Mn", "Me", "Cf") and character != "\xad"
    return 0 if marks or "\u1160" <= character <= "\u11ff" else 1


def fitting(text: str, room: int, start: int = 0) -> int:
    """Up to where a text fits into so many columns, from a place on: an index."""
    # So many marks on so few letters is nothing to be read.
    piece = text[start : start + 8 * room]
    if piece.isascii():
        return start + min(room, len(piece))
    return start + sum(1 for taken in accumulate(map(_columns, piece)) if taken <= room)


def cut(text: str, room: int, mark: str = "…") -> str:
    """The text, or its beginning and an ellipsis, in at most `room` columns."""
    if (len(text) <= room and text.isascii()) or fitting(text, room) == len(text):
        return text
    return text[: fitting(text, max(room - len(mark), 0))] + mark[: max(room, 0)]


def wrapped(text: str, room: int) -> list[str]:
    """The text in lines of at most `room` columns; an empty line of an empty text."""
    lines, start = [], 0
    while start < len(text):
        # Nothing is left out, though one character be wider than the room.
        end = max(fitting(text, room, start), start + 1)
        lines.append(text[start:end])
        start = end
    return lines or [""]


def by_words(text: str, room: int, lead: int = 0) -> str:
    """The text with its long lines broken between words; the first has something of `lead` columns before it.

    Of a line of a script with a caret below it the part around the caret is shown.
    """
    lines = text.split("\n")
    if all(width(line) + lead <= room for line in lines):
        return text
    from textwrap import wrap

    broken = []
    for number, line in enumerate(lines):
        before = 0 if number else lead
        caret = lines[number + 1] if number + 1 < len(lines) else ""
        if width(line) + before <= room:
            broken.append(line)
        elif line.startswith("line ") and caret.strip() == "^":
            part, lines[number + 1] = _around(line, len(caret) - 1, room)
            broken.append(part)
        else:
            wrapping = wrap(line, max(room, 10), initial_indent=" " * before, break_long_words=False, break_on_hyphens=False)
            broken.append("\n".join(wrapping)[before:])
    return "\n".join(broken)


def _around(line: str, at: int, room: int) -> tuple[str, str]:
    """Of a line of a script, shown as "line 3: …", what has room around column `at`, and a caret below that."""
    lead = line[: line.index(": ") + 2]
    text, at = line.removeprefix(lead), at - len(lead)
    size = max(room - len(lead) - 2, 1)
    start = max(0, min(at - size // 2, len(text) - size))
    before, behind = "…" * bool(start), "…" * (start + size < len(text))
    return f"{lead}{before}{text[start : start + size]}{behind}", " " * (len(lead) + len(before) + at - start) + "^"
