"""How SQLite compares a value with a column: which cells equal it, lie in its bounds, are like it (datatype3.html)."""

from __future__ import annotations

import math
import re
from typing import Any

from sqlports.schema import Like, Range

# SQLITE_INDEX_CONSTRAINT_*, sqlite3.h
EQ, GT, LE, LT, GE, LIKE, GLOB, ISNULL, IS = 2, 4, 8, 16, 32, 65, 66, 71, 72

# What SQLite accepts as a number inside a text (sqlite3AtoF): no underscores, no hexadecimal, ASCII space around it.
_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t\n\v\f\r]*", re.ASCII)


class Unmatched(Exception):
    """No row can satisfy the search."""


class Anything(Exception):
    """The value says nothing that the table could use: give all rows and let SQLite compare."""


def equal(kind: type, value: Any) -> Any:
    """The one cell of a column of this type that equals a value, as SQLite compares (datatype3.html, section 4).

    Raises Unmatched when no cell does, Anything when more than one might.
    """
    if value is None or isinstance(value, bytes):
        raise Unmatched
    if kind is str:
        if isinstance(value, str):
            return value
        # A number beside a text column: whether '07' equals 7 depends on where the 7 came from.
        raise Anything
    if isinstance(value, str):
        if "\0" in value:
            raise Anything  # SQLite takes what stands before it
        value = number(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise Unmatched
    if kind is int:
        if value != int(value):
            raise Unmatched
        return int(value)
    return value


def key_cell(kind: type, value: Any) -> Any:
    """The same for a key by which a table finds rows itself, no text of which looks like a number. Raises Unmatched."""
    if kind is str and not isinstance(value, str):
        raise Unmatched
    # Of a text that is to be a number SQLite takes what stands before a NUL.
    return equal(kind, value.partition("\0")[0] if kind is not str and isinstance(value, str) else value)


def number(text: str) -> int | float | None:
    """The number that a text is under numeric affinity, None when it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


def pattern(op: int, value: Any, other: Like | None) -> Like:
    """A pattern as SQLite reads it, its text up to a NUL; the other, if that says more of how a name begins.

    Raises Unmatched for one that nothing is like.
    """
    if value is None:
        raise Unmatched
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    found = Like(text.split("\0")[0], op == GLOB)
    return found if other is None else max(other, found, key=_beginning)


def _beginning(like: Like) -> tuple[int, bool, str]:
    """How much of a pattern stands before what may be anything; of two alike, the one that goes deeper, which loses nothing."""
    before = len(re.split(r"[*?[]" if like.glob else "[%_]", like.pattern, maxsplit=1)[0])
    return before, like.pattern.endswith("**" if like.glob else "%%"), like.pattern


def narrow(bounds: Range, op: int, value: Any) -> Range:
    """Bounds narrowed by `column op value`. Raises Unmatched when nothing is left, Anything when nothing changes."""
    if value is None:
        raise Unmatched
    if isinstance(value, str):
        if "\0" in value:
            raise Anything
        value = number(value)
    if value is None or isinstance(value, bytes):
        value = math.inf  # every number sorts before every text and blob
    if value in (math.inf, -math.inf):
        if (value > 0) == (op in (LT, LE)):
            raise Anything
        raise Unmatched
    low, high = bounds
    if op in (GT, GE):
        edge = math.floor(value) + 1 if op == GT else math.ceil(value)
        low = edge if low is None else max(low, edge)
    else:
        edge = math.ceil(value) - 1 if op == LT else math.floor(value)
        high = edge if high is None else min(high, edge)
    if low is not None and high is not None and low > high:
        raise Unmatched
    return Range(low, high)
