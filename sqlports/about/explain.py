"""The plan of a query in words, without running it: what is walked, what is asked for directly, what each row costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from sqlports import plan, registry
from sqlports.about import costs, own_steps
from sqlports.errors import QueryError
from sqlports.script import split, tokens

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.schema import Table

# A join that looks at more pairs than this is worth a warning.
MANY = 50_000

_PREFIX = "EXPLAIN QUERY PLAN "
_SIGNS = {
    apsw.SQLITE_INDEX_CONSTRAINT_EQ: "=",
    apsw.SQLITE_INDEX_CONSTRAINT_GT: ">",
    apsw.SQLITE_INDEX_CONSTRAINT_LE: "<=",
    apsw.SQLITE_INDEX_CONSTRAINT_LT: "<",
    apsw.SQLITE_INDEX_CONSTRAINT_GE: ">=",
    apsw.SQLITE_INDEX_CONSTRAINT_NE: "<>",
    apsw.SQLITE_INDEX_CONSTRAINT_LIKE: "LIKE",
    apsw.SQLITE_INDEX_CONSTRAINT_GLOB: "GLOB",
    apsw.SQLITE_INDEX_CONSTRAINT_IS: "IS",
    apsw.SQLITE_INDEX_CONSTRAINT_ISNOT: "IS NOT",
    apsw.SQLITE_INDEX_CONSTRAINT_ISNULL: "IS NULL",
    apsw.SQLITE_INDEX_CONSTRAINT_ISNOTNULL: "IS NOT NULL",
}
_VIRTUAL = re.compile(r"SCAN (?P<name>.+?)(?P<exists> EXISTS)? VIRTUAL TABLE INDEX \d+:(?P<plan>\[.*\])?")


class Step(NamedTuple):
    """A step of a plan.

    depth    what is done within which: 0 for the outermost
    table    the table that is looked at; '' for a step of SQLite's own
    name     what the query calls it
    does     what is done; '' where the warning is about the query as a whole
    search   the conditions that are asked for directly, with how
    check    those that SQLite checks on every row
    reads    what is read for each row
    rows     how many rows are expected, roughly; None where that is not known
    warning  what is dear about it; '' for nothing
    """

    depth: int
    table: str
    name: str
    does: str
    search: tuple[str, ...] = ()
    check: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    rows: int | None = None
    warning: str = ""


class Condition(NamedTuple):
    """A condition on a column: as text, whether it is used to search, whether the value is known before a row is read."""

    column: str
    text: str
    used: bool
    known: bool


class Weighed(NamedTuple):
    """What SQLite was told of a plan, and which columns it uses, by number; of those from `plan.LAST` on whether any."""

    conditions: list[Condition]
    rows: int
    used: frozenset[int]


class Known(NamedTuple):
    """What is known of a statement.

    seen    the plans that were weighed, by what the table wrote down of them
    read    its columns: table and name
    wanted  the parts of rows that its looks want, all in all
    told    what was told to be done once: no later step does it again
    """

    seen: dict[str, list[Weighed]]
    read: set[tuple[str, str]]
    wanted: set[str]
    told: set[str]


def explain(engine: Engine, sql: str, parameters: Mapping[str, Any]) -> list[Step]:
    """The steps of a script's statements. A parameter without a value is taken as unknown. Raises QueryError."""
    return [step for statement in split(sql) for step in _steps(engine, statement.sql, statement.names, parameters)]


def _steps(engine: Engine, sql: str, names: list[str], parameters: Mapping[str, Any]) -> Iterator[Step]:
    seen: dict[str, list[Weighed]] = {}
    # As SQLite has it, which knows it by its beginning.
    plain = re.sub(r"(?i)^EXPLAIN\s+(?:QUERY\s+PLAN\s+)?", "", sql[tokens(sql)[0].start :])

    def watch(table: Table, info: Any) -> None:
        if info.idxStr:
            seen.setdefault(info.idxStr, []).append(_weighed(table, info))

    engine.watch = watch
    try:
        values = {**dict.fromkeys(names), **parameters}
        rows, notes = [], []
        for result in engine.run(_PREFIX + plain, values):
            rows += list(result)
            notes += result.notes
    except QueryError as error:
        if error.place and error.place.text.startswith(_PREFIX):
            place = error.place._replace(text=error.place.text.removeprefix(_PREFIX), before=error.place.before - len(_PREFIX))
            raise QueryError(error.message, place, error.hint) from None
        raise
    finally:
        engine.watch = None
    chosen = [plan.load(found["plan"]) for *_, detail in rows if (found := _VIRTUAL.match(detail)) and found["plan"]]
    read = {column for statement in split(plain) for column in engine.prepare(statement, values).reads}
    known = Known(seen, read, {group for one in chosen for group in one.groups}, set())
    yield from _below(0, 0, rows, known, 1.0)
    yield from (Step(0, "", "", "", warning=note) for note in notes)


def _weighed(table: Table, info: Any) -> Weighed:
    conditions = []
    for index in range(info.nConstraint):
        position, op = info.get_aConstraint_iColumn(index), info.get_aConstraint_op(index)
        if not 0 <= position < len(table.columns) or op not in _SIGNS or not info.get_aConstraint_usable(index):
            continue
        column, value, sign = table.columns[position].name, info.get_aConstraint_rhs(index), _SIGNS[op]
        several = bool(info.get_aConstraintUsage_in(index))
        known = value is not None or sign.endswith("NULL") or several
        text = "" if sign.endswith("NULL") else " …" if value is None else f" {_literal(value)}"
        conditions.append(
            Condition(
                column, f"{column} {'IN' if several else sign}{text}", info.get_aConstraintUsage_argvIndex(index) > 0, known
            )
        )
    # SQLite makes bounds of a pattern, to try.
    patterns = {one.column for one in conditions if " LIKE " in one.text or " GLOB " in one.text}
    kept = [one for one in conditions if not (one.column in patterns and re.search(" (?:>=|<) '", one.text))]
    return Weighed(kept, info.estimatedRows, frozenset(info.colUsed))


def _literal(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _below(parent: int, depth: int, rows: list[Any], known: Known, times: float) -> Iterator[Step]:
    """The steps within a step, which is done so many times. Scans beside each other are loops within each other."""
    before: list[str] = []
    inner = times
    for number, above, _, detail in rows:
        if above != parent:
            continue
        virtual = _VIRTUAL.match(detail)
        if virtual and virtual["plan"]:
            step = _look(depth, virtual["name"], virtual["plan"], bool(virtual["exists"]), known, inner, before)
            yield step
            inner *= max(step.rows or 1, 1)
            before.append(step.name)
            continue
        if not detail.startswith(own_steps.SILENT):
            yield Step(depth, "", "", own_steps.told(detail))
            if rows_of := re.match(r"SCAN (\S+)(?: VIRTUAL TABLE.*)?$", detail):
                before.append(rows_of[1])
            deeper, again = depth + 1, inner if detail.startswith("CORRELATED") else times
        else:
            deeper, again = depth, times
        yield from _below(number, deeper, rows, known, again)


def _look(depth: int, name: str, text: str, is_enough: bool, known: Known, times: float, before: list[str]) -> Step:
    """A look at one of our tables, within loops that come to it so many times; `is_enough` says that one row will do."""
    chosen = plan.load(text)
    table = registry.table(chosen.table)
    is_inner = bool(before) or times > 1
    # Of several orders of a join that come to the same: what comes first knows nothing of the others, what comes last all.
    variants = sorted(known.seen.get(text, [Weighed([], table.rows, frozenset())]), key=lambda one: len(one.conditions))
    weighed = variants[-1 if is_inner else 0]
    each = "for each row above: " if is_inner else ""
    conditions = [_unless_ambiguous(one, variants) for one in weighed.conditions]
    directly = [one for one in conditions if one.used and _is_direct(table, one, chosen.groups, is_inner)]
    indexed = [one for one in conditions if one.used and _is_indexed(table, one, is_inner)]
    checked = [one for one in conditions if one not in directly and one not in indexed]
    search = []
    if directly:
        how = "picked by the kernel" if table.name == "sockets" else "asked for directly"
        search.append(f"{each if not all(one.known for one in directly) else ''}{_listed(directly)}: {how}")
    if indexed:
        is_made = is_inner and all(one.known for one in directly)
        how = "found in an index, made here once" if is_made else "picked from those" if directly else "picked from all rows"
        search.append(f"{each}{_listed(indexed)}: {how}")
    does = costs.does(table.name, {one.column for one in directly})
    is_done = costs.is_shared(does) and _begun(does) in known.told
    reads = _reads(table, chosen, frozenset[int]().union(*(one.used for one in variants)), does, known)
    # Of values that SQLite takes one by one it says how many rows each has.
    is_of_one = {one.column for one in directly if " IN " in one.text} - {step.column for step in chosen.steps if step.many}
    rows, warning, pairs = None if is_of_one else weighed.rows, "", times * table.rows
    does += ", which is done once" if is_done else ""
    if is_enough:
        does, rows = f"{does}, up to the first that fits", 1
    if is_inner and pairs >= MANY and not any(_has_index(one) for one in directly + indexed) and (checked or not is_enough):
        within = " with ".join((*before, name)) if before else f"{name}, for each row"
        most = "about" if before and not is_enough else "up to"
        warning = f"{within}: no equality joins them, so that {most} {_rounded(pairs)} pairs are looked at"
    return Step(depth, table.name, name, does, tuple(search), tuple(one.text for one in checked), tuple(reads), rows, warning)


def _reads(table: Table, chosen: plan.Plan, used: frozenset[int], does: str, known: Known) -> list[str]:
    """What is read for the rows of a look: once for all of them, and then for each."""
    # SQLite does not tell the columns from the last one on apart; what is read tells them, but not those of USING.
    columns = [
        column
        for number, column in enumerate(table.columns)
        if (number in used if number < plan.LAST else plan.LAST in used and (table.name, column.name) in known.read)
    ]
    if table.transient and chosen.groups:
        # To see whether it is there still.
        columns.insert(0, next(column for column in table.columns if column.group == chosen.groups[0]))
    parts = costs.reads(table.name, columns, chosen.groups, known.wanted)
    known.told.add(_begun(does))
    at_once = []
    for what in parts:
        if costs.is_once(what) and _begun(what) not in known.told:
            known.told.add(_begun(what))
            at_once.append(what)
    # What is read of every row is not read of some as well.
    files = [what for what in parts if not costs.is_once(what) and what.partition(" of ")[0] not in {*parts} - {what}]
    return at_once + ([f"of each row reads {', '.join(files)}"] if files else [])


def _unless_ambiguous(condition: Condition, variants: list[Weighed]) -> Condition:
    """A condition, without its value where another look that is planned just so has another."""
    sign = re.match(r"\S+ (?:IS NOT|\S+)(?= )", condition.text)
    if sign is None or not condition.known:
        return condition
    texts = {one.text for variant in variants for one in variant.conditions if one.known and one.text.startswith(f"{sign[0]} ")}
    return condition._replace(text=f"{sign[0]} …") if len(texts) > 1 else condition


def _begun(what: str) -> str:
    """What is done, without how often and whether."""
    return re.split(r", (?:once|and)\b", what)[0]


def _is_direct(table: Table, condition: Condition, groups: list[str], is_inner: bool) -> bool:
    """Whether the table itself searches by a condition: what is work it does only once, for values known at the start."""
    if condition.column not in table.searches or costs.is_idle(table.name, condition.column, groups):
        return False
    return condition.column not in table.once or (condition.known and not is_inner)


def _is_indexed(table: Table, condition: Condition, is_inner: bool) -> bool:
    """Whether the engine finds rows by it, and not the table."""
    if not _has_index(condition):
        return False
    return condition.column not in table.searches or (condition.column in table.once and (is_inner or not condition.known))


def _has_index(condition: Condition) -> bool:
    """Whether rows are found by it one by one: an equality."""
    return bool(re.search(r" (?:=|IN|IS|IS NULL)(?: |$)", condition.text)) and " IS NOT" not in condition.text


def _listed(conditions: list[Condition]) -> str:
    return ", ".join(dict.fromkeys(condition.text for condition in conditions))


def _rounded(number: float) -> str:
    """A number of which no more than its size is known."""
    size = 10 ** max(len(str(int(number))) - 1, 0)
    return f"{round(number / size) * size:,}"
