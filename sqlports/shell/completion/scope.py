"""What a place in a statement sees: read from its tokens one by one."""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from sqlports.shell.completion.tokens import Token
from sqlports.shell.names import Column, Names

# What may come next: a statement, another clause of it, a table, a name that is not there yet, an expression, a type.
START, CLAUSE, TABLE, NEW, VALUE, TYPE = "start", "clause", "table", "new", "value", "type"

_TABLE_FOLLOWS = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE"}
_NAME_FOLLOWS = {"VIEW", "INDEX", "TRIGGER", "PRAGMA", "SAVEPOINT", "RELEASE"}
_SORTED = {"GROUP BY", "ORDER BY", "PARTITION BY"}
_CLAUSES = {"SELECT", "VALUES", "WHERE", "HAVING", "ON", "SET", "LIMIT", "OFFSET", "USING", "RETURNING", "(", *_SORTED}
_OPERATORS = {"AND", "OR", "NOT", "IN", "IS", "LIKE", "GLOB", "REGEXP", "MATCH", "BETWEEN", "ESCAPE"}
_VALUE_FOLLOWS = {*_OPERATORS, "DISTINCT", "ALL", "CASE", "WHEN", "THEN", "ELSE", "FROM"}
# What is no name where an expression or a table is due. Other keywords are: `groups` is a table, `offset` a column.
_NEVER_NAMES = {
    *_VALUE_FOLLOWS,
    *_CLAUSES,
    *_TABLE_FOLLOWS,
    "AS",
    "BY",
    "EXCEPT",
    "GROUP",
    "INTERSECT",
    "ORDER",
    "UNION",
    "WITH",
}
_NO_ALIAS_FOLLOWS = {*_NEVER_NAMES, "OVER", "COLLATE"} - {"AS"}
# Sub-queries deeper than that are not looked into.
_DEEPEST = 20


class Scope:
    """One SELECT, or what is in a pair of parentheses.

    around  the scope it stands in
    opener  the word before its parenthesis, in capital letters
    phase   what may come next
    clause  the clause that is being written: 'SELECT', 'ORDER BY', …
    last    the token before, in capital letters; 'x NOT' for one behind an operand
    begun   what is not ended: 'BETWEEN' before its AND; of each CASE its last word, CASE, WHEN, THEN or ELSE
    sealed  whether it is a sub-query of FROM or WITH, which sees no tables of the scope around
    shared  whether it is the list of USING, which takes columns of several tables
    joined  whether the last table stands behind a JOIN
    merged  the columns that USING has made one
    tables  the tables and sub-queries by alias; what has none has a number and a parenthesis for it
    """

    def __init__(self, around: Scope | None = None, phase: str = START, clause: str = "") -> None:
        self.around = around
        self.opener: str = around.last if around else ""
        self.phase = phase
        self.clause = clause
        self.last: str = ""
        self.begun: list[str] = []
        self.sealed = self.shared = self.joined = False
        self.merged: set[str] = set()
        self.tables: dict[str, str | Scope] = {}
        self._first = self
        self._withs: dict[str, Scope] = {}
        self._items: list[list[Token]] = [[]]
        self._latest = ""
        self._gives: list[Column] | None = None

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

    def columns_of(self, owner: str, names: Names, depth: int = _DEEPEST) -> list[Column]:
        """The columns of the table of this alias, or of this name when there is no such alias."""
        table = next((table for alias, table in self.visible() if alias.lower() == owner.lower()), owner)
        if isinstance(table, str):
            table = next((query for name, query in self.withs().items() if name.lower() == table.lower()), table)
        if isinstance(table, str):
            return names.columns(table)
        return table.columns(names, depth - 1)

    def columns(self, names: Names, depth: int = _DEEPEST) -> list[Column]:
        """The columns that this SELECT gives, as far as they have names. For when the whole statement is read."""
        if self._gives is None:
            # A query may be defined by itself.
            self._gives = []
            self._gives = list(self._selected(names, depth)) if depth else []
        return self._gives

    def _selected(self, names: Names, depth: int) -> Iterator[Column]:
        for item in filter(None, self._items):
            *rest, last = item
            if last.text == "*" and len(rest) in (0, 2):
                for owner in [rest[0].name] if rest else list(self.tables):
                    yield from (column for column in self.columns_of(owner, names, depth) if not column.hidden)
            elif last.kind in ("word", "quoted") and (not rest or rest[-1].kind != "mark" or rest[-1].text in ".("):
                yield self._source(item, names, depth)._replace(name=last.name, hidden=False)

    def results(self) -> list[str]:
        """The names that this SELECT gives to what it gives."""
        return [item[-1].name for item in self._items if _is_named(item)]

    def grouped(self, names: Names) -> Iterator[tuple[str, Column]]:
        """What of this SELECT is a column, or has a name and no call in it: as GROUP BY has it written, and the column."""
        for item in self._items:
            if _is_named(item):
                if not any(token.text == "(" for token in item):
                    yield names.quoted(item[-1].name), self._source(item, names, _DEEPEST)._replace(name=item[-1].name)
            elif [token.text for token in item[1::2]] in ([], ["."]) and item and item[-1].kind in ("word", "quoted"):
                yield ".".join(names.quoted(token.name) for token in item[::2]), self._source(item, names, _DEEPEST)

    def _source(self, item: list[Token], names: Names, depth: int) -> Column:
        """The column that an item of SELECT is, under its own name."""
        named = [token for token in item if token.text.upper() != "AS"]
        if len(named) in (2, 4) and named[-2].kind != "mark":
            named.pop()
        if len(named) == 3 and named[1].text == ".":
            owners = [named[0].name]
        elif len(named) == 1:
            owners = [alias for alias, _ in self.visible()]
        else:
            owners = []
        sought = named[-1].name.lower()
        known = (column for owner in owners for column in self.columns_of(owner, names, depth))
        return next((column for column in known if column.name.lower() == sought), Column(""))

    def after(self, token: Token) -> Scope:
        """The scope in which the token behind this one stands."""
        word = token.text.upper()
        scope = self
        said = word
        if token.kind == "mark":
            scope = self._mark(word)
        elif token.kind == "word" and word in apsw.keywords and not self._may_name(word):
            if word == "NOT":
                said = "IS NOT" if self.last == "IS" else "x NOT" if self.phase == CLAUSE else word
            scope = self._keyword(word)
        else:
            self._operand(token)
        if self.clause == "SELECT" and word not in ("SELECT", "DISTINCT", "ALL", ",", ")"):
            self._items[-1].append(token)
        self.last = said
        if scope is not self:
            scope.last = word
        return scope

    def _may_name(self, keyword: str) -> bool:
        """Whether a keyword is the name of a column or table here."""
        if keyword == "OFFSET":
            return self.clause != "LIMIT"
        if self.phase not in (VALUE, TABLE) or self.clause == "DROP":
            return False
        return keyword not in _NEVER_NAMES and not (keyword == "END" and self.begun)

    def _operand(self, token: Token) -> None:
        if self.phase == TABLE:
            self._latest = token.name
            self.tables[token.name] = token.name
        elif self.clause == "FROM" and self._latest in self.tables:
            self.tables[token.name] = self.tables.pop(self._latest)
            self._latest = ""
        elif self.clause == "WITH" and self.phase == NEW:
            self._latest = token.name
        if self.shared and self.around:
            self.around.merged.add(token.name.lower())
        self.phase = CLAUSE

    def _keyword(self, word: str) -> Scope:
        if word in ("UNION", "EXCEPT", "INTERSECT"):
            other = Scope(self.around)
            other.sealed, other._first, other._withs = self.sealed, self._first, self._withs
            other.opener = self.opener
            return other
        if word in _VALUE_FOLLOWS and self.clause in _CLAUSES and (word != "FROM" or self.last == "DISTINCT"):
            self.phase = VALUE
            self._begin(word)
        elif word in _TABLE_FOLLOWS:
            self.joined = word == "JOIN"
            self.clause, self.phase, self.begun = "FROM", TABLE, []
        elif word == "BY":
            self.clause, self.phase = f"{self.last} BY", VALUE
        elif word in _CLAUSES:
            self.clause, self.phase, self.begun = word, VALUE, []
        elif word == "AS":
            self._as()
        elif word == "WITH":
            self.clause, self.phase = word, NEW
        elif word in _NAME_FOLLOWS:
            self.phase = TABLE if self.clause == "DROP" else NEW
        elif word in ("CREATE", "DROP"):
            self.clause = word
        elif word in ("NULL", "END"):
            self.phase = CLAUSE
            self._begin(word)
        return self

    def _begin(self, word: str) -> None:
        """Note what a word begins, goes on with, or ends."""
        if word in ("BETWEEN", "CASE"):
            self.begun.append(word)
        elif word == "AND" and self.begun[-1:] == ["BETWEEN"]:
            self.begun.pop()
        elif word in ("WHEN", "THEN", "ELSE", "END"):
            while self.begun[-1:] == ["BETWEEN"]:
                self.begun.pop()
            self.begun[-1:] = [word] if self.begun and word != "END" else []

    def _as(self) -> None:
        if self.clause == "CREATE":
            self.phase = START
        elif self.opener == "CAST":
            self.phase = TYPE
        else:
            self.phase = NEW if self.clause in ("SELECT", "FROM") else CLAUSE

    def _mark(self, mark: str) -> Scope:
        if mark == "(":
            return self._opened()
        if mark == ")" and self.around:
            return self.around._closed(self._first)
        if mark == ",":
            self.phase = {"FROM": TABLE, "WITH": NEW}.get(self.clause, VALUE)
            self.joined = False
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
        if self.phase == TABLE or (self.clause == "WITH" and self.last in ("AS", "MATERIALIZED")):
            inner = Scope(self)
            inner.sealed = True
        elif self.clause == "WITH":
            # The names of the columns, as SELECT would give them.
            inner = Scope(self, NEW, "SELECT")
        elif self.last in ("OVER", "FILTER"):
            inner = Scope(self, CLAUSE, self.last)
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


def _is_named(item: list[Token]) -> bool:
    """Whether an item of SELECT ends with a name that it is given."""
    if len(item) < 2 or item[-1].kind not in ("word", "quoted") or item[-1].text.upper() in ("END", "NULL"):
        return False
    before = item[-2]
    # A parenthesis is there without its end.
    return before.text == "(" or (before.kind != "mark" and before.text.upper() not in _NO_ALIAS_FOLLOWS)
