"""The plan of a query in words, without running it: what is walked, what is asked for directly, what each row costs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import apsw

from sqlports import plan, registry
from sqlports.about.looks import ROWS, is_once, part
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
_VIRTUAL = re.compile(r"SCAN (?P<name>.+) VIRTUAL TABLE INDEX \d+:(?P<plan>\[.*\])?")
# SQLite's other steps, by how they begin.
_WORDS = (
    (r"USE TEMP B-TREE FOR (?:LAST.*OF )?ORDER BY", "sorts the rows, before the first is shown"),
    (r"USE TEMP B-TREE FOR (?:LAST.*OF )?GROUP BY", "sorts the rows into groups"),
    (r"USE TEMP B-TREE FOR DISTINCT", "keeps every row that was seen, to leave out those that come again"),
    (r"USE TEMP B-TREE FOR (.+)", "keeps what was seen, for {}"),
    (r"MATERIALIZE (.+)", "makes a table of {} first"),
    (r"CO-ROUTINE (.+)", "takes the rows of {} one by one:"),
    (r"CORRELATED SCALAR SUBQUERY.*", "for each row, a value by itself:"),
    (r"CORRELATED LIST SUBQUERY.*", "for each row, a list:"),
    (r"SCALAR SUBQUERY.*", "once, a value by itself:"),
    (r"LIST SUBQUERY.*", "once, a list:"),
    (r"MULTI-INDEX OR", "looks once for each side of the OR:"),
    (r"(?:UNION|EXCEPT|INTERSECT).* USING TEMP B-TREE", "and then, keeping every row that was seen:"),
    (r"UNION ALL", "and then:"),
    (r"RECURSIVE STEP", "again and again, for each row that was found:"),
    (r"SCAN CONSTANT ROW", "begins with a row of its own"),
    (r"SCAN (\d+) CONSTANT ROWS", "begins with {} rows of its own"),
    (r"SCAN (\S+) VIRTUAL TABLE.*", "takes the rows of {}"),
    (r"SCAN (\S+).*", "goes through {}"),
    (r"SEARCH (\S+) USING AUTOMATIC.*INDEX \((.+)\)", "looks {1} up in {0}, by an index that is made for it"),
    (r"REUSE (.+)", "takes the same again"),
)
# What says nothing to people: what is below it does.
_SILENT = ("COMPOUND QUERY", "LEFT-MOST SUBQUERY", "SETUP", "CREATE BLOOM", "BLOOM FILTER", "INDEX ", "MERGE", "LEFT", "RIGHT")


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
    """What SQLite was told of a plan."""

    conditions: list[Condition]
    rows: int


def explain(engine: Engine, sql: str, parameters: Mapping[str, Any]) -> list[Step]:
    """The steps of a script's statements. A parameter without a value is taken as unknown. Raises QueryError."""
    return [step for statement in split(sql) for step in _steps(engine, statement.sql, statement.names, parameters)]


def _steps(engine: Engine, sql: str, names: list[str], parameters: Mapping[str, Any]) -> Iterator[Step]:
    seen: dict[str, list[Weighed]] = {}
    read: set[tuple[str, str]] = set()
    # As SQLite has it, which knows it by its beginning.
    plain = re.sub(r"(?i)^EXPLAIN\s+(?:QUERY\s+PLAN\s+)?", "", sql[tokens(sql)[0].start :])
    guard = engine.connection.authorizer

    def notice(action: int, first: str | None, second: str | None, *others: str | None) -> int:
        if action == apsw.SQLITE_READ:
            read.add(((first or "").lower(), (second or "").lower()))
        return guard(action, first, second, *others) if guard else apsw.SQLITE_OK

    def watch(table: Table, info: Any) -> None:
        if info.idxStr:
            seen.setdefault(info.idxStr, []).append(_weighed(table, info))

    engine.watch, engine.connection.authorizer = watch, notice
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
        engine.watch, engine.connection.authorizer = None, guard
    yield from _below(0, 0, rows, seen, read, 1.0)
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
    return Weighed(kept, info.estimatedRows)


def _literal(value: Any) -> str:
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value)


def _below(
    parent: int, depth: int, rows: list[Any], seen: dict[str, list[Weighed]], read: set[tuple[str, str]], times: float
) -> Iterator[Step]:
    """The steps within a step, which is done so many times. Scans beside each other are loops within each other."""
    before: list[str] = []
    inner = times
    for number, above, _, detail in rows:
        if above != parent:
            continue
        virtual = _VIRTUAL.match(detail)
        if virtual and virtual["plan"]:
            step = _look(depth, virtual["name"], virtual["plan"], seen, read, inner, before)
            yield step
            inner *= max(step.rows or 1, 1)
            before.append(step.name)
            continue
        if not detail.startswith(_SILENT):
            yield Step(depth, "", "", _said(detail))
            deeper, again = depth + 1, inner if detail.startswith("CORRELATED") else times
        else:
            deeper, again = depth, times
        yield from _below(number, deeper, rows, seen, read, again)


def _look(
    depth: int,
    name: str,
    text: str,
    seen: dict[str, list[Weighed]],
    read: set[tuple[str, str]],
    times: float,
    before: list[str],
) -> Step:
    """A look at one of our tables, within loops that come to it so many times."""
    chosen = plan.load(text)
    table = registry.table(chosen.table)
    is_inner = bool(before) or times > 1
    # Of several orders of a join that come to the same: what comes first knows nothing of the others, what comes last all.
    variants = sorted(seen.get(text, [Weighed([], table.rows)]), key=lambda one: len(one.conditions))
    weighed = variants[-1 if is_inner else 0]
    each = "for each row above: " if is_inner else ""
    directly = [one for one in weighed.conditions if one.used and _is_direct(table, one)]
    indexed = [one for one in weighed.conditions if one.used and one not in directly and _has_index(one)]
    checked = [one for one in weighed.conditions if one not in directly and one not in indexed]
    search = []
    if directly:
        how = "picked by the kernel" if table.name == "sockets" else "asked for directly"
        search.append(f"{each if not all(one.known for one in directly) else ''}{_listed(directly)}: {how}")
    if indexed:
        search.append(
            f"{each}{_listed(indexed)}: " + ("found in an index, made here once" if is_inner else "picked from all rows")
        )
    whole, some = ROWS.get(table.name, ("makes its rows", ""))
    # A plan has the parts that are wanted, and with them those of the columns that SQLite does not tell apart. What is read
    # tells the latter, but not the columns of USING.
    vague = {column.group for column in table.columns[plan.LAST :]}
    named = {column.group for column in table.columns if (table.name, column.name) in read}
    groups = set(chosen.groups) & (named | (set(chosen.groups) - vague))
    parts = list(dict.fromkeys(filter(None, (part(table.name, group) for group in table.groups if group in groups))))
    files = ", ".join(what for what in parts if not is_once(what))
    does = some if directly and some and not (is_inner and indexed) else whole
    reads = [what for what in parts if is_once(what) and not does.startswith(what.removesuffix(", once"))] + (
        [f"of each row reads {files}"] if files else []
    )
    warning, pairs = "", times * table.rows
    if is_inner and pairs >= MANY and not any(_has_index(one) for one in directly + indexed):
        within = " with ".join((*before, name)) if before else f"{name}, for each row"
        warning = f"{within}: no equality joins them, so that about {_rounded(pairs)} pairs are looked at"
    return Step(
        depth, table.name, name, does, tuple(search), tuple(one.text for one in checked), tuple(reads), weighed.rows, warning
    )


def _is_direct(table: Table, condition: Condition) -> bool:
    """Whether the table itself searches by a condition: what is work it does for values that are known at the start."""
    return condition.column in table.searches and (condition.column not in table.once or condition.known)


def _has_index(condition: Condition) -> bool:
    """Whether rows are found by it one by one: an equality."""
    return bool(re.search(r" (?:=|IN|IS|IS NULL)(?: |$)", condition.text)) and " IS NOT" not in condition.text


def _listed(conditions: list[Condition]) -> str:
    return ", ".join(dict.fromkeys(condition.text for condition in conditions))


def _said(detail: str) -> str:
    for pattern, words in _WORDS:
        found = re.match(pattern, detail)
        if found:
            return re.sub(r"\(subquery-\d+\)", "a sub-query", words.format(*found.groups()))
    return detail.lower()


def _rounded(number: float) -> str:
    """A number of which no more than its size is known."""
    size = 10 ** max(len(str(int(number))) - 1, 0)
    return f"{round(number / size) * size:,}"
