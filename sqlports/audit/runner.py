"""Runs audits over one snapshot: each is compiled first, so that all faults of all files are known, then asked."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.audit import osquery_packs, sight
from sqlports.audit.audit import OVERRIDES, Audit, BadFile
from sqlports.audit.findings import Unusable, findings
from sqlports.audit.outcome import Outcome, rank
from sqlports.errors import Error, Interrupted, QueryError, QueryTimeout, nearest
from sqlports.script import split

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.result import Prepared
    from sqlports.sources.snapshot import Snapshot

# More findings than this are nobody's to read, and no memory's to hold.
MOST = 100_000


class Ready(NamedTuple):
    """An audit that can be run: with the values of its parameters, and what it would read."""

    audit: Audit
    values: Mapping[str, Any]
    prepared: Prepared


class Checked(NamedTuple):
    """What can be run, what cannot and why, and what is wrong with files."""

    ready: list[Ready]
    outcomes: list[Outcome]
    faults: list[BadFile]


def check(engine: Engine, audits: Iterable[Audit], values: Mapping[str, Mapping[str, Any]], least: str = "info") -> Checked:
    """Compile the audits. `values` are those of the parameters, by the audits' ids; audits below a severity are left out."""
    checked = Checked([], [], [])
    for audit in audits:
        skip = audit.skip or _platform(audit)
        if skip:
            checked.outcomes.append(Outcome(audit, "skipped", why=skip))
            continue
        try:
            (prepared,) = (engine.prepare(statement, values.get(audit.id, {})) for statement in split(audit.sql))
        except QueryError as error:
            if audit.foreign:
                # Written for another engine, which knows other tables.
                checked.outcomes.append(Outcome(audit, "failed", why=_first_line(error)))
            else:
                line = error.place.line if error.place else audit.line
                checked.faults.append(BadFile(audit.path, line, _first_line(error)))
            continue
        faults = _faults(audit, prepared)
        checked.faults.extend(faults)
        grave = rank(audit.severity) >= rank(least) or "severity" in _overrides(audit, prepared.columns)
        if not faults and grave:
            checked.ready.append(Ready(audit, values.get(audit.id, {}), prepared))
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
    least: str = "info",
    tell: Callable[[str], None] = lambda text: None,
) -> list[Outcome]:
    """Ask all audits over one snapshot. Raises Interrupted.

    packs    those of osquery that the audits are of: one whose discovery says so is left out
    timeout  seconds that each may take; None for no limit
    least    findings of a lower severity are left out
    tell     told, before each, how far this is
    """
    outcomes = list(checked.outcomes)
    with engine.snapshot() as system, _timed(engine, timeout):
        idle = {(pack.path, pack.name): osquery_packs.active(pack, lambda sql: _count(engine, sql)) for pack in packs}
        for number, ready in enumerate(checked.ready, 1):
            audit = ready.audit
            tell(f"{audit.id} ({number} of {len(checked.ready)})")
            why = idle.get((audit.path, audit.pack), "") if audit.foreign else ""
            outcomes.append(Outcome(audit, "skipped", why=why) if why else _asked(engine, system, ready, least))
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


def _count(engine: Engine, sql: str) -> int:
    return len(engine.query(sql))


def _asked(engine: Engine, system: Snapshot, ready: Ready, least: str) -> Outcome:
    """What became of one audit. Raises Interrupted."""
    audit, began = ready.audit, time.monotonic()
    earlier = {refusal[:4]: refusal.times for refusal in system.refusals()}
    outcome = Outcome(audit, "failed")
    try:
        columns, rows = _rows(engine, ready)
        if len(rows) > MOST:
            raise Unusable(f"it gave more than {MOST:,} rows")
        found = [one for one in findings(audit, columns, rows) if rank(one.severity) >= rank(least)]
        outcome = Outcome(audit, "found" if found else "clean", tuple(found), rows=len(rows))
    except Interrupted:
        raise
    except QueryTimeout as error:
        outcome = Outcome(audit, "timed out", why=_first_line(error))
    except (Error, Unusable) as error:
        outcome = Outcome(audit, "failed", why=_first_line(error))
    seconds = time.monotonic() - began
    if outcome.verdict not in ("found", "clean"):
        return outcome._replace(seconds=seconds)
    # What others asked before was refused to this one too, if it asked the same.
    asked = sight.sources((*ready.prepared.reads, *sight.required(audit)))
    refusals = list(system.refusals())
    fresh = [one for one in refusals if earlier.get(one[:4]) != one.times]
    unseen = dict.fromkeys(sight.unseen(audit, asked, refusals) + sight.told(fresh))
    verdict = "degraded" if unseen and outcome.verdict == "clean" else outcome.verdict
    return outcome._replace(verdict=verdict, unseen=tuple(unseen), seconds=seconds)


def _rows(engine: Engine, ready: Ready) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    for result in engine.run(ready.audit.sql, ready.values):
        with closing(result):
            return result.columns, list(islice(result, MOST + 1))
    return (), []


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
