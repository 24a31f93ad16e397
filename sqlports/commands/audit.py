"""The command `sqlports audit`: runs audits over one snapshot and writes the report; its words list, show and convert them."""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlports.audit.audit import Audit, BadFile
from sqlports.audit.find import Found
from sqlports.options import Misuse

if TYPE_CHECKING:
    from sqlports.audit.formats import Look
    from sqlports.audit.outcome import Outcome, Report, Waiver
    from sqlports.audit.runner import Checked
    from sqlports.engine import Engine

WORDS = ("list", "show", "convert")
# Seconds for each audit: nothing waits for ever, in a pipeline least of all.
TIMEOUT = 60.0


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    from sqlports.audit.formats import FORMATS, of_file

    word = options.sql[1] if len(options.sql) > 1 else ""
    if word == "show" and len(options.sql) < 3:
        return "which one? sqlports audit show NAME; sqlports audit list has the names"
    if word in ("list", "show"):
        return None
    if word == "convert":
        return None if len(options.sql) > 2 else "what? sqlports audit convert PACK.conf -o FOLDER, or FOLDER -o PACK.conf"
    if options.format and options.given_mode and options.format != options.given_mode:
        return f"--format {options.format} and --{options.given_mode} are two formats"
    if options.given_mode and options.given_mode not in FORMATS:
        return f"a report has no --{options.given_mode}: --format takes {', '.join(FORMATS)}"
    for name in options.report:
        if not of_file(name):
            return f"--report {name}: its end tells the format, one of .json .jsonl .csv .sarif .xml .md .html .txt"
    return None


def run(engine: Engine, options: Namespace) -> int:
    """Do what is asked; returns the exit status. Raises Misuse, QueryError and its like, OSError."""
    word = options.sql[1] if len(options.sql) > 1 else ""
    if word == "list":
        return _list(options)
    if word == "show":
        return _show(options)
    if word == "convert":
        return _convert(options)
    return _audit(engine, options)


def _found(words: Sequence[str]) -> Found:
    """The audits of these paths and names. Raises Misuse."""
    from sqlports.audit import find

    try:
        return find.find(words)
    except find.Unknown as error:
        raise Misuse(str(error)) from None


def ask(engine: Engine, options: Namespace) -> Report:
    """Run the audits that the options name; the report. Raises Misuse, Interrupted."""
    from sqlports import progress
    from sqlports.audit import find, runner
    from sqlports.session import stoppable

    found = _found(options.sql[1:])
    chosen = [audit for audit in found.audits if not options.tag or _has_tag(audit, options.tag)]
    values, faults = _values(chosen, options.param)
    began, started = time.monotonic(), time.time()
    whole = [audit for audit in chosen if audit.id in values]
    with stoppable(engine):
        checked = runner.check(engine, whole, values, options.severity)
        outcomes = runner.run(engine, checked, found.packs, options.timeout or TIMEOUT, options.severity, progress.name)
    known = {audit.id for audit in found.audits}
    if options.waivers:
        known |= {audit.id for audit in find.named().audits}
    report = _report(options, outcomes, checked, known, [*found.faults, *faults])
    return report._replace(started=started, seconds=time.monotonic() - began)


def _audit(engine: Engine, options: Namespace) -> int:
    from sqlports.audit import formats
    from sqlports.session import complain

    report = ask(engine, options)
    if options.write_baseline:
        report = _write_baseline(options, report)
    for name in options.report:
        _write(report, formats.Look(formats.of_file(name) or "json"), name)
    asked = options.format or options.given_mode or formats.of_file(options.output or "") or "table"
    _write(report, _look(options, asked), options.output)
    if asked == "github":
        from sqlports.audit.formats import github

        github.summary(report)
    if options.output or asked not in ("table", "json", "jsonl", "csv", "sarif"):
        # Whoever reads the terminal sees what is wrong, wherever the report went.
        for fault in report.faults if asked != "table" or options.output else ():
            complain(fault.told)
    return report.status


def _has_tag(audit: Audit, tags: Iterable[str]) -> bool:
    from fnmatch import fnmatch

    return any(fnmatch(own.lower(), tag.lower()) for own in audit.tags for tag in tags)


def _values(audits: Sequence[Audit], given: Sequence[tuple[str, str]]) -> tuple[dict[str, dict[str, Any]], list[BadFile]]:
    """The values of each audit's parameters by its id, and the faults of those that lack one. Raises Misuse."""
    from sqlports.errors import nearest
    from sqlports.queries.parameters import ParameterError, bind

    values, faults, used = {}, [], set()
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
            faults.append(BadFile(audit.path, audit.line, f"{audit.id} has no default for a parameter: it needs {needs}"))
            continue
        try:
            values[audit.id] = bind(audit.parameters, (), own.items())
        except ParameterError as error:
            raise Misuse(f"{audit.id}: {error}") from None
    for place, (word, _) in enumerate(given):
        if place not in used:
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
    wrong += waivers.columns_faults(given, {ready.audit.id: ready.prepared.columns for ready in checked.ready})
    today = datetime.date.today()
    outcomes = [outcome._replace(findings=waivers.apply(outcome.findings, given, today)) for outcome in outcomes]
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
    complain(f"{options.write_baseline}: {counted(count).replace('row', 'finding')} known from now on")
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


def _list(options: Namespace) -> int:
    """Write a row for each audit."""
    from sqlports import modes
    from sqlports.output import Output
    from sqlports.session import complain, remark

    found = _found(options.sql[2:])
    columns = ("id", "severity", "pack", "title")
    every = sorted(found.audits, key=lambda audit: (audit.pack, audit.id))
    every = [audit for audit in every if not options.tag or _has_tag(audit, options.tag)]
    output = Output(options.output, options.mode)
    if options.mode in ("json", "jsonl"):
        lines = [json.dumps(_facts(audit), ensure_ascii=False) for audit in every]
        output.write("[" + ",\n ".join(lines) + "]\n" if options.mode == "json" else "".join(line + "\n" for line in lines))
    else:
        rows = [(audit.id, audit.severity, audit.pack, audit.title) for audit in every]
        remark(modes.write(columns, rows, options.mode, output, modes.LIST))
    output.close()
    for fault in found.faults:
        complain(fault.told)
    return 2 if found.faults else 0


def _facts(audit: Audit) -> dict[str, Any]:
    """All there is to know of an audit, for programs."""
    facts = audit._asdict()
    parameters = [{"name": one.name, "type": one.type, "default": one.default, "doc": one.doc} for one in audit.parameters]
    return {**facts, "parameters": parameters, "fail_if": str(audit.fail_if), "kept": dict(audit.kept)}


def _show(options: Namespace) -> int:
    """Write the page of each audit, with its SQL."""
    from sqlports.audit import page
    from sqlports.output import Output
    from sqlports.session import complain

    found = _found(options.sql[2:])
    output = Output(options.output, "table")
    output.write("\n".join(page.text(audit, output.columns or 100) for audit in found.audits))
    output.close()
    for fault in found.faults:
        complain(fault.told)
    return 2 if found.faults else 0


def _convert(options: Namespace) -> int:
    from sqlports.audit import convert
    from sqlports.session import complain

    for sentence in convert.convert(options.sql[2:], options.output):
        complain(sentence)
    return 0
