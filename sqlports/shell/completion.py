"""What may stand at the cursor: text and position in, candidates out. Nothing here looks at the system."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import reduce
from typing import NamedTuple

import apsw

from sqlports.shell import dot
from sqlports.shell.names import Column, Names

# What may come next: a statement, another clause of it, a table, a name that is not there yet, an expression.
START, CLAUSE, TABLE, NEW, VALUE = "start", "clause", "table", "new", "value"

# The keywords that people want most come first.
_OPENING = ["SELECT", "WITH", "VALUES", "EXPLAIN", "CREATE", "DROP", "PRAGMA"]
_COMMON = re.findall(
    r"\w+",
    "FROM WHERE JOIN LEFT ON USING GROUP ORDER BY HAVING LIMIT OFFSET AND OR NOT IN IS NULL LIKE GLOB BETWEEN EXISTS AS CASE",
)
_KEYWORDS = [*_COMMON, *sorted(apsw.keywords - set(_COMMON))]
_TABLE_FOLLOWS = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE"}
_NAME_FOLLOWS = {"VIEW", "INDEX", "TRIGGER", "PRAGMA", "SAVEPOINT", "RELEASE"}
_CLAUSES = {"SELECT", "VALUES", "WHERE", "HAVING", "BY", "ON", "SET", "LIMIT", "OFFSET", "USING", "RETURNING", "("}
_OPERATORS = {"AND", "OR", "NOT", "IN", "IS", "LIKE", "GLOB", "REGEXP", "MATCH", "BETWEEN", "ESCAPE"}
_VALUE_FOLLOWS = {*_OPERATORS, "DISTINCT", "ALL", "CASE", "WHEN", "THEN", "ELSE", "FROM"}


class Candidate(NamedTuple):
    """Something that could be written: the name it is found by, the text for it, its type ('table', 'INTEGER'), its doc."""

    name: str
    text: str
    type: str
    doc: str = ""


def complete(text: str, cursor: int, names: Names) -> tuple[int, list[Candidate]]:
    """Where the word at the cursor begins, and what may replace it: what begins so, then what has its letters in order."""
    if text.lstrip().startswith("."):
        word, known = dot.choices(text[:cursor], names)
        offers: Iterable[Candidate] = (Candidate(name, name, kind, doc) for name, kind, doc in known)
    else:
        word = re.findall(r"[\w$]*\Z", text[:cursor])[0]
        offers = _offers(text, cursor - len(word), word, names)
    start = cursor - len(word)
    if re.match(r"[\w$.]", text[cursor:]):
        return start, []
    ranked: dict[str, tuple[tuple[int, int], int, Candidate]] = {}
    for number, offer in enumerate(offers):
        spread = _spread(word.lower(), offer.name.lower())
        if spread is not None:
            ranked.setdefault(offer.text, (spread, number, offer))
    found = [offer for _, _, offer in sorted(ranked.values())]
    return start, [] if len(found) == 1 and found[0].text == word else found


def _spread(word: str, name: str) -> tuple[int, int] | None:
    """How well a name fits: (0, 0) when it begins so, else over how many letters the word is spread and from where."""
    if name.startswith(word):
        return 0, 0
    first = at = name.find(word[0])
    for letter in word[1:]:
        at = name.find(letter, at + 1) if at >= 0 else -1
    # One letter is in nearly every name.
    return (at - first + 1, first) if at >= 0 and len(word) > 1 else None


def _offers(text: str, start: int, word: str, names: Names) -> Iterator[Candidate]:
    """All that could be written in place of a word of SQL; nothing in a text, a comment, a number or a parameter."""
    cursor = start + len(word)
    tokens = [Token(str(found.lastgroup), found[0], *found.span()) for found in _TOKEN.finditer(text)]
    if word[:1].isdigit() or text[:start][-1:] in tuple("'\"`])@:?#") or any(token.holds(cursor) for token in tokens):
        return
    begin = max((token.end for token in tokens if token.text == ";" and token.end <= start), default=0)
    end = min((token.start for token in tokens if token.text == ";" and token.start >= cursor), default=len(text))
    tokens = [token for token in tokens if begin <= token.start < end and token.kind != "gap"]
    before = [token for token in tokens if token.end <= start]
    scope = reduce(Scope.after, before, Scope())
    phase = scope.phase
    # The columns stand before the tables they are of.
    reduce(Scope.after, (token for token in tokens if token.start >= cursor), scope)
    relations = [Candidate(name, names.quoted(name), kind, doc) for name, kind, doc in names.relations()]
    if before and before[-1].text == "." and before[-1].end == start:
        if phase == TABLE:
            yield from relations
        elif len(before) > 1:
            yield from (_offer(column, names) for column in scope.columns_of(before[-2].name, names))
        return
    if phase == TABLE:
        yield from (Candidate(name, names.quoted(name), "view", "Defined by WITH.") for name in scope.withs())
        yield from relations
    if phase == VALUE:
        yield from _columns(scope, names)
    if phase == VALUE and not scope.shared:
        for alias, table in scope.visible():
            if not alias.startswith("("):
                yield Candidate(alias, names.quoted(alias), "alias", f"Of {table}." if isinstance(table, str) else "")
        yield from (Candidate(name, name, kind) for name, kind in names.functions())
    if phase in (START, CLAUSE, VALUE) and not scope.shared:
        for known in _OPENING + _KEYWORDS if phase == START else _KEYWORDS:
            yield Candidate(known, known.lower() if word.islower() else known, "keyword")


def _offer(column: Column, names: Names, owner: str = "") -> Candidate:
    text = names.quoted(column.name)
    return Candidate(column.name, f"{names.quoted(owner)}.{text}" if owner else text, column.type or "column", column.doc)


def _columns(scope: Scope, names: Names) -> Iterator[Candidate]:
    """The columns that a place sees, hidden ones last; before FROM is written, those of all tables."""
    tables = [(alias, scope.columns_of(alias, names)) for alias, _ in scope.visible()]
    tables = tables or [("(", names.columns(name)) for name, _, _ in names.relations()]
    alike: dict[str, list[tuple[str, Column]]] = {}
    for alias, columns in tables:
        for column in columns:
            alike.setdefault(column.name, []).append((alias, column))
    for hidden in (False, True):
        for same in alike.values():
            several = len(same) > 1
            for alias, column in same:
                if column.hidden is hidden and (several or not scope.shared):
                    qualified = several and not scope.shared and not alias.startswith("(")
                    yield _offer(column, names, alias if qualified else "")


class Token(NamedTuple):
    """A piece of SQL and where it is. Its kind is a group of _TOKEN; 'open' is a text, name or comment without its end."""

    kind: str
    text: str
    start: int
    end: int

    def holds(self, cursor: int) -> bool:
        """Whether the cursor is in this text, quoted name or comment."""
        if self.kind not in ("gap", "text", "quoted", "open") or self.text.isspace():
            return False
        endless = self.kind == "open" or self.text.startswith("--")
        return self.start < cursor < self.end or (cursor == self.end and endless)

    @property
    def name(self) -> str:
        """The name without its quotes."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text


_TOKEN = re.compile(
    r"(?P<gap>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\])"
    r"|(?P<open>(?:['\"`\[]|/\*).*)|(?P<number>\.?\d[\w.]*)|(?P<parameter>[?:@#$]\w*)|(?P<word>\w[\w$]*)|(?P<mark>.)",
    re.DOTALL,
)


class Scope:
    """One SELECT, or what is in a pair of parentheses.

    around  the scope it stands in
    sealed  whether it is a sub-query of FROM or WITH, which sees no tables of the scope around
    shared  whether it is the list of USING, which takes columns of several tables
    tables  the tables and sub-queries by alias; what has none has a number and a parenthesis for it
    """

    def __init__(self, around: Scope | None = None, phase: str = START, clause: str = "") -> None:
        self.around = around
        self.phase = phase
        self.clause = clause
        self.sealed = self.shared = False
        self.tables: dict[str, str | Scope] = {}
        self._first = self
        self._withs: dict[str, Scope] = {}
        self._items: list[list[Token]] = [[]]
        self._latest = self._before = ""

    def visible(self) -> Iterator[tuple[str, str | Scope]]:
        """The tables that an expression here sees: alias, and name or sub-query."""
        for scope in self._chain():
            yield from scope.tables.items()
            if scope.sealed:
                break

    def withs(self) -> dict[str, Scope]:
        """What WITH defines, here and around."""
        return {name: query for scope in reversed(list(self._chain())) for name, query in scope._withs.items()}

    def _chain(self) -> Iterator[Scope]:
        scope: Scope | None = self
        while scope:
            yield scope
            scope = scope.around

    def columns_of(self, owner: str, names: Names, depth: int = 4) -> list[Column]:
        """The columns of the table of this alias, or of this name when there is no such alias."""
        table = next((table for alias, table in self.visible() if alias.lower() == owner.lower()), owner)
        if isinstance(table, str):
            table = next((query for name, query in self.withs().items() if name.lower() == table.lower()), table)
        if isinstance(table, str):
            return names.columns(table)
        # A query may be defined by itself.
        return list(table.columns(names, depth - 1)) if depth else []

    def columns(self, names: Names, depth: int) -> Iterator[Column]:
        """The columns that this SELECT gives, as far as they have names."""
        for item in filter(None, self._items):
            *rest, last = item
            if last.text == "*" and len(rest) in (0, 2):
                for owner in [rest[0].name] if rest else list(self.tables):
                    yield from (column for column in self.columns_of(owner, names, depth) if not column.hidden)
            elif last.kind in ("word", "quoted") and (not rest or rest[-1].kind != "mark" or rest[-1].text in ".("):
                yield Column(last.name)

    def after(self, token: Token) -> Scope:
        """The scope in which the token behind this one stands."""
        word = token.text.upper()
        scope = self
        if token.kind == "mark":
            scope = self._mark(word)
        elif token.kind == "word" and word in apsw.keywords:
            scope = self._keyword(word)
        else:
            self._operand(token)
        if self.clause == "SELECT" and word not in ("SELECT", "DISTINCT", "ALL", ",", ")"):
            self._items[-1].append(token)
        self._before = word
        return scope

    def _operand(self, token: Token) -> None:
        if self.phase == TABLE:
            self._latest = token.name
            self.tables[token.name] = token.name
        elif self.clause == "FROM" and self._latest in self.tables:
            self.tables[token.name] = self.tables.pop(self._latest)
            self._latest = ""
        elif self.clause == "WITH" and self.phase == NEW:
            self._latest = token.name
        self.phase = CLAUSE

    def _keyword(self, word: str) -> Scope:
        if word in ("UNION", "EXCEPT", "INTERSECT"):
            other = Scope(self.around)
            other.sealed, other._first, other._withs = self.sealed, self._first, self._withs
            return other
        if word in _VALUE_FOLLOWS and self.clause in _CLAUSES and (word != "FROM" or self._before == "DISTINCT"):
            self.phase = VALUE
        elif word in _TABLE_FOLLOWS:
            self.clause, self.phase = "FROM", TABLE
        elif word in _CLAUSES:
            self.clause, self.phase = word, VALUE
        elif word == "AS":
            self.phase = NEW if self.clause in ("FROM", "SELECT") else START
        elif word == "WITH":
            self.clause, self.phase = word, NEW
        elif word in _NAME_FOLLOWS:
            self.phase = TABLE if self.clause == "DROP" else NEW
        elif word in ("CREATE", "DROP"):
            self.clause = word
        elif word in ("NULL", "END"):
            self.phase = CLAUSE
        return self

    def _mark(self, mark: str) -> Scope:
        if mark == "(":
            return self._opened()
        if mark == ")" and self.around:
            return self.around._closed(self._first)
        if mark == ",":
            self.phase = {"FROM": TABLE, "WITH": NEW}.get(self.clause, VALUE)
            self._items.append([])
        elif mark == "." and self.clause == "FROM":
            self.tables.pop(self._latest, None)
            self.phase = TABLE
        elif mark == "*" and self.phase == VALUE:
            self.phase = CLAUSE
        elif self.clause in _CLAUSES:
            self.phase = VALUE
        return self

    def _opened(self) -> Scope:
        if self.phase == TABLE or (self.clause == "WITH" and self._before in ("AS", "MATERIALIZED")):
            inner = Scope(self)
            inner.sealed = True
        elif self.clause == "WITH":
            # The names of the columns, as SELECT would give them.
            inner = Scope(self, NEW, "SELECT")
        else:
            inner = Scope(self, VALUE, "(")
        inner.shared = self.clause == "USING"
        return inner

    def _closed(self, inner: Scope) -> Scope:
        if self.phase == TABLE:
            self._latest = f"({len(self.tables)}"
            self.tables[self._latest] = inner
        elif self.clause == "WITH":
            self._withs.setdefault(self._latest, inner)
        self.phase = CLAUSE
        return self
