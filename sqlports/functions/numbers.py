"""Numbers: what SQLite's mathematics lack, and sizes and times as people say them."""

from __future__ import annotations

from sqlports.errors import QueryError
from sqlports.functions import Value, function


@function("number")
def cot(x: Value) -> float | None:
    """Cotangent of an angle in radians; of 0 an error."""
    if x is None:
        return None
    import math

    from sqlports.functions import values

    try:
        return 1.0 / math.tan(values.number(x))
    except (ValueError, ZeroDivisionError):
        raise QueryError("cot: Numerical argument out of domain") from None


@function("number")
def human_bytes(count: Value) -> str | None:
    """A number of bytes as people say it, by powers of 1024: '1.2 GiB'; NULL for no number."""
    return _said(count, "bytes")


@function("number")
def human_duration(seconds: Value) -> str | None:
    """A number of seconds as people say it: '2 d 4 h', '35 ms'; NULL for no number."""
    return _said(seconds, "seconds")


def _said(value: Value, unit: str) -> str | None:
    """As the mode for people says it; a text that is a number is one, as in osquery's tables."""
    if value is None or isinstance(value, bytes):
        return None
    from math import isfinite

    from sqlports.units import said

    try:
        number = value if isinstance(value, int) else float(value)
    except ValueError:
        return None
    return said(number, unit, 0) if isfinite(number) else None
