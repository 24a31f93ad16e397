"""What may stand at the cursor: text and position in, candidates out. Nothing here looks at the system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw

from sqlports import registry
from sqlports.catalogue import relations, summary
from sqlports.dot import COMMANDS, split
from sqlports.render import MODES
from sqlports.schema import SQL_TYPES


class Candidate(NamedTuple):
    """What to write from `start` up to the cursor, its type ('table', 'INTEGER', 'keyword'), and what it means."""

    text: str
    start: int
    type: str
    doc: str

    @property
    def meta(self) -> str:
        """The type and the doc in one line."""
        return f"{self.type}: {self.doc}" if self.doc else self.type


class Offer(NamedTuple):
    """Something that could be written: the name it is found by, the text for it, its type and doc."""

    name: str
    text: str
    type: str
    doc: str = ""


class Column(NamedTuple):
    """A column of a table, a view or a sub-query."""

    name: str
    type: str = ""
    doc: str = ""
    hidden: bool = False


class Names:
    """What there is to name: the tables and views, those of this connection too, their columns, the functions."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._relations: dict[str, Offer] = {}
        self._columns: dict[str, list[Column]] = {}
        self._functions: list[Offer] = []
        self._plain: dict[str, bool] = {}

    def relations(self) -> dict[str, Offer]:
        """The tables and views by their names in small letters, those that were made here last."""
        if not self._relations:
            self._relations = {name: Offer(name, name, kind, doc) for name, kind, doc in relations()}
        made = self._rows("SELECT name, type FROM temp.sqlite_schema UNION SELECT name, type FROM main.sqlite_schema")
        found = self._relations.copy()
        for name, kind in made:
            if kind in ("table", "view"):
                found.setdefault(name.lower(), Offer(name, self.quoted(name), kind))
        return found

    def columns(self, relation: str) -> list[Column]:
        """The columns of a table or view, hidden ones last; none when there is no such table."""
        name = relation.lower()
        if name in self._columns:
            return self._columns[name]
        if name in registry.table_names():
            declared = registry.table(name).columns
            columns = [Column(column.name, SQL_TYPES[column.type], column.doc, column.hidden) for column in declared]
        else:
            rows = self._rows("SELECT name, type, hidden FROM pragma_table_xinfo(?)", relation)
            columns = [Column(column, {"INT": "INTEGER"}.get(kind, kind), "", bool(hidden)) for column, kind, hidden in rows]
        columns.sort(key=lambda column: column.hidden)
        # What is made here may be dropped and made anew.
        if name in self._relations:
            self._columns[name] = columns
        return columns

    def functions(self) -> list[Offer]:
        """The functions of SQL."""
        if not self._functions:
            kinds = {"a": "aggregate", "w": "aggregate or window function"}
            rows = self._rows("SELECT name, max(type) FROM pragma_function_list GROUP BY name")
            self._functions = [Offer(name, name, kinds.get(kind, "function")) for name, kind in rows if name.isidentifier()]
        return self._functions

    def quoted(self, name: str) -> str:
        """The name as SQL needs it written."""
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            if name.upper() not in apsw.keywords:
                return name
            # Most keywords may be names; SQLite knows which.
            if name not in self._plain:
                self._plain[name] = bool(self._rows(f"SELECT 1 AS {name}"))  # noqa: S608 it is a keyword
            if self._plain[name]:
                return name
        return '"' + name.replace('"', '""') + '"'

    def _rows(self, sql: str, *values: str) -> list[tuple[str, ...]]:
        """What SQLite says of itself; nothing when it cannot, as of a view whose table is gone."""
        try:
            return list(self.connection.execute(sql, values))
        except apsw.Error:
            return []


def complete(text: str, cursor: int, names: Names) -> list[Candidate]:
    """What may stand at the cursor, best first: what begins as the word there does, then what has its letters in order."""
    if text.lstrip().startswith("."):
        return _argument(text[:cursor], names)
    found = re.search(r"[\w$]*\Z", text[:cursor])
    assert found
    word, start = found[0], found.start()
    if word[:1].isdigit() or re.match(r"[\w$]", text[cursor : cursor + 1]):
        return []
    tokens = list(_tokens(text))
    if any(token.holds(cursor) for token in tokens):
        return []
    before = text[start - 1 : start]
    if before and before in "'\"`])@:?#":
        return []
    begin = max((token.end for token in tokens if token.text == ";" and token.end <= start), default=0)
    end = min((token.start for token in tokens if token.text == ";" and token.start >= cursor), default=len(text))
    inside = [token for token in tokens if begin <= token.start < end and not token.gap]
    return _ranked(
        word, start, _offers([token for token in inside if token.end <= start or token.start >= cursor], start, names)
    )


def _argument(before: str, names: Names) -> list[Candidate]:
    """A dot command, or what may follow it."""
    command, argument = split(before)
    word = re.search(r"\S*\Z", before)
    assert word
    if argument is None:
        offers = [Offer(name, name, "command", summary(known.doc)) for name, known in COMMANDS.items()]
        return _ranked(word[0], word.start(), offers)
    choices = next((known.choices for name, known in COMMANDS.items() if name.startswith(command)), "")
    if " " in argument.strip() or (argument.strip() and not word[0]):
        return []
    if choices == "relations":
        offers = list(names.relations().values())
    elif choices == "modes":
        offers = [Offer(mode, mode, "mode") for mode in MODES]
    elif choices == "commands":
        offers = [Offer(name[1:], name[1:], "command", summary(known.doc)) for name, known in COMMANDS.items()]
    else:
        offers = []
    return _ranked(word[0], word.start(), offers)


def _ranked(word: str, start: int, offers: Iterable[Offer]) -> list[Candidate]:
    """The offers that fit the word; the order they come in decides between equals."""
    sought = word.lower()
    ranked = []
    seen = set()
    for number, offer in enumerate(offers):
        spread = _spread(sought, offer.name.lower())
        if spread is not None and offer.text not in seen:
            seen.add(offer.text)
            ranked.append((spread, number, offer))
    ranked.sort(key=lambda item: item[:2])
    found = [Candidate(offer.text, start, offer.type, offer.doc) for _, _, offer in ranked]
    return [] if len(found) == 1 and found[0].text == word else found


def _spread(word: str, name: str) -> tuple[int, int] | None:
    """How well a name fits: (0, 0) when it begins so, else over how many letters the word is spread and from where."""
    if name.startswith(word):
        return 0, 0
    first = at = name.find(word[0])
    for letter in word[1:]:
        at = name.find(letter, at + 1) if at >= 0 else -1
    # One letter is in nearly every name.
    return (at - first + 1, first) if at >= 0 and len(word) > 1 else None
