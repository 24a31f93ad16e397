"""json and jsonl: objects with real numbers and nulls (RFC 8259)."""

from __future__ import annotations

import json as json_library
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlports.cells import blob
from sqlports.modes import Look, Output, Row, Written, chunks
from sqlports.script import distinct


def json(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """One array, a row a line; `[]` when there are none."""
    return _json_rows(columns, rows, output, ("[", ",\n ", "]\n", "[]\n"))


def jsonl(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """An object a line."""
    return _json_rows(columns, rows, output, ("", "\n", "\n", ""))


def _json_rows(columns: Sequence[str], rows: Iterator[Row], output: Output, frame: tuple[str, str, str, str]) -> Written:
    """Objects in a frame: what comes before, between and after them, and what stands for none."""
    before, between, after, none = frame
    names = (_string(name).replace("%", "%%") for name in distinct(columns))
    form = "{" + ", ".join(f"{name}: %s" for name in names) + "}"
    count = 0
    for chunk in chunks(rows):
        output.write((between if count else before) + _objects(form, chunk, between))
        count += len(chunk)
    output.write(after if count else none)
    return Written(count)


# JSON leaves these raw, and a terminal or an editor may obey them.
_UNSAFE_IN_JSON = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"


def _objects(form: str, rows: list[Row], between: str) -> str:
    """The rows as JSON objects of this form. Column by column, since most columns have one type and go fast."""
    columns = [_texts(column) for column in zip(*rows, strict=True)]
    return unobeyed(between.join(map(form.__mod__, zip(*columns, strict=True))))


def unobeyed(text: str) -> str:
    """JSON with the characters escaped that a terminal obeys and JSON need not escape."""
    if text.isascii() and "\x7f" not in text:
        return text
    return re.sub(_UNSAFE_IN_JSON, lambda found: f"\\u{ord(found[0]):04x}", text)


def _texts(column: Sequence[Any]) -> Sequence[Any]:
    """The values of a column as JSON has them; integers are their own text."""
    kinds = set(map(type, column))
    if kinds == {int}:
        return column
    if kinds == {str}:
        return list(map(_string, column))
    return [scalar(value) for value in column]


_string = json_library.encoder.encode_basestring


def scalar(value: Any) -> str:
    """A value of SQLite's as JSON has it: bytes as a text that reads as SQL writes them, infinity as a number too large."""
    if isinstance(value, str):
        return _string(value)
    if value is None:
        return "null"
    if isinstance(value, bytes):
        return _string(blob(value))
    if isinstance(value, float) and math.isinf(value):
        # JSON has no infinity; a number too large to hold is read back as one.
        return "9e999" if value > 0 else "-9e999"
    return repr(value)
