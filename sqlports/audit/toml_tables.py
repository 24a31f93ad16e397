"""The tables of an array of tables in a TOML text, with the lines that they stand in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlports.cells import safe
from sqlports.errors import nearest
from sqlports.toml_text import pieces, statements


class Table(NamedTuple):
    """A table: the line it begins in, its values, and the line of each of its keys."""

    line: int
    values: Mapping[str, Any]
    lines: Mapping[str, int]


def tables(text: str, name: str, values: Mapping[str, Any]) -> tuple[list[Table], list[tuple[int, str]]]:
    """The tables of the array `name`, and what else stands in the text, with its line. `values` are those of the text."""
    if not values:
        return [], []
    tops, places = _places(text, name)
    misplaced = []
    for key in values:
        if key != name:
            hint = f": did you mean [[{name}]]?" if nearest(key, [name]) else f": it has [[{name}]] alone"
            misplaced.append((tops.get(key, 1), f"such a file has no {safe(key)}{hint}"))
    found = values.get(name, [])
    if not isinstance(found, list):
        return [], [*misplaced, (tops.get(name, 1), f"each is a table [[{name}]], in two brackets")]
    there = []
    for number, table in enumerate(found):
        lines = places[number] if number < len(places) else {"": tops.get(name, 1)}
        if isinstance(table, dict):
            there.append(Table(lines[""], table, lines))
        else:
            misplaced.append((lines[""], f"each is a table [[{name}]], and not a value"))
    return there, misplaced


def _places(text: str, name: str) -> tuple[dict[str, int], list[dict[str, int]]]:
    """The line of each key at the top, and of each table of the array: its own as that of the key '', and its keys'."""
    tops: dict[str, int] = {}
    places: list[dict[str, int]] = []
    # Where the keys go that come next; those of a table below a table go nowhere.
    current: dict[str, int] | None = tops
    for line, statement in statements(text):
        # tomllib knows how a key is written.
        told = tomllib.loads(statement)
        if not statement.startswith("["):
            for key in told if current is not None else ():
                current.setdefault(key, line)  # type: ignore[union-attr]
            if current is tops and isinstance(told.get(name), list):
                places += [{"": place} for place in _items(statement, line)]
            continue
        current = None
        for key, value in told.items():
            tops.setdefault(key, line)
            if key == name and isinstance(value, list):
                current = {"": line}
                places.append(current)
            elif key == name and places:
                for below in value:
                    places[-1].setdefault(below, line)
    return tops, places


def _items(statement: str, line: int) -> list[int]:
    """The lines of the items of an array that is written as one statement, `name = [ … ]`."""
    lines: list[int] = []
    depth, is_next = 0, False
    for piece in pieces(statement):
        for number, part in enumerate([piece] if piece[0] in "\"'" else piece.split(",")):
            is_next = is_next or (number > 0 and depth == 1)
            if is_next and part.strip() and part != "]":
                lines.append(line)
                is_next = False
        depth += (piece in ("[", "{")) - (piece in ("]", "}"))
        is_next = is_next or (piece == "[" and depth == 1)
        line += piece.count("\n")
    return lines
