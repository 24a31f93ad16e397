"""insert: SQL that makes a table and fills it, in one transaction."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlports.cells import blob, safe
from sqlports.modes import Look, Output, Row, Written, chunks

# How SQLite's own tables begin: it refuses to make another such, or its functions would be hidden by it.
_TAKEN = ("sqlite_", "pragma_", "json")

# The tables that each output has, and their columns, in small letters.
_made: WeakKeyDictionary[Output, dict[str, set[str]]] = WeakKeyDictionary()


def insert(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """INSERTs into a table called as the one that the rows are of, else `result`, which is made where there is none.

    Its columns have no types, so that each value stays what it is. Half a result is none: all is one transaction. A further
    result of the same name has the same table if its columns are the same, and else `result:1`.
    """
    named = look.table if look.table and not look.table.lower().startswith(_TAKEN) else "result"
    told_apart = _told_apart(columns)
    table = _name(_table(named, told_apart, _made.setdefault(output, {})))
    names = ", ".join(map(_name, told_apart))
    output.write(f"BEGIN;\nCREATE TABLE IF NOT EXISTS {table}({names});\n")
    lead = f"INSERT INTO {table}({names}) VALUES("
    count = 0
    for chunk in chunks(rows):
        output.write("".join(f"{lead}{', '.join(map(_literal, row))});\n" for row in chunk))
        count += len(chunk)
    output.write("COMMIT;\n")
    return Written(count)


def _table(name: str, columns: Sequence[str], made: dict[str, set[str]]) -> str:
    """The table of this name that has these columns, or will have them."""
    asked, number = {safe(column).lower() for column in columns}, 0
    table = name
    while made.setdefault(safe(table).lower(), asked) != asked:
        number += 1
        table = f"{name}:{number}"
    return table


def _told_apart(columns: Sequence[str]) -> list[str]:
    """The columns' names, which SQLite tells apart without regard to case: a second `pid` is `pid:1`."""
    found: dict[str, str] = {}
    for column in columns:
        name, number = column, 0
        while name.lower() in found:
            number += 1
            name = f"{column}:{number}"
        found[name.lower()] = name
    return list(found.values())


def _name(name: str) -> str:
    return '"' + safe(name).replace('"', '""') + '"'


def _literal(value: Any) -> str:
    """A value as SQL writes it, in one line."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        if value.isprintable() or value == safe(value):
            return "'" + value.replace("'", "''") + "'"
        # What a terminal would obey, an end of a line, and NUL, at which SQL itself ends.
        return f"CAST({blob(value.encode('utf-8', 'surrogatepass'))} AS TEXT)"
    if isinstance(value, bytes):
        return blob(value)
    if isinstance(value, float) and math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    return repr(value)
