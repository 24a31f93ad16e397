"""A value as SQLite would take it: as text, as bytes, as a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlports.functions import Value


def text(value: Value) -> str:
    """As SQLite casts a value that is not NULL to a text; bytes that are no UTF-8 are U+FFFD."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    if isinstance(value, float):
        if value in (float("inf"), float("-inf")):
            return "Inf" if value > 0 else "-Inf"
        mantissa, e, exponent = repr(value).partition("e")
        return mantissa + ".0" * bool(e and "." not in mantissa) + e + exponent
    return str(value)


def data(value: Value) -> bytes:
    """The bytes of a value that is not NULL: a blob as it is, anything else as text."""
    return value if isinstance(value, bytes) else text(value).encode()


def number(value: Value) -> float:
    """As SQLite casts a value that is not NULL to a REAL: what a text begins with, 0.0 where that is no number."""
    if isinstance(value, int | float):
        return float(value)
    import re

    found = re.match(r"[ \t\n\v\f\r]*([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)", text(value), re.ASCII | re.IGNORECASE)
    return float(found[1]) if found else 0.0


def whole(value: Value) -> int:
    """As SQLite casts a value that is not NULL to an INTEGER."""
    if isinstance(value, int):
        return value
    # No value of SQLite is NaN.
    limit = 1 << 63
    return int(max(-limit, min(number(value), limit - 1)))
