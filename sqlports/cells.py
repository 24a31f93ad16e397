"""A value as text that is safe to show: a process chooses its own name, and a terminal obeys what it is sent."""

from __future__ import annotations

import re
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
    """A value of SQLite's as people read it: NULL told from an empty text, bytes as a blob literal."""
    if value is None:
        return null
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, bytes):
        return blob(value)
    return str(value)


def blob(value: bytes) -> str:
    """Bytes as SQL writes them."""
    return f"x'{value.hex()}'"


def width(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from prompt_toolkit.utils import get_cwidth

    return get_cwidth(text)


def cut(text: str, room: int) -> str:
    """The text, or its beginning and an ellipsis, in at most `room` columns."""
    if width(text) <= room:
        return text
    kept = text[: max(room - 1, 0)]
    while kept and width(kept) > room - 1:
        kept = kept[:-1]
    return kept + "…"
