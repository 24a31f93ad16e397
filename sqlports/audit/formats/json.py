"""json and jsonl: the whole report for programs, as one object, or as an object a line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from sqlports import __version__
from sqlports.audit import SEVERITIES
from sqlports.audit.audit import Audit
from sqlports.audit.formats import Look, words
from sqlports.audit.outcome import VERDICTS, Finding, Known, Outcome, Report, Waiver
from sqlports.errors import file_name
from sqlports.modes.objects import scalar, unobeyed

# Of the form of the object, which grows by names; what would change the meaning of one is another version.
VERSION = 1


def text(report: Report, look: Look) -> str:
    """One object with every outcome; as jsonl a line for each finding and for all else that is not in order."""
    if look.format == "jsonl":
        return "".join(f"{written(line)}\n" for line in _lines(report))
    return written(_whole(report), "\n") + "\n"


def written(value: Any, lead: str | None = None) -> str:
    """JSON of mappings, lists and SQLite's values; in lines that begin with `lead`, or in one line.

    What UTF-8 has not is written out (`\\udcff`), so that a parser of any kind takes it.
    """
    return unobeyed(_form(value, lead))


def _form(value: Any, lead: str | None) -> str:
    inner = None if lead is None else lead + "  "
    if isinstance(value, Mapping):
        parts = [f"{_form(str(name), None)}: {_form(part, inner)}" for name, part in value.items()]
        begin, end = "{}"
    elif isinstance(value, (list, tuple)):
        parts = [_form(part, inner) for part in value]
        begin, end = "[]"
    elif isinstance(value, bool):
        return "true" if value else "false"
    else:
        return scalar(words.utf8(value) if isinstance(value, str) else value)
    if inner is None or not parts:
        return begin + ", ".join(parts) + end
    return begin + inner + ("," + inner).join(parts) + (lead or "") + end


def _whole(report: Report) -> dict[str, Any]:
    return {
        "version": VERSION,
        "sqlports": __version__,
        **_run(report),
        "summary": _summary(report),
        "audits": [_outcome(outcome) for outcome in report.outcomes],
        "faults": [_fault(fault.path, fault.line, fault.message) for fault in report.faults],
        "waivers": {
            "expired": [{**_waiver(waiver), "findings": count} for waiver, count in report.expired],
            "unused": [_waiver(waiver) for waiver in report.unused],
        },
    }


def _run(report: Report) -> dict[str, Any]:
    return {
        "host": report.host,
        "system": report.system,
        "user": report.user,
        "started": words.moment(report.started),
        "seconds": round(report.seconds, 3),
        "fail_on": report.fail_on,
        "strict": report.strict,
        "baseline": None if report.baseline is None else file_name(report.baseline),
        "status": report.status,
    }


def _summary(report: Report) -> dict[str, Any]:
    """How many audits of each verdict, and findings of each kind. An audit that found something may be degraded too."""
    verdicts = Counter(outcome.verdict for outcome in report.outcomes)
    findings = report.findings
    severities = Counter(finding.severity for finding in findings if not finding.suppressed)
    return {
        "audits": len(report.outcomes),
        "verdicts": {verdict: verdicts[verdict] for verdict in VERDICTS},
        "not_all_seen": len(report.degraded),
        "findings": {
            "active": sum(not finding.suppressed for finding in findings),
            "failing": len(report.failing),
            "waived": len(words.waived(report)),
            "unchanged": len(words.unchanged(report)),
            "gone": len(words.gone(report)),
        },
        "severities": {severity: severities[severity] for severity in reversed(SEVERITIES)},
        "faults": len(report.faults),
    }


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {
        **_audit(outcome.audit),
        "verdict": outcome.verdict,
        "unseen": outcome.unseen,
        "accepted": [{"unseen": sentence, "waiver": _waiver(waiver)} for sentence, waiver in outcome.accepted],
        "why": outcome.why,
        "rows": outcome.rows,
        "seconds": round(outcome.seconds, 3),
        "findings": [_finding(finding) for finding in outcome.findings],
        "gone": [_known(known) for known in outcome.gone],
    }


def _audit(audit: Audit) -> dict[str, Any]:
    return {
        "id": audit.id,
        "title": audit.title,
        "severity": audit.severity,
        "pack": audit.pack,
        "path": file_name(audit.path),
        "line": audit.line,
        "tags": audit.tags,
        "requires": audit.requires,
        "description": audit.description,
        "fix": audit.fix,
        "references": audit.references,
        "false_positives": audit.false_positives,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "severity": finding.severity,
        "message": finding.message,
        "resource": finding.resource,
        "reason": finding.reason,
        "row": finding.row,
        "key": finding.key,
        "fingerprint": finding.fingerprint,
        "state": finding.state,
        "suppressed": finding.suppressed,
        "waiver": finding.waiver and _waiver(finding.waiver),
    }


def _known(known: Known) -> dict[str, Any]:
    return {
        "severity": known.severity,
        "message": known.message,
        "key": known.key,
        "fingerprint": known.fingerprint,
    }


def _waiver(waiver: Waiver) -> dict[str, Any]:
    return {
        "audit": waiver.audit,
        **({"unseen": waiver.unseen} if waiver.unseen else {"match": waiver.match}),
        "reason": waiver.reason,
        "expires": waiver.expires.isoformat(),
        "owner": waiver.owner,
        "path": file_name(waiver.path),
        "line": waiver.line,
    }


def _fault(path: str, line: int | None, message: str) -> dict[str, Any]:
    return {"path": file_name(path), "line": line, "message": message}


def _lines(report: Report) -> Iterator[dict[str, Any]]:
    """Objects whose `type` is finding, gone, audit (one that is not clean), fault, waiver, and at the end the summary."""
    where = {"host": report.host, "time": words.moment(report.started)}
    for outcome in report.outcomes:
        audit = {**where, "audit": outcome.audit.id, "title": outcome.audit.title, "verdict": outcome.verdict}
        if outcome.verdict in ("failed", "timed out", "skipped") or outcome.unseen or outcome.accepted:
            told = {"severity": outcome.audit.severity, "why": outcome.why, "unseen": outcome.unseen}
            yield {"type": "audit", **audit, **told, "accepted": words.accepted(outcome)}
        for finding in outcome.findings:
            yield {"type": "finding", **audit, **_finding(finding)}
        for known in outcome.gone:
            yield {"type": "gone", **audit, **_known(known)}
    for fault in report.faults:
        yield {"type": "fault", **where, **_fault(fault.path, fault.line, fault.message)}
    for waiver, count in report.expired:
        yield {"type": "waiver", **where, "state": "expired", **_waiver(waiver), "findings": count}
    for waiver in report.unused:
        yield {"type": "waiver", **where, "state": "unused", **_waiver(waiver)}
    yield {"type": "summary", **_run(report), **_summary(report)}
