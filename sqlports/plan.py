"""How a search is planned, and how SQL values become Python's.

SQLite asks a virtual table what it could do with a list of constraints (`choose`), remembers the answer as a text, and
later hands over the text with the values (`bind`). What the table claims is never the last word: SQLite checks every
row again. So the one sin here is to leave a row out; to give too many is only slow.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any, NamedTuple

from sqlports.schema import Range, Table

# SQLITE_INDEX_CONSTRAINT_*, sqlite3.h
EQ, GT, LE, LT, GE, ISNULL, IS = 2, 4, 8, 16, 32, 71, 72
_BOUNDS = {GT, LE, LT, GE}
_EQUALITIES = {EQ, IS, ISNULL}
SCAN_UNIQUE = 1  # SQLITE_INDEX_SCAN_UNIQUE

# What SQLite accepts as a number inside a text (sqlite3AtoF): no underscores, no hexadecimal, ASCII space around it.
_NUMBER = re.compile(r"[ \t\n\v\f\r]*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[ \t\n\v\f\r]*", re.ASCII)


class Unmatched(Exception):
    """No row can satisfy the search."""


class Anything(Exception):
    """The value says nothing that the table could use: give all rows and let SQLite compare."""


class Step(NamedTuple):
    """One constraint that the plan uses: which column, which operator, whether IN hands over its values at once."""

    column: str
    op: int
    many: bool = False


class Plan(NamedTuple):
    """What `choose` wrote down: the constraints that are used, and the parts of a row that the statement wants."""

    steps: list[Step]
    groups: list[str]


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
    """Fill SQLite's IndexInfo for this table; False when a required column is not given.

    `at_once` permits to take all values of an IN in one call; otherwise it is a call for each.
    """
    steps: list[Step] = []
    for index in range(info.nConstraint):
        step = _usable(info, index, table, at_once)
        if step is None or (step.op in _BOUNDS and _bounded_by(steps, step)):
            continue
        steps.append(step)
        info.set_aConstraintUsage_argvIndex(index, len(steps))
        if step.many:
            info.set_aConstraintUsage_in(index, True)
    if table.required - {step.column for step in steps}:
        return False
    used = {column.group for index, column in enumerate(table.columns) if index in info.colUsed}
    info.idxStr = json.dumps(Plan(steps, [group for group in table.groups if group in used]))
    _estimate(info, table, steps)
    return True


@lru_cache(maxsize=256)
def load(text: str) -> Plan:
    """What `choose` wrote down. Read-only: in a join the same text comes again for every row."""
    steps, groups = json.loads(text)
    return Plan([Step(*step) for step in steps], groups)


def bind(table: Table, steps: list[Step], values: tuple[Any, ...]) -> Bound:
    """Put the values into the steps. Raises Unmatched when no row can satisfy them."""
    arguments: dict[str, Any] = {}
    once: dict[str, Any] = {}
    lookups: dict[str, frozenset[Any]] = {}
    for step, value in zip(steps, values, strict=True):
        kind = table.columns[table.position[step.column]].type
        try:
            if step.op in _BOUNDS:
                narrowed = once if step.column in table.once else arguments
                found = narrowed.get(step.column)
                if found is None or isinstance(found, Range):
                    narrowed[step.column] = _narrow(found or Range(None, None), step.op, value)
            elif step.column in table.searches and step.column not in table.once:
                wanted = _wanted(kind, step, value)
                if None in wanted:
                    raise Anything
                found = arguments.get(step.column)
                arguments[step.column] = found & wanted if isinstance(found, frozenset) else wanted
            else:
                wanted = _wanted(kind, step, value)
                lookups[step.column] = lookups.get(step.column, wanted) & wanted
        except Anything:
            continue
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
        # Another collation would match more than equal bytes do.
        if column.path is None or search == "bounds" or info.get_aConstraint_collation(index) != "BINARY":
            return None
        several = bool(op == EQ and info.get_aConstraintUsage_in(index))
        if several and not at_once and column.type is not int:
            # `text IN (SELECT number …)` means all texts of that number; taken singly, SQLite would compare texts.
            return None
        return Step(column.name, op, several and at_once)
    if op in _BOUNDS and search in ("bounds", "search"):
        return Step(column.name, op)
    return None


def _bounded_by(steps: list[Step], step: Step) -> bool:
    """Whether the column already has an equality, beside which a bound adds nothing."""
    return any(other.column == step.column and other.op in _EQUALITIES for other in steps)


def _estimate(info: Any, table: Table, steps: list[Step]) -> None:
    """Tell the planner how many rows come and what they cost, honestly: it decides the order of a join by this."""
    equal = {step.column for step in steps if step.op in _EQUALITIES and not step.many}
    rows = float(table.rows)
    for column in {step.column for step in steps}:
        if column in equal or any(step.column == column and step.many for step in steps):
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


def equal(kind: type, value: Any) -> Any:
    """The one cell of a column of this type that equals a value, as SQLite compares (datatype3.html, section 4).

    Raises Unmatched when no cell does, Anything when more than one might.
    """
    if value is None or isinstance(value, bytes):
        raise Unmatched
    if kind is str:
        if isinstance(value, str):
            return value
        # A number beside a text column: whether '07' equals 7 depends on where the 7 came from.
        raise Anything
    if isinstance(value, str):
        if "\0" in value:
            raise Anything  # SQLite takes what stands before it
        value = number(value)
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        raise Unmatched
    if kind is int:
        if value != int(value):
            raise Unmatched
        return int(value)
    return value


def number(text: str) -> int | float | None:
    """The number that a text is under numeric affinity, None when it is none."""
    if not _NUMBER.fullmatch(text):
        return None
    try:
        return int(text)
    except ValueError:
        return float(text)


def _narrow(bounds: Range, op: int, value: Any) -> Range:
    """Bounds narrowed by `column op value`. Raises Unmatched when nothing is left, Anything when nothing changes."""
    if value is None:
        raise Unmatched
    if isinstance(value, str):
        if "\0" in value:
            raise Anything
        value = number(value)
    if value is None or isinstance(value, bytes):
        value = math.inf  # every number sorts before every text and blob
    if value in (math.inf, -math.inf):
        if (value > 0) == (op in (LT, LE)):
            raise Anything
        raise Unmatched
    low, high = bounds
    if op in (GT, GE):
        edge = math.floor(value) + 1 if op == GT else math.ceil(value)
        low = edge if low is None else max(low, edge)
    else:
        edge = math.ceil(value) - 1 if op == LT else math.floor(value)
        high = edge if high is None else min(high, edge)
    if low is not None and high is not None and low > high:
        raise Unmatched
    return Range(low, high)
