"""The command `sqlports audit`: runs audits over one snapshot and writes the report; its words list, show and convert them."""

from __future__ import annotations

import datetime
import os
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlports.audit.audit import Audit, BadFile
from sqlports.commands import audit_words
from sqlports.commands.audit_words import WORDS
from sqlports.options import USAGE, Misuse

if TYPE_CHECKING:
    from sqlports.audit.formats import Look
    from sqlports.audit.outcome import Outcome, Report, Waiver
    from sqlports.audit.runner import Checked
    from sqlports.engine import Engine

# Seconds for each audit: nothing waits for ever, in a pipeline least of all.
TIMEOUT = 60.0
# The exit status where audits could not be run.
FAILED = 3


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    from sqlports.audit.formats import FORMATS, of_file

    word = options.sql[1] if len(options.sql) > 1 else ""
    if word in WORDS:
        return audit_words.misuse(options, word)
    if options.format and options.given_mode and options.format != options.given_mode:
        return f"--format {options.format} and --{options.given_mode} are two formats"
    if options.given_mode and options.given_mode not in FORMATS:
        return f"a report has no --{options.given_mode}: --format takes {', '.join(FORMATS)}"
    for name in options.report:
        if not of_file(name):
            return f"--report {name}: its end tells the format, one of .json .jsonl .csv .sarif .xml .md .html .txt"
    return _overwritten(options)


def _overwritten(options: Namespace) -> str | None:
    """A file that a report would take the place of, though the run reads it or writes something else there; None for none."""
    from sqlports.errors import file_name

    others = [options.baseline, options.write_baseline, *options.waivers, *options.sql[1:]]
    taken = {os.path.realpath(name) for name in others if name and os.path.lexists(name) and not os.path.isdir(name)}
    taken |= {os.path.realpath(options.write_baseline)} if options.write_baseline else set()
    for name in filter(None, (options.output, *options.report)):
        place = os.path.realpath(name)
        if place in taken and not place.startswith("/dev/"):
            return f"{file_name(name)} is named twice: a report would take the place of what else is there"
        taken.add(place)
    return None


def run(engine: Engine, options: Namespace) -> int:
    """Do what is asked; returns the exit status. Raises Misuse, Interrupted and QueryTimeout; of its words OSError too."""
    from sqlports.errors import Error, Interrupted, QueryTimeout, told
    from sqlports.session import complain, named

    word = options.sql[1] if len(options.sql) > 1 else ""
    if word in WORDS:
        return audit_words.run(options, word)
    try:
        return _audit(engine, options)
    except (Misuse, Interrupted, QueryTimeout, BrokenPipeError):
        raise
    except Exception as error:
        # Status 1 would say that something was found.
        if os.environ.get("SQLPORTS_DEBUG"):
            raise
        fault = f"a fault in sqlports, {named(error)} (SQLPORTS_DEBUG=1 shows where)"
        complain(told(error) if isinstance(error, OSError) else str(error) if isinstance(error, Error) else fault)
        return FAILED


def ask(engine: Engine, options: Namespace) -> Report:
    """Run the audits that the options name; the report. Raises Misuse, Interrupted."""
    from sqlports import progress
    from sqlports.audit import find, runner
    from sqlports.session import stoppable

    found = audit_words.found(options.sql[1:])
    chosen = audit_words.tagged(found, options.tag)
    values, faults = _values(chosen, options.param, is_whole=not found.faults)
    began, started = time.monotonic(), time.time()
    whole = [audit for audit in chosen if audit.id in values]
    with stoppable(engine):
        checked = runner.check(engine, whole, values, options.severity)
        outcomes = runner.run(engine, checked, found.packs, options.timeout or TIMEOUT, progress.name)
    known = {audit.id for audit in found.audits}
    if options.waivers:
        known |= {audit.id for audit in find.named().audits}
    report = _report(options, outcomes, checked, known, [*found.faults, *faults])
    return report._replace(started=started, seconds=time.monotonic() - began)


def _audit(engine: Engine, options: Namespace) -> int:
    from sqlports.audit import formats, runner
    from sqlports.session import complain

    report = ask(engine, options)
    if options.write_baseline:
        report = _write_baseline(options, report)
    left = (runner.from_severity(outcome, options.severity) for outcome in report.outcomes)
    report = report._replace(outcomes=tuple(outcome for outcome in left if outcome))
    asked = options.format or options.given_mode or formats.of_file(options.output or "") or "table"
    written = [_written(report, formats.Look(formats.of_file(name) or "json"), name) for name in options.report]
    written.append(_written(report, _look(options, asked), options.output))
    if asked == "github":
        from sqlports.audit.formats import github

        github.summary(report)
    if options.output or asked != "table":
        # Whoever reads the terminal sees what is wrong, wherever the report went.
        for fault in report.faults:
            complain(fault.told)
    return report.status if all(written) else USAGE


def _values(
    audits: Sequence[Audit], given: Sequence[tuple[str, str]], is_whole: bool
) -> tuple[dict[str, dict[str, Any]], list[BadFile]]:
    """The values of each audit's parameters by its id, and the faults of those that lack one. Raises Misuse.

    `is_whole` tells that there are no others, whose parameters are not known.
    """
    from sqlports.errors import nearest
    from sqlports.queries.parameters import ParameterError, bind

    values, faults, used = {}, [], set()
    for place, (word, _) in enumerate(given):
        if word in [name for name, _ in given[:place]]:
            raise Misuse(f"--param {word} is given twice")
    for audit in audits:
        names = {parameter.name for parameter in audit.parameters}
        own = {}
        for place, (word, text) in enumerate(given):
            of, _, name = word.rpartition(".")
            if name in names and of in ("", audit.id):
                used.add(place)
                # What is said of one audit is stronger than what is said of all.
                if of or name not in own:
                    own[name] = text
        missing = [one for one in audit.parameters if one.required and one.name not in own]
        if missing:
            needs = " and ".join(f"--param {one.name}={one.takes}" for one in missing)
            # What stands in a default's place and begins no sentence was to be one.
            slips = [(word, one) for one in missing for word in one.doc.split()[:1] if not word[0].isupper()]
            but = "".join(f" ({word} is no {one.takes.lower()}, and so no default of {one.name})" for word, one in slips)
            faults.append(BadFile(audit.path, audit.line, f"{audit.id} has no default for a parameter: it needs {needs}{but}"))
            continue
        try:
            values[audit.id] = bind(audit.parameters, (), own.items())
        except ParameterError as error:
            raise Misuse(f"{audit.id}: {error}") from None
    for place, (word, _) in enumerate(given):
        if place not in used and is_whole:
            every = sorted({parameter.name for audit in audits for parameter in audit.parameters})
            meant = nearest(word, every)
            hint = f": did you mean {meant}?" if meant else f": they take {', '.join(every)}" if every else ""
            raise Misuse(f"none of these audits has a parameter {word}{hint}")
    return values, faults


def _report(options: Namespace, outcomes: list[Outcome], checked: Checked, ids: set[str], faults: Sequence[BadFile]) -> Report:
    """The report, with what is waived and what was known before."""
    import platform

    from sqlports.audit import baseline, runner, waivers
    from sqlports.audit.outcome import Report

    wrong = [*faults, *checked.faults]
    given: list[Waiver] = []
    for name in options.waivers:
        read, bad = waivers.read(name)
        given += read
        wrong += bad
    wrong += waivers.columns_faults(given, {ready.audit.id: ready.prepared.columns for ready in checked.ready}, ids)
    today = datetime.date.today()
    outcomes = [
        waivers.accept(outcome._replace(findings=waivers.apply(outcome.findings, given, today)), given, today)
        for outcome in outcomes
    ]
    if options.baseline:
        known, bad = baseline.read(options.baseline)
        wrong += bad
        if not bad:
            outcomes = list(baseline.compare(outcomes, known))
    expired, unused = waivers.told(outcomes, given, today, ids)
    return Report(
        outcomes=tuple(runner.judged(outcome) for outcome in outcomes),
        faults=tuple(dict.fromkeys(wrong)),
        expired=expired,
        unused=unused,
        unknown=tuple(waivers.unknown(unused, ids)),
        baseline=options.baseline,
        fail_on=options.fail_on,
        strict=options.strict,
        host=platform.node(),
        system=f"{platform.system()} {platform.release()}",
        user=_user(),
    )


def _user() -> str:
    if not hasattr(os, "geteuid"):
        return ""
    import pwd

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _write_baseline(options: Namespace, report: Report) -> Report:
    """Write what was found as what is known from now on; a file that cannot be written is a fault of the report."""
    from sqlports.audit import baseline
    from sqlports.errors import told
    from sqlports.session import complain, counted

    before = None
    if report.faults:
        # What a waiver or an audit in one of them says is not known, and would be taken for accepted or for gone.
        why = "it is not written while a file is bad"
        return report._replace(faults=(*report.faults, BadFile(options.write_baseline, None, why)))
    if os.path.exists(options.write_baseline):
        before, bad = baseline.read(options.write_baseline)
        if bad:
            # What is no baseline is somebody's other file, or one that was cut off: neither is to be lost.
            return report._replace(faults=(*report.faults, *bad))
    elif options.baseline:
        before, _ = baseline.read(options.baseline)
    try:
        count = baseline.write(options.write_baseline, report.outcomes, before, host=report.host, started=report.started)
    except OSError as error:
        return report._replace(faults=(*report.faults, BadFile(options.write_baseline, None, told(error))))
    known = {(one.audit, one.fingerprint) for one in before or ()}
    found = {(one.audit.id, one.fingerprint) for outcome in report.outcomes for one in outcome.findings if not one.waiver}
    new = f", {len(found - known):,} of them new" if before is not None else ""
    complain(f"{options.write_baseline}: {counted(count).replace('row', 'finding')} known from now on{new}")
    return report


def _look(options: Namespace, asked: str) -> Look:
    from sqlports import colour
    from sqlports.audit.formats import Look
    from sqlports.output import Output

    if asked != "table":
        return Look(asked, verbose=options.verbose)
    people = options.settings
    coloured = colour.wanted(people.colour if people else "auto", None if options.output else sys.stdout)
    return Look(asked, Output(options.output, "table").columns, coloured, options.verbose)


def _written(report: Report, look: Look, path: str | None) -> bool:
    """Write a report, or tell why that cannot be; whether all is well. Who reads no further is told by the status."""
    from sqlports.errors import file_name, told
    from sqlports.output import abandon_stdout
    from sqlports.session import complain

    try:
        _write(report, look, path)
    except BrokenPipeError:
        abandon_stdout()
    except OSError as error:
        place = f"{file_name(path)}: " if path and not error.filename else ""
        complain(f"a report could not be written: {place}{told(error)}")
        if path is None:
            abandon_stdout()
        return False
    return True


def _write(report: Report, look: Look, path: str | None) -> None:
    """Write a report; a file takes its place whole. Raises OSError."""
    from sqlports.audit import formats
    from sqlports.output import Output
    from sqlports.session import when_killed

    # In these every character is that of a standard.
    output = Output(path, "table" if look.format == "table" else "json")
    try:
        with when_killed(output.abandon):
            output.write(formats.text(report, look))
            output.close()
    finally:
        output.abandon()
