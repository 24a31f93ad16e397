"""What may stand at the cursor: text and position in, candidates out. Nothing here looks at the system."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import apsw

from sqlports import dot
from sqlports.catalogue import summary
from sqlports.render import MODES
from sqlports.session import Column, Names

# What the next word may be.
CLAUSE, TABLE, FRESH, VALUE = "a keyword", "a table", "a new name", "an expression"

# The keywords that people want, and after them the rest.
_COMMON = (
    "SELECT FROM WHERE JOIN LEFT ON USING GROUP ORDER BY HAVING LIMIT AND OR NOT IN IS NULL LIKE GLOB BETWEEN EXISTS AS "
    "DISTINCT CASE WHEN THEN ELSE END ASC DESC UNION ALL WITH OFFSET"
).split()
_KEYWORDS = [*_COMMON, *sorted(apsw.keywords - set(_COMMON))]
_VALUES = {"SELECT", "VALUES", "WHERE", "HAVING", "BY", "ON", "SET", "LIMIT", "USING", "RETURNING"}
_NAMED = {"VIEW", "INDEX", "TRIGGER", "PRAGMA", "SAVEPOINT", "RELEASE"}


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


def complete(text: str, cursor: int, names: Names) -> list[Candidate]:
    """What may stand at the cursor, best first: what begins as the word there, then what has its letters in that order."""
    if text.lstrip().startswith("."):
        return _argument(text[:cursor], names)
    word = re.findall(r"[\w$]*\Z", text[:cursor])[0]
    start = cursor - len(word)
    tokens = list(_tokens(text))
    inside = any(token.holds(cursor) for token in tokens)
    if inside or word[:1].isdigit() or re.match(r"[\w$]", text[cursor:]) or re.match(r"['\"`\])@:?#]", text[start - 1 : start]):
        return []
    begin = max((token.end for token in tokens if token.text == ";" and token.end <= start), default=0)
    end = min((token.start for token in tokens if token.text == ";" and token.start >= cursor), default=len(text))
    around = [token for token in tokens if begin <= token.start < end and (token.end <= start or token.start >= cursor)]
    return _ranked(word, start, _offers([token for token in around if token.kind != "gap"], start, word, names))


def _argument(before: str, names: Names) -> list[Candidate]:
    """A dot command, or what may follow it."""
    command, argument = dot.parts(before)
    if argument is None:
        known = [Offer(name, name, "command", summary(known.doc)) for name, known in dot.COMMANDS.items()]
        return _ranked(command, len(before) - len(command), known)
    choices = next((known.choices for name, known in dot.COMMANDS.items() if name.startswith(command)), "")
    offers: list[Offer] = []
    if choices == "relations":
        offers = [Offer(name, name, kind, doc) for name, kind, doc in names.relations()]
    elif choices == "modes":
        offers = [Offer(mode, mode, "mode") for mode in MODES]
    elif choices == "commands":
        offers = [Offer(name[1:], name[1:], "command", summary(known.doc)) for name, known in dot.COMMANDS.items()]
    return _ranked(argument, len(before) - len(argument), offers)


def _ranked(word: str, start: int, offers: Iterable[Offer]) -> list[Candidate]:
    """The offers that fit the word; the order they come in decides between equals."""
    sought = word.lower()
    ranked = {}
    for number, offer in enumerate(offers):
        spread = _spread(sought, offer.name.lower())
        if spread is not None:
            ranked.setdefault(offer.text, (spread, number, offer))
    found = [Candidate(offer.text, start, *offer[2:]) for _, _, offer in sorted(ranked.values())]
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


def _offers(tokens: list[Token], start: int, word: str, names: Names) -> Iterator[Offer]:
    """All that could be written at a place of a statement."""
    scope, phase = _scope(tokens, start)
    before = [token for token in tokens if token.end <= start]
    if len(before) > 1 and before[-1].text == "." and before[-1].end == start:
        owner = before[-2].name
        if phase == TABLE:
            yield from (Offer(name, names.quoted(name), kind, doc) for name, kind, doc in names.relations())
        else:
            yield from (_column(column, names) for column in scope.columns_of(owner, names))
        return
    if phase == TABLE:
        yield from (Offer(name, name, "WITH") for name in scope.withs())
        yield from (Offer(name, names.quoted(name), kind, doc) for name, kind, doc in names.relations())
    if phase == VALUE:
        yield from _columns(scope, names)
        yield from (
            Offer(alias, names.quoted(alias), "alias of" if isinstance(it, Scope) else f"alias of {it}")
            for alias, it in scope.visible()
        )
        yield from (Offer(name, name, kind) for name, kind in names.functions())
    if phase in (VALUE, CLAUSE):
        small = word.islower()
        yield from (Offer(known, known.lower() if small else known, "keyword") for known in _KEYWORDS)
