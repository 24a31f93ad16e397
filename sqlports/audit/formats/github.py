"""github: annotations of a GitHub Actions run, and the summary of its step.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands. How the runner reads them:
https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator

from sqlports.audit.formats import Look, places, words
from sqlports.audit.outcome import Finding, Report, Waiver
from sqlports.cells import cut, safe
from sqlports.errors import file_name

_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "notice", "info": "notice"}
# So many annotations of a level GitHub shows of a step.
SHOWN = 10
# How long a message is at most, and how large a summary GitHub takes.
LONGEST, ROOM = 4096, 1024 * 1024

# How the agents of GitHub and of Azure begin a command in the middle of a line.
_COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)


def text(report: Report, look: Look) -> str:
    """A line for each annotation, what matters most first, since GitHub shows some; then all in a sentence."""
    lines = [*_troubles(report), *_findings(report), *_rest(report)]
    shown = {level: sum(line.startswith(f"::{level} ") for line in lines) for level in ("error", "warning", "notice")}
    if any(count > SHOWN for count in shown.values()):
        lines.append(f"GitHub shows {SHOWN} annotations of each level; all {len(lines)} are in this log.")
    parts = [words.tally(report), words.caution(report), words.result(report)]
    return "\n".join([*lines, *(_quiet(part) for part in parts if part)]) + "\n"


def _troubles(report: Report) -> Iterator[str]:
    """Why the answer is not whole: it comes first, since nothing else says so."""
    for fault in report.faults:
        yield _command("error", "Bad file", fault.message, fault.path, fault.line)
    for outcome in report.of("failed", "timed out"):
        audit = outcome.audit
        yield _command("error", f"{audit.id} {outcome.verdict}", outcome.why or outcome.verdict, audit.path, audit.line)
    blind = [(outcome, words.unseen(outcome)) for outcome in report.outcomes if words.unseen(outcome)]
    if blind:
        # One for all of them, which would else be all that is shown.
        said = [f"{reason}: {', '.join(audits)}" for reason, audits in words.reasons(blind).items()]
        title = f"{words.counted(len(blind), 'audit')} did not see all"
        yield _command("error" if report.strict else "warning", title, "\n".join(said))


def _findings(report: Report) -> Iterator[str]:
    for finding in report.findings:
        if not finding.suppressed:
            yield _command(_LEVELS[finding.severity], _title(finding), _said(finding), finding.audit.path, finding.audit.line)


def _rest(report: Report) -> Iterator[str]:
    """What is to be known and changes nothing."""
    stale = iter(words.stale(report))
    for waiver, _ in report.expired:
        yield _waiver("warning", "A waiver has expired", waiver, next(stale))
    for waiver in report.unused:
        yield _waiver("notice", "A waiver is not used", waiver, next(stale))
    for finding in report.findings:
        if finding.suppressed:
            why = words.granted(finding.waiver) if finding.waiver else "known from the baseline"
            yield _command("notice", _title(finding), f"{why}: {_said(finding)}", finding.audit.path, finding.audit.line)
    for outcome in report.outcomes:
        for known in outcome.gone:
            yield _command("notice", f"Gone: {outcome.audit.title}", known.message, outcome.audit.path, outcome.audit.line)
        if outcome.verdict == "skipped":
            yield _quiet(f"{outcome.audit.id} was skipped: {outcome.why}")
        for said in words.accepted(outcome):
            yield _quiet(f"{outcome.audit.id} did not see all: {said}")


def _title(finding: Finding) -> str:
    return f"{finding.severity}: {finding.audit.title}"


def _said(finding: Finding) -> str:
    reason = f" ({finding.reason})" if finding.reason else ""
    fix = f"\nWhat to do: {finding.audit.fix}" if finding.audit.fix and not finding.suppressed else ""
    return f"{cut(finding.message, LONGEST)}{reason}{fix}"


def _waiver(level: str, title: str, waiver: Waiver, said: str) -> str:
    return _command(level, title, said, waiver.path, waiver.line)


def _command(level: str, title: str, message: str, path: str = "", line: int | None = None) -> str:
    """A command, in one line that is one whatever is in it."""
    properties = []
    if path:
        properties.append(f"file={_property(file_name(places.of(path, places.work_tree()).path))}")
        properties += [f"line={line}"] * bool(line)
    properties.append(f"title={_property(title)}")
    # What is left of line feeds are the message's own.
    body = "%0A".join(_data(part) for part in message.split("\n"))
    return f"::{level} {','.join(properties)}::{body}"


def _data(said: str) -> str:
    return _COMMAND.sub(r"\\x23\\x23", safe(words.utf8(said))).replace("%", "%25")


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")


def _quiet(said: str) -> str:
    """A line of the log that is no command: none begins with a colon, and none has one's beginning in it."""
    plain = _COMMAND.sub(r"\\x23\\x23", safe(words.utf8(said)))
    return f"\\x3a{plain[1:]}" if plain.lstrip().startswith("::") else plain


def summary(report: Report) -> None:
    """Add the report to the summary of the step, `$GITHUB_STEP_SUMMARY`, where there is one.

    That it can not be written is told on standard error, and changes no exit status.
    """
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if not path:
        return
    from sqlports.audit.formats import markdown

    try:
        _append(path, markdown.text(report, Look("markdown")).encode("utf-8", "backslashreplace"))
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        print(f"sqlports: the summary is not written to {file_name(path)}: {safe(why)}", file=sys.stderr)


def _append(path: str, said: bytes) -> None:
    """Append to a regular file, which is made if need be; ValueError for any other, or for one that is full."""
    # Without O_NONBLOCK a FIFO that nobody reads would never be opened.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
    with open(os.open(path, flags, 0o644), "ab") as file:
        kind = os.fstat(file.fileno())
        if not stat.S_ISREG(kind.st_mode):
            raise ValueError("it is no regular file")
        if kind.st_size + len(said) > ROOM:
            raise ValueError("GitHub takes 1 MiB of it, and it would be more")
        file.write(said)
