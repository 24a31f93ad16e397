"""How tables are related: by what their columns are declared to reference, and by columns that are another table's key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import product
from typing import NamedTuple

from sqlports import registry
from sqlports.shell.names import Column, Names

# What columns reference together: a table, and the columns of it that tell its rows apart for them.
Group = tuple[str, tuple[str, ...]]

# Columns of a table, each with a group and the column of it that it references or is.
Bearers = tuple[tuple[Group, str, Column], ...]


class Relation(NamedTuple):
    """A way to join two tables: pairs of columns that must be equal, one of the left table, one of the right.

    direct  whether one of the tables is what the other one references; else both reference a third
    """

    pairs: tuple[tuple[Column, Column], ...]
    direct: bool

    @property
    def shared(self) -> bool:
        """Whether the columns have the same names, so that USING can do it."""
        return all(left.name == right.name for left, right in self.pairs)

    def condition(self, left: str, right: str, names: Names) -> str:
        """The condition behind ON, given the aliases of both."""
        equal = (
            f"{names.quoted(right)}.{names.quoted(there.name)} = {names.quoted(left)}.{names.quoted(here.name)}"
            for here, there in self.pairs
        )
        return " AND ".join(equal)

    def using(self, names: Names) -> str:
        """The names in the parentheses of USING."""
        return ", ".join(names.quoted(here.name) for here, _ in self.pairs)


@cache
def _referenced() -> dict[tuple[str, str], frozenset[tuple[Group, str]]]:
    """For each table and column: what it references, or is."""
    tables = [registry.table(name) for name in registry.table_names()]
    declared: dict[str, set[str]] = {}
    for table in tables:
        for column in table.columns:
            if column.references:
                there, _, name = column.references.partition(".")
                declared.setdefault(there, set()).add(name)
    groups = {name: (name, tuple(sorted(columns))) for name, columns in declared.items()}
    found: dict[tuple[str, str], set[tuple[Group, str]]] = {}
    for table in tables:
        if table.name in groups:
            for name in groups[table.name][1]:
                found.setdefault((table.name, name), set()).add((groups[table.name], name))
        for column in table.columns:
            if column.references:
                there, _, name = column.references.partition(".")
                found.setdefault((table.name, column.name), set()).add((groups[there], name))
        for other in tables:
            if other.key and set(other.key) <= set(table.position):
                for name in other.key:
                    if not table.columns[table.position[name]].references:
                        key = (other.name, tuple(sorted(other.key)))
                        found.setdefault((table.name, name), set()).add((key, name))
    return {place: frozenset(what) for place, what in found.items()}


def bearers(columns: Sequence[Column]) -> Bearers:
    """The columns that reference something or are referenced, each with what; of groups that are there as a whole."""
    referenced = _referenced()
    found = [(group, name, column) for column in columns if column.origin for group, name in referenced.get(column.origin, ())]
    there = {(group, name) for group, name, _ in found}
    return tuple(one for one in found if all((one[0], name) in there for name in one[0][1]))


@lru_cache(maxsize=4096)
def relations(left: Bearers, right: Bearers) -> tuple[Relation, ...]:
    """How two tables can be joined, the likeliest first."""
    found: dict[tuple[tuple[str, str], ...], tuple[tuple[bool, bool, bool, bool, int], Relation]] = {}
    for group in {group for group, *_ in left} & {group for group, *_ in right}:
        table, names = group
        sides = [(_bearing(left, group, name), _bearing(right, group, name)) for name in names]
        for pairs in product(*(product(here, there) for here, there in sides)):
            direct = all((table, name) in (a.origin, b.origin) for name, (a, b) in zip(names, pairs, strict=True))
            relation = Relation(pairs, direct)
            # Of what only references a third table, other names have other parts: a parent, a user in effect.
            if direct or relation.shared:
                hidden = any(a.hidden or b.hidden for a, b in pairs)
                asked = any(b.origin == (table, name) for name, (_, b) in zip(names, pairs, strict=True))
                # What has more to choose from says more when it is equal.
                rank = (not direct, not relation.shared, hidden, not asked, -registry.table(table).rows)
                key = tuple((a.name, b.name) for a, b in pairs)
                found[key] = min((rank, relation), found.get(key, (rank, relation)), key=lambda one: one[0])
    return tuple(relation for _, relation in sorted(found.values(), key=lambda one: (one[0], one[1].pairs[0][0].name)))


def _bearing(side: Bearers, group: Group, name: str) -> list[Column]:
    return [column for its, of, column in side if its == group and of == name]
