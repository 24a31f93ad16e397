"""What people should know of a statement that runs: of comparisons that can never be true, and of a look at nothing.

Whatever is said is certain: where it is not known which column a name is, nothing is said.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import apsw

from sqlports import compare, registry
from sqlports.advice.comparisons import Comparison, comparisons, is_given, plain
from sqlports.advice.mistakes import relations, tables_of
from sqlports.script import Statement, Token, tokens

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.schema import Column, Table

# A longer statement was made by a program.
LONGEST = 10_000

_COMPOUND = {"UNION", "EXCEPT", "INTERSECT"}
_IS_EQUAL = (apsw.SQLITE_INDEX_CONSTRAINT_EQ, apsw.SQLITE_INDEX_CONSTRAINT_IS)
_ORDERED = (
    apsw.SQLITE_INDEX_CONSTRAINT_GT,
    apsw.SQLITE_INDEX_CONSTRAINT_LE,
    apsw.SQLITE_INDEX_CONSTRAINT_LT,
    apsw.SQLITE_INDEX_CONSTRAINT_GE,
)

# Where the names are of what has a number here.
_NAMED = {
    "port": "names of services are in port_registry.service",
    "pid": "names of processes are in processes.name",
    "parent": "names of processes are in processes.name",
    "uid": "names of users are in users.username",
    "gid": "names of groups are in groups.groupname",
}


def notes(engine: Engine, statement: Statement, values: Any, is_first: bool) -> list[str]:
    """What is to be said of a statement, with the values of its parameters; `is_first` when nothing was looked at before it."""
    if len(statement.sql) > LONGEST:
        return []
    words = tokens(statement.sql)
    tables = tables_of(statement.sql, words)
    if tables == ["scan_errors"] and is_first:
        return [
            "scan_errors tells what the statement before it could not read, and there was none: "
            "ask it behind another, in one script or at one prompt"
        ]
    declared = [registry.table(name) for name in tables]
    numbers = _numbers(words)
    doubtful = [one for one in comparisons(words, values) if one.name in numbers or not _is_fine(one, declared)]
    if not doubtful:
        return []
    if sum(word.word == "SELECT" for word in words) == 1 and not any(word.word == "WITH" for word in words):
        found = _by_name(doubtful, words, engine)
    elif not any(word.word in _COMPOUND for word in words):
        found = _by_plan(doubtful, statement, words, engine)
    else:
        return []
    return list(dict.fromkeys(_said(name, column, value) for name, column, value in found))


def _numbers(words: list[Token]) -> set[str]:
    """The columns of which views that are named here, or in these, make numbers, as osquery has them."""
    found: set[str] = set()
    for name in {plain(word) for word in words if word.kind in ("name", "quoted")}.intersection(registry.view_names()):
        sql = registry.view(name).sql
        found.update(re.findall(r"AS INTEGER\) AS (\w+)", sql))
        found |= _numbers(tokens(sql))
    return found


def _is_fine(one: Comparison, tables: Sequence[Table]) -> bool:
    """Whether a look at the names shows that there is nothing to say."""
    columns = [table.columns[table.position[one.name]] for table in tables if one.name in table.position]
    if not columns:
        # A name that was given in the statement, or a column of a view; a number fits most of these.
        return not any(isinstance(value, str) for value in one.values)
    return all(fits(column, value, one.is_order) for column in columns for value in one.values)


def fits(column: Column, value: Any, is_order: bool = False) -> bool:
    """Whether a comparison of the column with the value can be true of some row and false of another."""
    if column.type is not str:
        return not isinstance(value, str) or compare.number(value) is not None
    return is_order or not column.choices or str(value) in column.choices


Found = Iterator[tuple[str, "Column", Any]]


def _by_name(doubtful: list[Comparison], words: list[Token], engine: Engine) -> Found:
    """Those of a statement with a single SELECT, in which a name is what it is called."""
    from sqlports.about.known import column_of

    named = relations(words)
    # Another name for something takes the place of a column of that name.
    given = {plain(word) for number, word in enumerate(words) if number and is_given(words[number - 1], word)}
    for one in doubtful:
        if one.name in given and not one.whose:
            continue
        if one.whose:
            whose = [name for alias, name in named.items() if alias.lower() == one.whose]
        else:
            whose = list(dict.fromkeys(named.values()))
        columns = [found for name in whose if (found := column_of(name, one.name, engine.connection))]
        for value in one.values:
            if columns and not any(fits(column, value, one.is_order) for column in columns):
                yield one.name, columns[0], value


def _by_plan(doubtful: list[Comparison], statement: Statement, words: list[Token], engine: Engine) -> Found:
    """Those that SQLite itself shows to the tables, whatever the names: each is asked for by itself, as a condition with IS."""
    seen: dict[Any, list[tuple[Column, bool]]] = {}

    def watch(table: Table, info: Any) -> None:
        for index in range(info.nConstraint):
            position, op = info.get_aConstraint_iColumn(index), info.get_aConstraint_op(index)
            if 0 <= position < len(table.columns) and op in _IS_EQUAL + _ORDERED:
                value = info.get_aConstraint_rhs(index)
                if value is not None:
                    seen.setdefault((type(value), value), []).append((table.columns[position], op in _ORDERED))

    before, engine.watch = engine.watch, watch
    try:
        with contextlib.suppress(apsw.Error):
            from sqlports.advice.quotes import compiled

            compiled(engine.connection, _asked_singly(statement.sql, doubtful, words), dict.fromkeys(statement.names))
    finally:
        engine.watch = before
    for one in doubtful:
        for value in one.values:
            columns = seen.get((type(value), value), [])
            if columns and not any(fits(column, value, is_order) for column, is_order in columns):
                yield one.name, columns[0][0], value


def _asked_singly(sql: str, doubtful: list[Comparison], words: list[Token]) -> str:
    """The statement with each of these as a condition for every row: what stands beside it in an OR would hide it."""
    edits = [(one.start, one.end, _condition(sql, one, words)) for one in doubtful if not one.is_order]
    inside = [(start, end) for start, end, _ in edits]
    for number, word in enumerate(words):
        following = words[number + 1].word if number + 1 < len(words) else ""
        if any(start <= word.start < end for start, end in inside):
            continue
        if word.word == "OR":
            edits.append((word.start, word.end, "AND"))
        elif word.word == "NOT" and following not in ("NULL", "MATERIALIZED", "INDEXED"):
            edits.append((word.start, word.end, ""))
    for start, end, text in sorted(edits, reverse=True):
        sql = sql[:start] + text + sql[end:]
    return sql


def _condition(sql: str, one: Comparison, words: list[Token]) -> str:
    inside = [word for word in words if one.start <= word.start < one.end]
    names = [word.text for word in inside if word.kind in ("name", "quoted") and plain(word) in (one.name, one.whose)]
    operand = ".".join(names)
    values = ("'" + value.replace("'", "''") + "'" if isinstance(value, str) else str(value) for value in one.values)
    return " AND ".join(f"{operand} IS {value}" for value in values)


def _said(name: str, column: Column, value: Any) -> str:
    """The sentence on a comparison that can never be true."""
    told = repr(value)
    if column.type is not str:
        last = next((word for word in re.split("_", column.name)[::-1] if word in _NAMED), "")
        more = f": {_NAMED[last]}" if last else ""
        return f"{name} is a number, and {told} is none{more}"
    meant = _coded(column, value) or _nearest(str(value), column.choices)
    if meant:
        return f"{name} is never {told}: did you mean {meant!r}?"
    if all(len(choice) == 1 for choice in column.choices):
        return f"{name} is never {told}: {column.doc.rstrip('.')}"
    few = ", ".join(map(repr, column.choices[:8])) + (", …" if len(column.choices) > 8 else "")
    return f"{name} is never {told}: it is one of {few}"


def _nearest(value: str, choices: Sequence[str]) -> str | None:
    """The choice that was meant: written otherwise, cut short or misspelt."""
    import difflib

    plain = {re.sub(r"[\W_]", "", choice).lower(): choice for choice in reversed(choices)}
    word = re.sub(r"[\W_]", "", value).lower()
    begun = [choice for name, choice in plain.items() if len(word) > 1 and name.startswith(word)]
    close = difflib.get_close_matches(word, plain, n=1, cutoff=0.6)
    return plain.get(word) or (begun[0] if len(begun) == 1 else plain[close[0]] if close else None)


def _coded(column: Column, value: Any) -> str | None:
    """The word for a number of the kernel's."""
    if not str(value).isdecimal():
        return None
    from sqlports.sources.inet_sockets import ip_protocol
    from sqlports.sources.states import TCP_STATES

    families = {1: "unix", 2: "ipv4", 10: "ipv6", 16: "netlink", 17: "packet", 40: "vsock"}
    number = int(value)
    word = {"protocol": ip_protocol(number), "state": TCP_STATES.get(number), "family": families.get(number)}.get(column.name)
    return word if word in column.choices else None
