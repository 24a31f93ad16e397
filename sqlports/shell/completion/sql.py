"""What may stand at a place of SQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import takewhile

from sqlports.shell.completion import joining, values
from sqlports.shell.completion.candidates import Candidate, ranked
from sqlports.shell.completion.keywords import GOING_ON, keywords
from sqlports.shell.completion.scope import CLAUSE, START, TABLE, VALUE, Scope
from sqlports.shell.completion.tokens import Token, tokens
from sqlports.shell.names import Column, Names, Relation, usage


def complete(text: str, cursor: int, names: Names) -> tuple[int, list[Candidate]]:
    """Where the word at the cursor begins, and what may replace it."""
    held = next((token for token in tokens(text) if token.holds(cursor)), None)
    if held:
        return _in_text(text, cursor, held, names) if held.text.startswith("'") else (cursor, [])
    # From its end: sought from each letter on, a long word would take hours.
    backwards = re.match(r"[\w$]*", text[:cursor][::-1])
    assert backwards
    start = cursor - backwards.end()
    word = text[start:cursor]
    if word[:1].isdigit() or text[:start][-1:] in tuple("'\"`])@:?#"):
        return start, []
    return start, ranked(word, _offers(Place(text, start, cursor), word, names), names)


class Place:
    """A place in a script: the tokens of its statement before it and behind, and what it sees.

    begun    the last of what is not ended before it, as `Scope.begun`
    earlier  the tables that stand before it
    """

    def __init__(self, text: str, start: int, cursor: int) -> None:
        all_tokens = tokens(text)
        begin = max((token.end for token in all_tokens if token.text == ";" and token.end <= start), default=0)
        end = min((token.start for token in all_tokens if token.text == ";" and token.start >= cursor), default=len(text))
        here = [token for token in all_tokens if begin <= token.start < end and token.kind != "gap"]
        self.before = [token for token in here if token.end <= start]
        self.behind = [token for token in here if token.start >= cursor]
        self.scope = scope = reduce(Scope.after, self.before, Scope())
        self.phase, self.clause, self.last, self.keywords = scope.phase, scope.clause, scope.last, keywords(scope)
        self.begun = "".join(scope.begun[-1:])
        self.earlier = list((scope.around if scope.shared and scope.around else scope).tables)
        # The columns stand before the tables they are of.
        reduce(Scope.after, self.behind, scope)

    def follows(self, *words: str) -> bool:
        """Whether one of these words is right before."""
        return bool(self.before) and self.before[-1].kind == "word" and self.before[-1].text.upper() in words


def _in_text(text: str, cursor: int, held: Token, names: Names) -> tuple[int, list[Candidate]]:
    """What a text can be that the cursor is in: a value of the column it is compared with."""
    start = held.start + 1
    closed = text[cursor : cursor + 1] == "'"
    place = Place(text if closed else text[:cursor] + "'" + text[cursor:], held.start, cursor + 1)
    found = values.choices(place.before, place.scope, names)
    offers = (
        Candidate(value, values.written(value)[1 : -1 if closed else None], "value", f"of {name}", value)
        for value, name in found
    )
    return start, ranked(text[start:cursor].replace("''", "'"), offers, names)


def _offers(place: Place, word: str, names: Names) -> Iterator[Candidate]:
    """All that could be written in place of a word; nothing where a name is that is not there yet."""
    scope, phase, before = place.scope, place.phase, place.before
    if before and before[-1].text == ".":
        if phase == TABLE:
            yield from (_relation(relation, names) for relation in names.by_use())
        elif len(before) > 1:
            owner = before[-2].name
            for alias, column in _relating(place, before[:-2], names):
                if alias.lower() == owner.lower():
                    yield _column(column, names, of=owner)._replace(lead=True)
            yield from (_column(column, names, of=owner) for column in scope.columns_of(owner, names))
        return
    leading = place.last in _LEADING
    if leading or phase in (START, CLAUSE):
        yield from _keywords(place, word)
    if place.last == "x NOT":
        return
    if phase == TABLE:
        yield from _tables(place, word, names)
    if phase == VALUE and place.clause not in ("LIMIT", "OFFSET"):
        yield from _expressions(place, word, names)
    # Of an expression people want the columns: what else it may begin with is offered when that is begun.
    if not leading and (word or phase not in (VALUE, START, CLAUSE)):
        yield from _keywords(place, word)


def _keywords(place: Place, word: str) -> Iterator[Candidate]:
    small = _is_small(place, word)
    due = GOING_ON.get(place.begun, place.keywords if place.last in _LEADING else [])
    for known in place.keywords:
        yield Candidate(known, known.lower() if small else known, "keyword", common=True, lead=known in due)


def _is_small(place: Place, word: str) -> bool:
    """Whether keywords are written in small letters here: as this word is, else as the last keyword."""
    if word:
        return word.islower()
    words = [token.text for token in place.before if token.kind == "word" and token.text.upper() in _TELLING]
    return bool(words) and words[-1].islower()


# What hardly anything but a keyword follows.
_LEADING = {"IS", "IS NOT", "x NOT", "CASE"}
_TELLING = {"SELECT", "FROM", "WHERE", "JOIN", "ON", "USING", "AND", "OR", "BY", "WITH", "AS", "EXPLAIN", "HAVING"}


def _tables(place: Place, word: str, names: Names) -> Iterator[Candidate]:
    whole: list[Candidate] = []
    related: list[Relation] = []
    if place.earlier and place.clause == "FROM":
        whole, related = joining.related(place.scope, place.earlier, names)
    natural = place.before[-2:-1] and place.before[-2].text.upper() == "NATURAL"
    if not place.follows("JOIN") or natural or (place.behind and place.behind[0].text.upper() in ("ON", "USING", "AS")):
        whole = []
    if not word:
        yield from (one._replace(lead=True) for one in whole)
    yield from (Candidate(name, names.quoted(name), "view", "Defined by WITH.", lead=True) for name in place.scope.withs())
    yield from (_relation(relation, names) for relation in (*related, *names.by_use()))
    yield from whole
    if place.clause == "FROM":
        rows = (function for function in names.functions() if function.kind == "rows")
        yield from (Candidate(one.name, f"{one.name}(", "function", one.doc, one.signature) for one in rows)


def _expressions(place: Place, word: str, names: Names) -> Iterator[Candidate]:
    scope = place.scope
    for value, name in values.choices(place.before, scope, names):
        yield Candidate(value, values.written(value), "value", f"of {name}", lead=True)
    conditions = list(joining.conditions(scope, place.earlier, names)) if place.follows("ON") else []
    yield from conditions
    lists = list(joining.lists(scope, place.earlier, names)) if scope.shared and place.before[-1].text == "(" else []
    yield from lists
    yield from (one._replace(lead=True) for one in _asked_for(place, names))
    functions = list(_functions(place, names)) if word and not scope.shared else []
    if not any(scope.visible()):
        # Of all the columns that there are few are meant; people count them.
        yield from (one for one in functions if one.type == "aggregate" and usage()[f"{one.name}("] > _MUCH)
    if word or not (conditions or lists):
        yield from _columns(place, names)
    if scope.opener == "COUNT" and place.last == "(":
        yield Candidate("*", "*", "rows", "All of them.", lead=not any(scope.visible()))
    if scope.shared:
        return
    dot = "" if place.behind and place.behind[0].text == "." else "."
    for alias, table in scope.visible():
        if not alias.startswith("("):
            doc = f"Of {table}." if isinstance(table, str) else "Of a sub-query."
            yield Candidate(alias, names.quoted(alias) + dot, "alias", doc, alias)
    yield from functions


# In so many of the queries that come along is what nearly everybody uses.
_MUCH = 10


def _asked_for(place: Place, names: Names) -> Iterator[Candidate]:
    """The columns that the place itself asks for: what is to be grouped, what this SELECT gives, what a table is joined by."""
    scope, clause = place.scope, place.clause
    if clause in ("ORDER BY", "HAVING"):
        yield from (Candidate(name, names.quoted(name), "result", "Of this SELECT.") for name in scope.results())
    if clause in ("GROUP BY", "ORDER BY"):
        behind = takewhile(lambda token: token.text.upper() != "BY", reversed(place.before))
        there = {token.name.lower() for token in behind}
        for text, column in scope.grouped(names):
            if column.name.lower() not in there:
                yield _column(column, names)._replace(name=column.name or text, text=text, doc=column.doc or "Of this SELECT.")
    for alias, column in _relating(place, place.before, names):
        # Nothing but what it is compared with is meant without its table.
        if values.compared(place.before)[1]:
            yield _column(column, names, alias)
    if clause == "SELECT" and not any(scope.visible()):
        for name in scope.withs():
            yield from (_column(column, names, of=name) for column in scope.columns_of(name, names))


def _relating(place: Place, before: Sequence[Token], names: Names) -> Iterator[tuple[str, Column]]:
    """The columns that a table is joined by behind ON, each with its alias; of a comparison those that it is with."""
    if place.clause != "ON":
        return
    owner, name = (one.lower() for one in values.compared(before))
    pairs = joining.pairs(place.scope, place.earlier, names)
    both = [*pairs, *((other, one) for one, other in pairs)]
    partners = [one for one, (alias, column) in both if column.name.lower() == name and owner in ("", alias.lower())]
    yield from partners
    if not partners:
        yield from (one for one, _ in both)


def _functions(place: Place, names: Names) -> Iterator[Candidate]:
    opened = bool(place.behind) and place.behind[0].text == "("
    for function in names.functions():
        if function.kind != "rows":
            text = function.name if opened else f"{function.name}()" if not function.arguments else f"{function.name}("
            late = not usage()[f"{function.name}("]
            yield Candidate(function.name, text, function.kind, function.doc, function.signature, common=True, late=late)


def _relation(relation: Relation, names: Names) -> Candidate:
    return Candidate(relation.name, names.quoted(relation.name), relation.kind, relation.doc)


def _column(column: Column, names: Names, owner: str = "", of: str = "") -> Candidate:
    """A column, written with its owner; `of` is what it is of where it has no doc."""
    text = names.quoted(column.name)
    doc = column.doc or (f"Of {owner or of}." if owner or of else "")
    return Candidate(column.name, f"{names.quoted(owner)}.{text}" if owner else text, column.type or "column", doc)


def _columns(place: Place, names: Names) -> Iterator[Candidate]:
    """The columns that a place sees, hidden ones last."""
    scope = place.scope
    tables = [(alias, scope.columns_of(alias, names)) for alias, _ in scope.visible()]
    if not tables:
        yield from _of_all(place, names)
        return
    alike: dict[str, list[tuple[str, Column]]] = {}
    for alias, columns in tables:
        for column in columns:
            alike.setdefault(column.name, []).append((alias, column))
    for hidden in (False, True):
        for name, same in alike.items():
            several = len(same) > 1
            for alias, column in same:
                if column.hidden is hidden and (several or not scope.shared):
                    qualified = several and not scope.shared and name.lower() not in scope.merged
                    bare = alias.startswith("(")
                    yield _column(column, names, alias if qualified and not bare else "", "a sub-query" if bare else alias)


def _of_all(place: Place, names: Names) -> Iterator[Candidate]:
    """Before FROM is written: the columns of all tables, those first whose tables have all that is named already."""
    named = {token.name.lower() for token in place.before if token.kind in ("word", "quoted")}
    owners: dict[str, list[str]] = {}
    nearness: dict[str, int] = {}
    for relation in names.by_use():
        # Only the names: what a column of all these is, only one of its tables is asked.
        columns = names.column_names(relation.name)
        near = len(named.intersection(columns))
        for name in columns:
            owners.setdefault(name, []).append(relation.name)
            nearness[name] = max(near, nearness.get(name, 0))
    for name in sorted(owners, key=lambda name: -nearness[name]):
        first, *others = owners[name]
        column = next(column for column in names.columns(first) if column.name == name)
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        doc = f"Of {', '.join([first, *others[:1]])}{more}. {column.doc}".rstrip()
        yield Candidate(name, names.quoted(name), column.type or "column", doc)
