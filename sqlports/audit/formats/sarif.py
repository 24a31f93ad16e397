"""sarif: SARIF 2.1.0 with one run, as code-scanning services take it.

The standard: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html. What GitHub reads of it, and how much:
https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning.
"""

from __future__ import annotations

import math
import re
from typing import Any

from sqlports import __version__
from sqlports.audit.audit import Audit
from sqlports.audit.formats import Look, places, words
from sqlports.audit.formats.json import written
from sqlports.audit.outcome import Finding, Known, Outcome, Report
from sqlports.cells import blob, safe

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note", "info": "note"}
# GitHub's scale: critical from 9.0, high from 7.0, medium from 4.0, low from 0.1.
_SCORES = {"critical": "9.5", "high": "8.0", "medium": "5.0", "low": "3.0"}
_RANKS = {"critical": 95.0, "high": 80.0, "medium": 50.0, "low": 30.0, "info": 5.0}

# GitHub refuses a file with more, and shows SHOWN of the results.
RESULTS, RULES, TAGS, SHOWN = 25_000, 25_000, 20, 5_000
# It takes 10 MB after gzip.
PACKED = 10_000_000
# How many characters of a rule's texts GitHub takes, and how many there are of a value or a message here.
_RULE_TEXT, LONGEST = 1024, 4096

# What may be told of the run itself: the level, and what it means.
_NOTICES = {
    "bad-file": ("error", "A file that could not be used"),
    "audit-failed": ("error", "An audit that could not be run"),
    "audit-timed-out": ("error", "An audit that did not end in time"),
    "audit-degraded": ("warning", "An audit that did not see all: what was not found may be there"),
    "audit-accepted": ("note", "An audit that did not see all, which somebody says is in order"),
    "audit-skipped": ("note", "An audit that is not for this machine"),
    "waiver-expired": ("warning", "A waiver whose last day is over"),
    "waiver-unused": ("note", "A waiver to which no finding belongs"),
    "report-cut": ("warning", "A report that is longer than services take"),
}


def text(report: Report, look: Look) -> str:
    """The log file, in as many results as fit."""
    most = RESULTS
    while True:
        said = written(_log(report, most), "\n") + "\n"
        if most == 0 or _packed(said) <= PACKED:
            return said
        most = min(most, sum(len(outcome.findings) + len(outcome.gone) for outcome in report.outcomes)) // 2


def _packed(said: str) -> int:
    """How many bytes the text is after gzip; no more than it has without, where that is little enough."""
    import zlib

    whole = said.encode()
    return len(whole) if len(whole) <= PACKED else len(zlib.compress(whole, 6))


def _log(report: Report, most: int) -> dict[str, Any]:
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [_Run(report, most).said()]}


class _Run:
    """A run being written: where each rule is, and what a place is relative to."""

    def __init__(self, report: Report, most: int) -> None:
        self.report = report
        self.most = most
        self.work = places.work_tree()
        self.used: set[str] = set()
        self.outcomes = report.outcomes[:RULES]
        self.rules = {outcome.audit.id: index for index, outcome in enumerate(self.outcomes)}

    def said(self) -> dict[str, Any]:
        results, left = self._results()
        notices = [*self._notices(), *self._cuts(len(results), left)]
        bases = places.bases(self.work)
        return {
            "tool": {
                "driver": {
                    "name": "sqlports",
                    "version": __version__,
                    "semanticVersion": __version__,
                    "rules": [rule(outcome.audit) for outcome in self.outcomes],
                    "notifications": [
                        {
                            "id": name,
                            **{field: {"text": meaning} for field in ("shortDescription", "fullDescription", "help")},
                            "defaultConfiguration": {"level": level},
                        }
                        for name, (level, meaning) in _NOTICES.items()
                    ],
                }
            },
            "automationDetails": {"id": f"sqlports audit/{safe(words.utf8(self.report.host)).replace('/', '_')}/"},
            "invocations": [self._invocation(notices)],
            "originalUriBaseIds": {name: {"uri": bases[name]} for name in sorted(self.used)},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }

    def _invocation(self, notices: list[dict[str, Any]]) -> dict[str, Any]:
        report = self.report
        said: dict[str, Any] = {
            "executionSuccessful": report.status < 2,
            "exitCode": report.status,
            "exitCodeDescription": words.result(report),
            "startTimeUtc": _moment(report.started),
            "endTimeUtc": _moment(report.started + report.seconds),
            "toolExecutionNotifications": notices,
            "properties": {"system": report.system, "failOn": report.fail_on, "strict": report.strict},
        }
        return said | {name: value for name, value in (("machine", report.host), ("account", report.user)) if value}

    def _results(self) -> tuple[list[dict[str, Any]], int]:
        """As many results as services take, the gravest first and those that are gone last; and how many are left out."""
        found: list[tuple[Audit, Finding | Known]] = [(finding.audit, finding) for finding in self.report.findings]
        found += [(outcome.audit, known) for outcome in self.report.outcomes for known in outcome.gone]
        fit = [(audit, one) for audit, one in found if audit.id in self.rules][: self.most]
        results = [self._gone(audit, one) if isinstance(one, Known) else self._finding(one) for audit, one in fit]
        if any("suppressions" in result for result in results):
            # Where one result says whether it is suppressed, all have to.
            results = [{**result, "suppressions": result.get("suppressions", [])} for result in results]
        return results, len(found) - len(fit)

    def _finding(self, finding: Finding) -> dict[str, Any]:
        properties = {"severity": finding.severity, "row": {name: _value(value) for name, value in finding.row.items()}}
        if finding.reason:
            properties["reason"] = _value(finding.reason)
        said = self._result(finding.audit, finding, finding.resource) | {
            "level": LEVELS[finding.severity],
            "rank": _RANKS[finding.severity],
            "properties": properties,
        }
        if self.report.baseline is not None:
            said["baselineState"] = finding.state or "new"
        if finding.waiver:
            waiver = finding.waiver
            said["suppressions"] = [
                {
                    "kind": "external",
                    "status": "accepted",
                    "justification": waiver.reason,
                    "location": self._location(waiver.path, waiver.line),
                    "properties": {"expires": waiver.expires.isoformat(), "owner": waiver.owner or None},
                }
            ]
        return said

    def _gone(self, audit: Audit, known: Known) -> dict[str, Any]:
        """What is not there any more. Services that know no baselines show it as passed, and as no finding."""
        key = {name: _value(value) for name, value in known.key.items()}
        return self._result(audit, known, "") | {
            "kind": "pass",
            "level": "none",
            "baselineState": "absent",
            "properties": {"severity": known.severity, "key": key},
        }

    def _result(self, audit: Audit, one: Finding | Known, resource: str) -> dict[str, Any]:
        location = self._location(audit.path, audit.line)
        if resource:
            location["logicalLocations"] = [{"fullyQualifiedName": _cut(resource), "kind": "resource"}]
        return {
            "ruleId": audit.id,
            "ruleIndex": self.rules[audit.id],
            "message": {"text": plain(one.message) or audit.title},
            "locations": [location],
            # GitHub knows results again by the second, and would else take those of one line for one.
            "partialFingerprints": {"sqlportsKey/v1": one.fingerprint, "primaryLocationLineHash": f"{one.fingerprint}:1"},
        }

    def _location(self, path: str, line: int | None) -> dict[str, Any]:
        place = places.of(path, self.work)
        self.used.add(place.base)
        physical: dict[str, Any] = {"artifactLocation": {"uri": place.uri, "uriBaseId": place.base}}
        if line:
            physical["region"] = {"startLine": line}
        return {"physicalLocation": physical}

    def _notices(self) -> list[dict[str, Any]]:
        report = self.report
        return [
            *(self._notice("bad-file", fault.message, fault.path, fault.line) for fault in report.faults),
            *(notice for outcome in self.outcomes for notice in self._of(outcome)),
            *(self._notice("waiver-expired", said, waiver.path, waiver.line) for (waiver, _), said in _paired(report)),
            *(
                self._notice("waiver-unused", f"Nothing matches the waiver of {waiver.audit}", waiver.path, waiver.line)
                for waiver in report.unused
            ),
        ]

    def _of(self, outcome: Outcome) -> list[dict[str, Any]]:
        """What is to be told of an audit that gave no answer, or not a whole one."""
        audit = outcome.audit
        whys = {"failed": "audit-failed", "timed out": "audit-timed-out", "skipped": "audit-skipped"}
        told = [(whys[outcome.verdict], outcome.why or outcome.verdict)] if outcome.verdict in whys else []
        told += [("audit-degraded", sentence) for sentence in words.unseen(outcome)]
        told += [("audit-accepted", sentence) for sentence in words.accepted(outcome)]
        rule = {"associatedRule": {"id": audit.id, "index": self.rules[audit.id]}}
        return [self._notice(name, f"{audit.id}: {why}", audit.path, audit.line) | rule for name, why in told]

    def _cuts(self, kept: int, left: int) -> list[dict[str, Any]]:
        said = []
        if left:
            said.append(f"{left:,} results are left out, those that matter least: services take {RESULTS:,}, and 10 MB in all")
        if kept > SHOWN:
            said.append(f"GitHub shows {SHOWN:,} of these {kept:,} results")
        if len(self.report.outcomes) > len(self.outcomes):
            said.append(f"{len(self.report.outcomes) - len(self.outcomes):,} audits are left out: services take {RULES:,}")
        return [self._notice("report-cut", sentence) for sentence in said]

    def _notice(self, name: str, why: str, path: str = "", line: int | None = None) -> dict[str, Any]:
        level = "error" if name == "audit-degraded" and self.report.strict else _NOTICES[name][0]
        index = list(_NOTICES).index(name)
        said: dict[str, Any] = {"descriptor": {"id": name, "index": index}, "level": level, "message": {"text": plain(why)}}
        return said | ({"locations": [self._location(path, line)]} if path else {})


def _paired(report: Report) -> list[tuple[tuple[Any, int | None], str]]:
    """Each expired waiver with what is said of it."""
    return list(zip(report.expired, words.stale(report), strict=False))


def rule(audit: Audit) -> dict[str, Any]:
    """An audit as a rule."""
    said: dict[str, Any] = {
        "id": audit.id,
        "shortDescription": {"text": _cut(audit.title, _RULE_TEXT)},
        "fullDescription": {"text": _cut(audit.description or audit.title, _RULE_TEXT)},
        "help": {"text": _help(audit, "{}:\n{}"), "markdown": _help(audit, "**{}**\n\n{}")},
        "defaultConfiguration": {"level": LEVELS[audit.severity], "rank": _RANKS[audit.severity]},
        "properties": {
            "tags": list(dict.fromkeys(["security", *audit.tags]))[:TAGS],
            "precision": "medium" if audit.false_positives else "high",
            "severity": audit.severity,
        },
    }
    name = "".join(word[:1].upper() + word[1:] for word in re.split(r"[\W_]+", audit.id))
    # A name that is the id in other letters is refused.
    if name.lower() not in ("", audit.id.lower()):
        said["name"] = name
    if audit.severity in _SCORES:
        said["properties"]["security-severity"] = _SCORES[audit.severity]
    address = next((one for one in audit.references if re.fullmatch(r"https://[\w.~:/?#@!$&'()*+,;=%-]+", one, re.ASCII)), None)
    return said | ({"helpUri": address} if address else {})


def _help(audit: Audit, form: str) -> str:
    parts = (
        ("What it finds", audit.description or audit.title),
        ("What to do", audit.fix),
        ("What is found and in order", audit.false_positives),
        ("More", "\n".join(f"- {reference}" for reference in audit.references)),
    )
    return "\n\n".join(form.format(head, _cut(body)) for head, body in parts if body)


def plain(message: str) -> str:
    """A message as SARIF's plain text: what reads as a link (3.11.6) is none, whoever chose the name that it is made of."""
    return _cut(message).replace("](", "\\](")


def _cut(said: str, room: int = LONGEST) -> str:
    return said if len(said) <= room else said[: room - 1] + "…"


def _value(value: Any) -> Any:
    """A value of a row as any parser of JSON takes it."""
    if isinstance(value, bytes):
        value = blob(value[:LONGEST]) + ("…" if len(value) > LONGEST else "")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return _cut(value) if isinstance(value, str) else value


def _moment(seconds: float) -> str:
    """Seconds since 1970 as SARIF has them, with milliseconds."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
