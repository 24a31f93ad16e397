"""How a search is planned, and what its values ask of a table.

SQLite asks a virtual table what it could do with a list of constraints (`choose`), remembers the answer as a text, and
later hands over the text with the values (`bind`). What the table claims is never the last word: SQLite checks every
row again. So the one sin here is to leave a row out; to give too many is only slow.
"""

from __future__ import annotations

import json
import math
from functools import lru_cache
from typing import Any, NamedTuple

from sqlports.compare import (
    EQ,
    GE,
    GLOB,
    GT,
    IS,
    ISNULL,
    LE,
    LIKE,
    LT,
    Anything,
    Unmatched,
    equal,
    narrow,
    pattern,
)
from sqlports.errors import QueryError
from sqlports.schema import Range, Table

_BOUNDS = {GT, LE, LT, GE}
_PATTERNS = {LIKE, GLOB}
_EQUALITIES = {EQ, IS, ISNULL}
SCAN_UNIQUE = 1  # SQLITE_INDEX_SCAN_UNIQUE
# The last of the 64 bits that SQLite has for the columns that are used.
LAST = 63
# The cost of a plan that is to be taken where there is no other.
NEVER = 1e30
# The number of a plan: it has one value for each column of the key, in its order, for a table that finds rows by their key.
BY_KEY = 1


class Step(NamedTuple):
    """One constraint that the plan uses: which column, which operator, whether IN hands over its values at once."""

    column: str
    op: int
    many: bool = False


class Plan(NamedTuple):
    """What `choose` wrote down: the constraints that are used, the parts of a row that the statement wants, and the table."""

    steps: list[Step]
    groups: list[str]
    table: str = ""


class Bound(NamedTuple):
    """A plan with its values.

    arguments   for the table's function
    once        more of them, for the first search of a kind only
    lookups     cells to look up in an index over its rows
    """

    arguments: dict[str, Any]
    once: dict[str, Any]
    lookups: dict[str, frozenset[Any]]


def choose(info: Any, table: Table, at_once: bool = True) -> bool:
    """Fill SQLite's IndexInfo for this table; False when a column is not given, here, that the table cannot do without.

    `at_once` permits to take all values of an IN in one call; otherwise it is a call for each.
    """
    usable = [(index, _usable(info, index, table, at_once)) for index in range(info.nConstraint)]
    by_key = _by_key(usable, table) if table.find else []
    if by_key:
        # SQLite checks what else there is.
        usable, info.idxNum = by_key, BY_KEY
    equal = {step.column for _, step in usable if step and step.op in _EQUALITIES}
    steps: list[Step] = []
    for index, step in usable:
        # A bound or a pattern beside an equality of its column adds nothing.
        if step is None or (step.op in _BOUNDS | _PATTERNS and step.column in equal):
            continue
        steps.append(step)
        info.set_aConstraintUsage_argvIndex(index, len(steps))
        if by_key:
            # Proven, for once: such a row has these very cells.
            info.set_aConstraintUsage_omit(index, True)
        if step.many:
            info.set_aConstraintUsage_in(index, True)
    given = {step.column for step in steps}
    is_lacking = bool(table.required - given or (table.either and given.isdisjoint(table.either)))
    # Without any condition it is planned all the same: `WHERE path IN ()` has come down to that, and asks no rows.
    if is_lacking and info.nConstraint:
        return False
    info.idxStr = json.dumps(Plan(steps, _parts(table, info.colUsed), table.name))
    _estimate(info, table, steps)
    if is_lacking or _comes_later(info, table, equal):
        info.estimatedCost = NEVER
    return True


def _by_key(usable: list[tuple[int, Step | None]], table: Table) -> list[tuple[int, Step | None]]:
    """Of the constraints one for each column of the key, in its order; [] when a column has no single value."""
    found = {step.column: (index, step) for index, step in reversed(usable) if step and step.op == EQ and not step.many}
    return [found[column] for column in table.key] if found.keys() >= set(table.key) else []


def _parts(table: Table, used: set[int]) -> list[str]:
    """The parts that may be wanted. First one that is: of rows that may end it is read to see whether they have."""
    certain = {column.group for index, column in enumerate(table.columns[:LAST]) if index in used}
    if LAST not in used:
        return [group for group in table.groups if group in certain]
    # Of the columns from this on SQLite does not say which.
    certain = certain - {None} or set(table.groups[: table.transient])
    perhaps = {column.group for column in table.columns[LAST:]} - certain
    return [group for group in table.groups if group in certain] + [group for group in table.groups if group in perhaps]


def _comes_later(info: Any, table: Table, equal: set[str]) -> bool:
    """Whether a value that says which rows there are will be known only when another table of the join has been read.

    That other table goes first, then: without the value, or with a pattern for it, these would be other rows.
    """
    late = {
        table.columns[info.get_aConstraint_iColumn(index)].name
        for index in range(info.nConstraint)
        if info.get_aConstraint_op(index) in (EQ, IS)
        and not info.get_aConstraint_usable(index)
        and 0 <= info.get_aConstraint_iColumn(index) < len(table.columns)
    }
    late &= table.searches.keys() - equal
    if not table.needed:
        # There are all rows without a value, but for a hidden column of the key: whose accounts they are, say.
        return any(name in late and table.columns[table.position[name]].hidden for name in table.key)
    return bool(late - table.needed if equal & table.needed else late)


@lru_cache(maxsize=256)
def load(text: str) -> Plan:
    """What `choose` wrote down. Read-only: in a join the same text comes again for every row."""
    steps, *others = json.loads(text)
    return Plan([Step(*step) for step in steps], *others)


def bind(table: Table, steps: list[Step], values: tuple[Any, ...]) -> Bound:
    """Put the values into the steps. Raises Unmatched when no row can satisfy them."""
    arguments: dict[str, Any] = {}
    once: dict[str, Any] = {}
    lookups: dict[str, frozenset[Any]] = {}
    for step, value in zip(steps, values, strict=True):
        kind = table.columns[table.position[step.column]].kind
        try:
            if step.op in _BOUNDS:
                narrowed = once if step.column in table.once else arguments
                found = narrowed.get(step.column)
                if found is None or isinstance(found, Range):
                    narrowed[step.column] = narrow(found or Range(None, None), step.op, value)
            elif step.op in _PATTERNS:
                arguments[step.column] = pattern(step.op, value, arguments.get(step.column))
            elif step.column in table.searches and step.column not in table.once:
                wanted = _wanted(kind, step, value)
                if None in wanted:
                    raise Anything
                found = arguments.get(step.column)
                arguments[step.column] = found & wanted if isinstance(found, frozenset) else wanted
            else:
                wanted = _wanted(kind, step, value)
                lookups[step.column] = lookups.get(step.column, wanted) & wanted
        except Unmatched:
            none = next(iter(value), None) if step.many else value
            if step.column in table.asked and none is not None:
                raise QueryError(f"{table.name}.{step.column} is a number, and {none!r} is none") from None
            raise
        except Anything:
            if step.column in table.needed:
                raise Unmatched from None  # where there is no row but what was asked for, only a text names one
    once.update((column, cells) for column, cells in lookups.items() if column in table.once and None not in cells)
    return Bound(arguments, once, lookups)


def _usable(info: Any, index: int, table: Table, at_once: bool) -> Step | None:
    position = info.get_aConstraint_iColumn(index)
    op = info.get_aConstraint_op(index)
    if not 0 <= position < len(table.columns) or not info.get_aConstraint_usable(index):
        return None
    column = table.columns[position]
    search = table.searches.get(column.name)
    if op == ISNULL:
        return Step(column.name, op) if column.path and (not search or column.name in table.once) else None
    if op in (EQ, IS):
        if column.path is None or search == "bounds":
            return None
        # Another collation would match more than equal bytes do.
        if info.get_aConstraint_collation(index) != "BINARY" and column.name not in table.needed:
            return None
        several = bool(op == EQ and info.get_aConstraintUsage_in(index))
        if several and not at_once and column.kind is not int and column.name not in table.needed:
            # `text IN (SELECT number …)` means all texts of that number; taken singly, SQLite would compare texts.
            return None
        return Step(column.name, op, several and at_once)
    if op in _BOUNDS and search in ("bounds", "search"):
        return Step(column.name, op)
    if op in _PATTERNS and search == "names":
        return Step(column.name, op)
    return None


def _estimate(info: Any, table: Table, steps: list[Step]) -> None:
    """Tell the planner how many rows come and what they cost, honestly: it decides the order of a join by this."""
    equal = {step.column for step in steps if step.op in _EQUALITIES and not step.many}
    rows = float(table.rows)
    each = {**table.each, **table.either}
    for column in {step.column for step in steps}:
        several = any(step.column == column and step.many for step in steps)
        if column in each and (column in equal or several):
            rows *= min(each[column] * (10.0 if several else 1.0) / table.rows, 1.0)
        elif column in equal or several:
            rows /= 20 if table.searches.get(column) or column in table.key else 10
        else:
            rows /= 4
    if table.key and equal.issuperset(table.key):
        rows = 1
        info.idxFlags = SCAN_UNIQUE
    rows = max(rows, 1)
    # A search by the table itself costs its rows; one by the engine's index has to have been built once.
    searched = any(step.column in table.searches and step.column not in table.once for step in steps)
    info.estimatedRows = math.ceil(rows)
    info.estimatedCost = rows + 5 if searched or not steps else rows + 20
    if not steps:
        info.estimatedCost = table.rows * 2.0 + 50


def _wanted(kind: type, step: Step, value: Any) -> frozenset[Any]:
    """The cells that equal the value, or one of the values, under SQLite's comparison rules."""
    if step.many:
        found = set()
        for one in value:
            try:
                found.add(equal(kind, one))
            except Unmatched:
                continue
        if not found:
            raise Unmatched
        return frozenset(found)
    if value is None:
        if step.op == EQ:
            raise Unmatched
        return frozenset((None,))
    return frozenset((equal(kind, value),))
