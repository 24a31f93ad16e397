"""What changed between two looks at the same: which rows came, which went, and which are the same with other values.

A row is told from the others by the keys of the tables that it is made of, as far as these are among its columns. Where they
are not, as behind a GROUP BY, the columns that come from tables as they are tell it from the others, and what is counted or
calculated is its value. The order of rows is no matter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlports import registry

Row = tuple[Any, ...]
Origin = tuple[str, str] | None
Identity = Callable[[Row], Hashable]
Groups = dict[Hashable, list[int]]

CAME, WENT, CHANGED, SAME = "+", "-", "~", " "

# What tells a row from others where a table declares no key, or one that a query seldom asks for as a whole: the first of these
# whose columns are all there and whose first is not NULL. A socket that waits for its end keeps its cookie and loses its inode.
_SOCKET = (
    ("cookie",),
    ("inode",),
    ("protocol", "local_address", "local_port", "remote_address", "remote_port"),
    ("local_address", "local_port", "remote_address", "remote_port"),
    ("protocol", "local_port", "remote_port"),
    ("protocol", "local_port"),
    ("local_port", "remote_port"),
    ("local_port",),
    ("protocol", "port"),
    ("port",),
    ("path",),
)
_LASTING = {
    "sockets": _SOCKET,
    "connections": _SOCKET,
    "handles": (("pid", "fd", "tid"), ("pid", "fd")),
    "net_namespaces": (("net_namespace",),),
    "process_envs": (("pid", "key"),),
    "process_open_files": (("pid", "fd"),),
    "rpc_services": (("program", "version", "netid", "universal_address"), ("program", "version", "netid")),
}


class Change(NamedTuple):
    """A row, and what became of it.

    mark    CAME, WENT, CHANGED or SAME
    row     the row as it is; as it was, of one that went
    before  as it was, of one that changed; None of another
    """

    mark: str
    row: Row
    before: Row | None = None


def identities(columns: Sequence[str], origins: Sequence[Origin]) -> list[Identity]:
    """What may tell the rows of a result from each other, the best first: functions from a row to what only that row has."""
    places: dict[str, dict[str, int]] = defaultdict(dict)
    for position, origin in enumerate(origins):
        if origin:
            places[origin[0]].setdefault(origin[1], position)
    found: list[Identity] = []
    keys = [key for table, there in places.items() if (key := _keys(table, there))]
    if keys:
        found.append(lambda row: tuple(_of(row, key) for key in keys))
    named = [position for position, origin in enumerate(origins) if origin]
    if len(named) < len(columns):
        found.append(lambda row: tuple(row[position] for position in named))
    return [*found, lambda row: row]


def _keys(table: str, there: dict[str, int]) -> list[tuple[int, ...]]:
    """The positions of each set of columns that tells a row of a table from others, the best first."""
    sets: Iterable[tuple[str, ...]] = _LASTING.get(table, ())
    if not sets and table in registry.table_names():
        declared = registry.table(table)
        # A hidden column is part of the question, and the same in every row.
        sets = [tuple(name for name in declared.key if not declared.columns[declared.position[name]].hidden)]
    return [tuple(there[name] for name in names) for names in sets if names and all(name in there for name in names)]


def _of(row: Row, keys: list[tuple[int, ...]]) -> tuple[Any, ...]:
    chosen = next((number for number, key in enumerate(keys) if row[key[0]] is not None), len(keys) - 1)
    return chosen, *(row[position] for position in keys[chosen])


def changes(before: Sequence[Row], after: Sequence[Row], identify: Sequence[Identity]) -> list[Change]:
    """The rows of both looks in the order of the later; one that went stands behind the one that it stood behind.

    The first identity is taken by which no two rows of a look are the same. Where there is none, rows that are not told from
    each other are the same as those that equal them, and the others came and went.
    """
    earlier, later = _told_apart(before, after, identify)
    now: list[Change | None] = [None] * len(after)
    then: list[int | None] = [None] * len(before)
    for known, positions in later.items():
        was = earlier.get(known, [])
        if len(was) == len(positions) == 1:
            old, new = before[was[0]], after[positions[0]]
            now[positions[0]] = Change(SAME, new) if old == new else Change(CHANGED, new, old)
            then[was[0]] = positions[0]
            continue
        left = defaultdict(list)
        for position in reversed(was):
            left[before[position]].append(position)
        for position in positions:
            row = after[position]
            now[position] = Change(SAME if left[row] else CAME, row)
            if left[row]:
                then[left[row].pop()] = position
    return list(_in_order(before, now, then))


def _told_apart(before: Sequence[Row], after: Sequence[Row], identify: Sequence[Identity]) -> tuple[Groups, Groups]:
    """The positions of the rows of both looks by what tells them apart."""
    tried = []
    # The whole row, which is last, tells nothing of one that changed.
    for one in identify[:-1] or identify:
        tried.append((_grouped(before, one), _grouped(after, one)))
        if (len(tried[-1][0]), len(tried[-1][1])) == (len(before), len(after)):
            return tried[-1]
    return tried[0]


def _grouped(rows: Sequence[Row], identify: Identity) -> Groups:
    groups: Groups = {}
    for position, row in enumerate(rows):
        groups.setdefault(identify(row), []).append(position)
    return groups


def _in_order(before: Sequence[Row], now: Sequence[Change | None], then: Sequence[int | None]) -> Iterator[Change]:
    behind: dict[int, list[Change]] = defaultdict(list)
    place = -1
    for row, position in zip(before, then, strict=True):
        if position is None:
            behind[place].append(Change(WENT, row))
        else:
            place = position
    yield from behind[-1]
    for number, change in enumerate(now):
        if change:
            yield change
        yield from behind.get(number, ())


def counts(found: Iterable[Change]) -> dict[str, int]:
    """How many rows came, went and changed, by their marks."""
    marks = Counter(change.mark for change in found)
    return {mark: marks[mark] for mark in (CAME, WENT, CHANGED)}
