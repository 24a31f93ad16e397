"""junit: JUnit's XML, a test suite for each pack and a test case for each audit.

There is no standard; this is what Jenkins, GitLab and Azure DevOps read:
https://github.com/jenkinsci/xunit-plugin/blob/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/junit-10.xsd,
with a case's `file` and `line`, as pytest has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sqlports.audit.audit import BadFile
from sqlports.audit.formats import Look, places, words
from sqlports.audit.outcome import Finding, Outcome, Report, gravest, rank
from sqlports.cells import cut, safe

# The suite of audits that are in no pack, and that of files that could not be used.
LOOSE, FILES = "audits", "files"
# How long a message and a line are, and how many lines of a list are written.
MESSAGE, LONGEST, LINES = 500, 4096, 1000

_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def text(report: Report, look: Look) -> str:
    """The document."""
    work = places.work_tree()
    failing = {id(finding) for finding in report.failing}
    root = Element("testsuites", name="sqlports audit")
    for pack in dict.fromkeys(outcome.audit.pack for outcome in report.outcomes):
        suite = _suite(root, pack or LOOSE, report)
        for outcome in report.outcomes:
            if outcome.audit.pack == pack:
                _case(suite, outcome, [one for one in outcome.findings if id(one) in failing], report, work)
    if report.faults or report.expired or report.unused:
        suite = _suite(root, FILES, report)
        for fault in report.faults:
            _bad(suite, fault, work)
        _told(suite, words.stale(report))
    for suite in root:
        _count(suite, [suite])
    _count(root, root)
    # Jenkins' schema has no `skipped` there.
    del root.attrib["skipped"]
    indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode") + "\n"


def _suite(root: Element, name: str, report: Report) -> Element:
    """A suite: a run of tests on this machine at that time, which has no zone there (Ant's is local, Surefire's UTC)."""
    stamp = words.moment(report.started).removesuffix("Z")
    return SubElement(root, "testsuite", name=_text(name), hostname=_text(report.host), timestamp=stamp)


def _case(suite: Element, outcome: Outcome, failing: Sequence[Finding], report: Report, work: str) -> None:
    """A case, which failed for what the run fails for; what did not see all is skipped, and with `strict` an error."""
    audit = outcome.audit
    case = SubElement(suite, "testcase", classname=suite.get("name", ""), name=_text(audit.id))
    _place(case, audit.path, audit.line, work)
    case.set("time", f"{outcome.seconds:.3f}")
    unseen = words.unseen(outcome)
    if outcome.verdict in ("failed", "timed out"):
        _verdict(case, "error", outcome.verdict, outcome.why or outcome.verdict)
    elif outcome.verdict == "skipped":
        _verdict(case, "skipped", outcome.verdict, outcome.why or outcome.verdict)
    elif failing:
        worst = gravest(failing) or audit.severity
        first = f"{words.counted(len(failing), 'finding')}, {worst}: {audit.title}"
        ordered = sorted(failing, key=lambda finding: -rank(finding.severity))
        fix = [f"What to do: {line}" for line in audit.fix.splitlines()[:1]] + audit.fix.splitlines()[1:]
        _verdict(case, "failure", worst, first, [*_lines(map(_line, ordered)), *fix])
    elif unseen:
        _verdict(case, "error" if report.strict else "skipped", "degraded", "Not all was seen", unseen)
    counted = {id(finding) for finding in failing}
    rest = [finding for finding in outcome.findings if id(finding) not in counted]
    gone = [f"gone: {known.severity}: {known.message}" for known in outcome.gone]
    blind = [f"not all was seen: {sentence}" for sentence in (*unseen, *words.accepted(outcome))]
    _told(case, [*_lines(map(_line, rest)), *_lines(gone), *blind])


def _line(finding: Finding) -> str:
    """A finding, and why it does not count where it does not."""
    resource = f" [{finding.resource}]" if finding.resource and finding.resource not in finding.message else ""
    why = f" ({finding.reason})" if finding.reason else ""
    said = f"{finding.severity}: {finding.message}{resource}{why}"
    if finding.waiver:
        return f"{words.granted(finding.waiver)}: {said}"
    return f"known: {said}" if finding.state == "unchanged" else said


def _lines(lines: Iterable[str]) -> list[str]:
    """So many lines, and how many more there are."""
    every = list(lines)
    return every if len(every) <= LINES else [*every[:LINES], f"and {len(every) - LINES:,} more"]


def _bad(suite: Element, fault: BadFile, work: str) -> None:
    case = SubElement(suite, "testcase", classname=FILES, name=_text(fault.told))
    _place(case, fault.path, fault.line, work)
    case.set("time", "0.000")
    _verdict(case, "error", "bad file", fault.message)


def _place(case: Element, path: str, line: int | None, work: str) -> None:
    case.set("file", _text(places.of(path, work).path))
    if line:
        case.set("line", str(line))


def _verdict(case: Element, name: str, kind: str, message: str, lines: Sequence[str] = ()) -> None:
    told = SubElement(case, name, type=kind, message=cut(_text(message), MESSAGE))
    told.text = "\n".join(cut(_text(line), LONGEST) for line in lines or [message])


def _told(element: Element, lines: Sequence[str]) -> None:
    if lines:
        SubElement(element, "system-out").text = "\n".join(cut(_text(line), LONGEST) for line in lines)


def _count(element: Element, suites: Iterable[Element]) -> None:
    """Write how many cases there are, how many of each verdict, and how long they took."""
    cases = [case for suite in suites for case in suite.iter("testcase")]
    element.set("tests", str(len(cases)))
    for name, verdict in _COUNTED.items():
        element.set(name, str(sum(case.find(verdict) is not None for case in cases)))
    element.set("time", f"{sum(float(case.get('time', 0)) for case in cases):.3f}")


def _text(said: str) -> str:
    """A line that XML 1.0 can have: what it can not is written out, as control characters are."""
    return re.sub("[\ufffe\uffff]", lambda found: f"\\u{ord(found[0]):04x}", safe(words.utf8(said)))
