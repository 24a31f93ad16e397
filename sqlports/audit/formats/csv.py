"""csv: a line for each audit and each finding, and for all else that is to be known."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlports.audit.formats import Look, words
from sqlports.audit.formats.json import written
from sqlports.audit.outcome import Finding, Outcome, Report
from sqlports.cells import safe
from sqlports.errors import file_name
from sqlports.modes.delimited import csv_lines

# `type` is audit, finding, gone, fault or waiver. The message of an audit is its title, its reason why it did not see all or
# did not run. `row` is JSON.
COLUMNS = (
    *("type", "audit", "verdict", "severity", "state", "suppressed", "message", "resource", "reason", "waiver_reason"),
    *("fingerprint", "path", "line", "row"),
)


def text(report: Report, look: Look) -> str:
    """RFC 4180 with line feeds, the header always. Control characters are written out; `row` has the values as they are."""
    lines = [[_cell(line.get(column)) for column in COLUMNS] for line in _lines(report)]
    return csv_lines([COLUMNS, *lines])


def _cell(value: Any) -> Any:
    return safe(value) if isinstance(value, str) else value


def _lines(report: Report) -> Iterator[dict[str, Any]]:
    for outcome in report.outcomes:
        audit = {"audit": outcome.audit.id, "verdict": outcome.verdict, **_place(outcome.audit.path, outcome.audit.line)}
        yield {"type": "audit", **audit, **_of_audit(outcome)}
        for finding in outcome.findings:
            yield {"type": "finding", **audit, **_of_finding(finding)}
        for known in outcome.gone:
            told = {"severity": known.severity, "message": known.message, "fingerprint": known.fingerprint}
            yield {"type": "gone", **audit, **told, "state": "gone", "row": written(known.key)}
    for fault in report.faults:
        yield {"type": "fault", "message": fault.message, **_place(fault.path, fault.line)}
    for state, waivers in (("expired", [waiver for waiver, _ in report.expired]), ("unused", report.unused)):
        for waiver in waivers:
            told = {"audit": waiver.audit, "state": state, "waiver_reason": waiver.reason, "row": written(waiver.match)}
            yield {"type": "waiver", **told, **_place(waiver.path, waiver.line)}


def _of_audit(outcome: Outcome) -> dict[str, Any]:
    return {
        "severity": outcome.audit.severity,
        "message": outcome.audit.title,
        "reason": "; ".join(filter(None, (outcome.why, *outcome.unseen, *words.accepted(outcome)))),
    }


def _of_finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "state": finding.state,
        "suppressed": "true" if finding.suppressed else "false",
        "message": finding.message,
        "resource": finding.resource,
        "reason": finding.reason,
        "waiver_reason": finding.waiver.reason if finding.waiver else "",
        "fingerprint": finding.fingerprint,
        "row": written(finding.row),
    }


def _place(path: str, line: int | None) -> dict[str, Any]:
    return {"path": file_name(path), "line": line}
