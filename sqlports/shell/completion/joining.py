"""What a join is written with: tables that are related to earlier ones, and the conditions that relate them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlports import registry
from sqlports.shell.completion.candidates import Candidate
from sqlports.shell.completion.joins import Relation, bearers, relations
from sqlports.shell.completion.scope import Scope
from sqlports.shell.names import Column, Names
from sqlports.shell.names import Relation as Table

# A way to join: the alias of an earlier table, and how it is related.
Way = tuple[str, Relation]


def related(scope: Scope, earlier: Sequence[str], names: Names) -> tuple[list[Candidate], list[Table]]:
    """The tables that are related to earlier ones: as whole joins, and by themselves. The nearest first."""
    # Of tables that are alike the first.
    left = {bearers(scope.columns_of(alias, names)): alias for alias in reversed(earlier)}
    here = {table for _, table in scope.visible() if isinstance(table, str)}
    found: list[tuple[bool, bool, Table, Candidate | None]] = []
    for table in names.by_use():
        right = bearers(names.columns(table.name))
        ways = [(alias, way) for columns, alias in reversed(left.items()) for way in relations(columns, right)]
        ways = [way for way in ways if not _is_same_row(scope, way, table.name)]
        if ways:
            ways.sort(key=lambda way: not way[1].direct)
            found.append((table.name in here, not ways[0][1].direct, table, _whole(scope, earlier, table, ways, names)))
    found.sort(key=lambda one: one[:2])
    return [whole for *_, whole in found if whole], [table for _, _, table, _ in found]


def conditions(scope: Scope, earlier: Sequence[str], names: Names) -> Iterator[Candidate]:
    """The conditions by which the last of the tables can be joined with the others."""
    for alias, way in _ways(scope, earlier, names):
        if not _is_hidden(way):
            text = way.condition(alias, earlier[-1], names)
            yield Candidate(text, text, "join", way.pairs[0][0].doc, lead=True)


def pairs(scope: Scope, earlier: Sequence[str], names: Names) -> list[tuple[tuple[str, Column], tuple[str, Column]]]:
    """The columns that relate the last of the tables to the others, two and two, each with its alias; those that are shown."""
    found = [((earlier[-1], there), (alias, here)) for alias, way in _ways(scope, earlier, names) for here, there in way.pairs]
    return [pair for pair in found if not any(column.hidden for _, column in pair)]


def lists(scope: Scope, earlier: Sequence[str], names: Names) -> Iterator[Candidate]:
    """What the parentheses of USING can hold to join the last of the tables."""
    for _, way in _ways(scope, earlier, names):
        if way.shared:
            text = way.using(names)
            yield Candidate(text, text, "join", way.pairs[0][0].doc, lead=True)


def _ways(scope: Scope, earlier: Sequence[str], names: Names) -> list[Way]:
    """How the last of the tables is related to the others, the likeliest first."""
    if len(earlier) < 2:
        return []
    tables = dict(scope.visible())
    right = bearers(scope.columns_of(earlier[-1], names))
    found = [(alias, way) for alias in earlier[:-1] for way in relations(bearers(scope.columns_of(alias, names)), right)]
    found = [way for way in found if not _is_same_row(scope, way, tables.get(earlier[-1]))]
    return sorted(found, key=lambda way: not way[1].direct)


def _is_same_row(scope: Scope, way: Way, table: str | Scope | None) -> bool:
    """Whether it joins a table's rows with themselves."""
    alias, relation = way
    here = dict(scope.visible()).get(alias)
    return relation.direct and relation.shared and isinstance(here, str) and here == table


def _is_hidden(relation: Relation) -> bool:
    return any(column.hidden for pair in relation.pairs for column in pair)


def _whole(scope: Scope, earlier: Sequence[str], table: Table, ways: Sequence[Way], names: Names) -> Candidate | None:
    """A table with what joins it: with USING, or, where a name would be of several tables, with ON and an alias."""
    written = names.quoted(table.name)
    alias, way = ways[0]
    if way.shared and table.name not in earlier and _is_clear(scope, earlier, way, names):
        text = f"{written} USING ({way.using(names)})"
    else:
        alias, way = next((way for way in ways if not _is_hidden(way[1])), ways[0])
        short = _alias(table.name, earlier, names)
        text = f"{written} {short} ON {way.condition(alias, short, names)}"
    return Candidate(table.name, text, "join", table.doc) if _is_enough(table.name, way) else None


def _is_enough(table: str, way: Relation) -> bool:
    """Whether a table that cannot be read as a whole is asked for what it needs."""
    if table not in registry.table_names():
        return True
    needs = registry.table(table)
    asked = {there.name for _, there in way.pairs}
    return needs.required <= asked and (not needs.either or not asked.isdisjoint(needs.either))


def _is_clear(scope: Scope, earlier: Sequence[str], way: Relation, names: Names) -> bool:
    """Whether only one of the earlier tables has each of the names, or USING made it one."""
    for here, _ in way.pairs:
        having = sum(any(column.name == here.name for column in scope.columns_of(alias, names)) for alias in earlier)
        if having > 1 and here.name.lower() not in scope.merged:
            return False
    return True


def _alias(table: str, earlier: Sequence[str], names: Names) -> str:
    """A short name for a table: the first letters of its words, with a number where that is taken."""
    letters = "".join(word[0] for word in table.lower().split("_") if word[:1].isalpha()) or "t"
    taken = {alias.lower() for alias in earlier}
    number = 1
    short = letters
    while short in taken or names.quoted(short) != short:
        number += 1
        short = f"{letters}{number}"
    return short
