"""Runs audits over one snapshot: each is compiled first, so that all faults of all files are known, then asked."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.audit import SEVERITIES, osquery_packs, sight
from sqlports.audit.audit import OVERRIDES, Audit, BadFile
from sqlports.audit.findings import Skipped, Unusable, findings
from sqlports.audit.outcome import Outcome, rank
from sqlports.cells import safe
from sqlports.errors import Error, Interrupted, QueryError, QueryTimeout, nearest
from sqlports.script import split
from sqlports.session import named

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.result import Prepared
    from sqlports.sources.refusals import Refusal
    from sqlports.sources.snapshot import Snapshot

# More findings, or characters of them, are nobody's to read and no memory's to hold.
MOST, LONGEST = 100_000, 64 << 20


class Ready(NamedTuple):
    """An audit that can be run.

    values    of its parameters
    prepared  what it would read
    required  the columns that it requires, and queries for those that it does not read itself
    """

    audit: Audit
    values: Mapping[str, Any]
    prepared: Prepared
    required: Required


class Required(NamedTuple):
    """The (table, column) that an audit requires, and the SQL that reads those that it would not read itself."""

    reads: frozenset[tuple[str, str]] = frozenset()
    queries: tuple[str, ...] = ()


class Checked(NamedTuple):
    """What can be run, what cannot and why, and what is wrong with files."""

    ready: list[Ready]
    outcomes: list[Outcome]
    faults: list[BadFile]


def check(engine: Engine, audits: Iterable[Audit], values: Mapping[str, Mapping[str, Any]], least: str = "info") -> Checked:
    """Compile the audits. `values` are those of the parameters, by the audits' ids; audits below a severity are left out."""
    checked = Checked([], [], [])
    for audit in audits:
        is_grave = rank(audit.severity) >= rank(least)
        skip = audit.skip or _platform(audit)
        if skip:
            checked.outcomes.extend([Outcome(audit, "skipped", why=skip)] * is_grave)
            continue
        try:
            (prepared,) = (engine.prepare(statement, values.get(audit.id, {})) for statement in split(audit.sql))
        except QueryError as error:
            if audit.foreign:
                # Written for another engine, which knows other tables.
                checked.outcomes.extend([Outcome(audit, "failed", why=_first_line(error))] * is_grave)
            else:
                line = error.place.line if error.place else audit.line
                checked.faults.append(BadFile(audit.path, line, _first_line(error)))
            continue
        faults = _faults(audit, prepared)
        required = Required()
        if not sight.missing(audit):
            try:
                required = _required(engine, audit, prepared)
            except QueryError as error:
                faults.append(BadFile(audit.path, _line(audit, "requires"), f"requires: {_first_line(error)}"))
        checked.faults.extend(faults)
        if not faults and (is_grave or "severity" in _overrides(audit, prepared.columns)):
            checked.ready.append(Ready(audit, values.get(audit.id, {}), prepared, required))
    return checked


def _faults(audit: Audit, prepared: Prepared) -> list[BadFile]:
    """What a header says that its query does not hold."""
    wrong = []
    if not prepared.columns:
        wrong.append("its statement gives no rows")
    for what, names in (("key", audit.key), ("message", audit.fields)):
        for name in names:
            if name not in prepared.columns and prepared.columns:
                meant = nearest(name, list(prepared.columns))
                wrong.append(f"{what}: its query has no column {name}" + (f": did you mean {meant}?" if meant else ""))
    missing = sight.missing(audit)
    return [BadFile(audit.path, _line(audit, text), text) for text in (*wrong, *([missing] if missing else ()))]


def _required(engine: Engine, audit: Audit, prepared: Prepared) -> Required:
    """What its `requires` comes to. Raises QueryError."""
    reads: set[tuple[str, str]] = set()
    queries = []
    for sql in sight.required(audit):
        (one,) = (engine.prepare(statement) for statement in split(sql))
        reads |= one.reads
        if not one.reads <= prepared.reads:
            queries.append(sql)
    return Required(frozenset(reads), tuple(queries))


def _line(audit: Audit, fault: str) -> int:
    """The line of the key that a fault begins with."""
    from sqlports.queries.header import parse

    return next((field.line for field in parse(audit.sql).all(fault.partition(":")[0])), audit.line)


def _overrides(audit: Audit, columns: Sequence[str]) -> set[str]:
    """The columns of its rows that mean something."""
    return set() if audit.foreign else {*OVERRIDES} & set(columns)


def _platform(audit: Audit) -> str:
    if not audit.platforms or any(sys.platform.startswith(name) or name in ("posix", "all", "any") for name in audit.platforms):
        return ""
    return f"it is for {', '.join(audit.platforms)}"


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0]


def run(
    engine: Engine,
    checked: Checked,
    packs: Iterable[osquery_packs.Pack] = (),
    timeout: float | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> list[Outcome]:
    """Ask all audits over one snapshot. Raises Interrupted.

    packs    those of osquery that the audits are of: one whose discovery says so is left out
    timeout  seconds that each may take; None for no limit
    tell     told, before each, how far this is
    """
    outcomes = []
    asked: list[tuple[Outcome, frozenset[tuple[str, str]]]] = []
    with engine.snapshot() as system, _timed(engine, timeout):
        # A query of tables that are not here is no failure where its pack is left out.
        unfit = [outcome.audit for outcome in checked.outcomes if outcome.verdict == "failed"]
        wanted = {(one.path, one.pack) for one in (*unfit, *(ready.audit for ready in checked.ready)) if one.foreign}
        idle = {place: _idle(engine, pack) for pack in packs if (place := (pack.path, pack.name)) in wanted}
        for outcome in checked.outcomes:
            verdict, why = idle.get((outcome.audit.path, outcome.audit.pack), ("", ""))
            is_left = why and outcome.audit.foreign and outcome.verdict == "failed"
            outcomes.append(Outcome(outcome.audit, verdict, why=why) if is_left else outcome)
        for number, ready in enumerate(checked.ready, 1):
            audit = ready.audit
            tell(f"{audit.id} ({number} of {len(checked.ready)})")
            verdict, why = idle.get((audit.path, audit.pack), ("", "")) if audit.foreign else ("", "")
            if why:
                outcomes.append(Outcome(audit, verdict, why=why))
            else:
                asked.append(_asked(engine, system, ready))
        # At the end, so that all say the same number of what was refused to several.
        refusals = list(system.refusals())
    outcomes += [_seen(outcome, kinds, refusals) for outcome, kinds in asked]
    places = {id(audit): place for place, audit in enumerate(_in_order(checked))}
    return sorted(outcomes, key=lambda outcome: places[id(outcome.audit)])


@contextmanager
def _timed(engine: Engine, timeout: float | None) -> Iterator[None]:
    before, engine.timeout = engine.timeout, timeout
    try:
        yield
    finally:
        engine.timeout = before


def _in_order(checked: Checked) -> list[Audit]:
    """The audits by pack and id, as a report has them."""
    every = [ready.audit for ready in checked.ready] + [outcome.audit for outcome in checked.outcomes]
    return sorted(every, key=lambda audit: (audit.pack, audit.id, audit.path))


def _idle(engine: Engine, pack: osquery_packs.Pack) -> tuple[str, str]:
    """The verdict on the audits of a pack that is not asked here, and why; two empty texts for one that is."""
    late: list[QueryTimeout] = []

    def count(sql: str) -> int:
        try:
            return sum(1 for result in engine.run(sql) for _ in result)
        except QueryTimeout as error:
            late.append(error)
            raise

    why = osquery_packs.active(pack, count)
    return ("timed out" if late else "skipped", why) if why else ("", "")


def _seen(outcome: Outcome, kinds: Collection[tuple[str, str]], refusals: Iterable[Refusal]) -> Outcome:
    """The outcome with what its audit, which met such refusals, could not see."""
    if outcome.verdict not in ("found", "clean"):
        return outcome
    unseen = sight.unseen(outcome.audit, kinds, refusals)
    return outcome._replace(verdict="degraded" if unseen and outcome.verdict == "clean" else outcome.verdict, unseen=unseen)


def _asked(engine: Engine, system: Snapshot, ready: Ready) -> tuple[Outcome, frozenset[tuple[str, str]]]:
    """What became of one audit, and the sources that it was refused, with the reasons. Raises Interrupted."""
    audit, began = ready.audit, time.monotonic()
    earlier = {refusal[:4]: refusal.times for refusal in system.refusals()}
    outcome = Outcome(audit, "failed")
    try:
        columns, rows = _rows(engine, ready)
        found = findings(audit, columns, rows)
        outcome = Outcome(audit, "found" if found else "clean", tuple(found), rows=len(rows))
        for sql in ready.required.queries:
            for result in engine.run(sql):
                for _ in result:
                    pass
    except Interrupted:
        raise
    except Skipped as error:
        outcome = Outcome(audit, "skipped", why=str(error))
    except QueryTimeout as error:
        outcome = Outcome(audit, "timed out", why=_first_line(error))
    except (Error, Unusable) as error:
        outcome = Outcome(audit, "failed", why=_first_line(error))
    except MemoryError:
        outcome = Outcome(audit, "failed", why="there is not enough memory for what it gave")
    except Exception as error:
        # A bug is one audit's and not that of all; a traceback is for who mends it.
        if os.environ.get("SQLPORTS_DEBUG"):
            raise
        outcome = Outcome(audit, "failed", why=f"a fault in sqlports, {safe(named(error))}")
    seconds = time.monotonic() - began
    # What others asked before was refused to this one too, if it asked the same.
    asked = sight.sources(ready.prepared.reads | ready.required.reads)
    refusals = list(system.refusals())
    fresh = [one for one in refusals if earlier.get(one[:4]) != one.times and not sight.is_gap(one)]
    return outcome._replace(seconds=seconds), sight.met(asked, refusals) | {(one.source, one.reason) for one in fresh}


def _rows(engine: Engine, ready: Ready) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """The columns and the rows of an audit. Raises Unusable for more than can be held, and what `Engine.run` raises."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    for result in engine.run(ready.audit.sql, ready.values):
        with closing(result):
            for row in result:
                rows.append(row)
                size += sum(len(value) for value in row if isinstance(value, (str, bytes)))
                if len(rows) > MOST:
                    raise Unusable(f"it gave more than {MOST:,} rows")
                if size > LONGEST:
                    raise Unusable(f"its rows have more than {LONGEST >> 20} MiB")
            return result.columns, rows
    return (), rows


def judged(outcome: Outcome) -> Outcome:
    """The outcome with its verdict, once it is known which findings are suppressed."""
    if outcome.verdict not in ("found", "clean", "degraded"):
        return outcome
    active = outcome.active
    condition = outcome.audit.fail_if
    kept = outcome.findings
    if not condition.wants_rows and not condition.holds(len(active)):
        # So few are none.
        kept, active = tuple(finding for finding in kept if finding.suppressed), []
    return outcome._replace(findings=kept, verdict="found" if active else "degraded" if outcome.unseen else "clean")


def from_severity(outcome: Outcome, least: str) -> Outcome | None:
    """The outcome without what is less severe: findings, and what is gone. None for an audit that is so too and has nothing."""
    if least == SEVERITIES[0]:
        return outcome
    findings = tuple(one for one in outcome.findings if rank(one.severity) >= rank(least))
    gone = tuple(one for one in outcome.gone if rank(one.severity) >= rank(least))
    left = outcome._replace(findings=findings, gone=gone)
    if rank(outcome.audit.severity) < rank(least) and outcome.verdict in ("found", "clean", "skipped") and not findings + gone:
        return None
    if outcome.verdict != "found" or left.active:
        return left
    return left._replace(verdict="degraded" if left.unseen else "clean")
