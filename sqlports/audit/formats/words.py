"""What the formats say alike: which outcome comes first, what became of it in a word, and all of it in two sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sqlports.audit import SEVERITIES
from sqlports.audit.outcome import Finding, Known, Outcome, Report, Waiver, gravest, rank
from sqlports.errors import file_name

# Where nothing found, or not seen, is left that is not waived or known.
ACCEPTED = "accepted"
# In the order in which they are shown, and what is said of so many audits.
_PLACES = {
    "found": "found something",
    "failed": "failed",
    "timed out": "timed out",
    "degraded": "degraded",
    ACCEPTED: "accepted",
    "skipped": "skipped",
    "clean": "clean",
}


def verdict(outcome: Outcome) -> str:
    """What became of an audit as people are told: one of VERDICTS, or ACCEPTED."""
    if outcome.active and outcome.verdict in ("degraded", "clean"):
        return "found"
    if outcome.findings and not outcome.active and outcome.verdict in ("found", "clean"):
        return "degraded" if outcome.unseen else ACCEPTED
    if outcome.accepted and outcome.verdict == "clean":
        return ACCEPTED
    return outcome.verdict


def severity(outcome: Outcome) -> str:
    """The gravest severity of what was found and not suppressed; the audit's own where that is nothing."""
    return gravest(outcome.active) or outcome.audit.severity


def ordered(report: Report) -> list[Outcome]:
    """The outcomes, what matters most first: by verdict, then the gravest."""
    places = list(_PLACES)
    return sorted(report.outcomes, key=lambda outcome: (places.index(verdict(outcome)), -rank(severity(outcome))))


def active(outcome: Outcome) -> list[Finding]:
    """The findings that are not suppressed, the gravest first."""
    return sorted(outcome.active, key=lambda finding: -rank(finding.severity))


def waived(report: Report) -> list[Finding]:
    """The findings that somebody takes for in order."""
    return [finding for finding in report.findings if finding.waiver]


def unchanged(report: Report) -> list[Finding]:
    """The findings that a baseline had already, and that are not waived."""
    return [finding for finding in report.findings if finding.state == "unchanged" and not finding.waiver]


def gone(report: Report) -> list[Known]:
    """What a baseline has and was not found any more."""
    return [known for outcome in report.outcomes for known in outcome.gone]


def unseen(outcome: Outcome) -> tuple[str, ...]:
    """Why an audit that ran did not see all."""
    return outcome.unseen if outcome.verdict not in ("failed", "timed out", "skipped") else ()


def accepted(outcome: Outcome) -> list[str]:
    """What an audit did not see and somebody says is in order."""
    return [f"{sentence}, {granted(waiver)}" for sentence, waiver in outcome.accepted]


def reasons(outcomes: Iterable[tuple[Outcome, Iterable[str]]]) -> dict[str, list[str]]:
    """The ids of the audits that each reason is given for: what is said of many is said once."""
    found: dict[str, list[str]] = {}
    for outcome, said in outcomes:
        for reason in dict.fromkeys(said):
            found.setdefault(reason, []).append(outcome.audit.id)
    return found


def notes(outcome: Outcome, is_alone: bool = False) -> list[str]:
    """What else is to be known of an audit beside its verdict and the number of its findings.

    is_alone  whether it is the only one of a report, which tells elsewhere what it did not see
    """
    of_waived = sum(finding.waiver is not None for finding in outcome.findings)
    known = len(outcome.findings) - len(outcome.active) - of_waived
    counts = ((of_waived, "waived"), (known, "known"), (len(outcome.gone), "gone"))
    return [
        *([outcome.why] if outcome.why else []),
        *(["not all was seen"] if unseen(outcome) and verdict(outcome) != "degraded" and not is_alone else []),
        *(["not all was seen, which is accepted"] if outcome.accepted and not is_alone else []),
        *(f"{count} {word}" for count, word in counts if count),
    ]


def number(outcome: Outcome) -> str:
    """How many findings count; '-' of what did not come to an end, of which nobody knows."""
    return "-" if outcome.verdict in ("failed", "timed out", "skipped") else f"{len(outcome.active):,}"


def counted(count: int, word: str) -> str:
    """A number of things: `1 finding`, `2 findings`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def granted(waiver: Waiver) -> str:
    """Until when a waiver holds, by whom, why, and where it stands."""
    owner = f" by {waiver.owner}" if waiver.owner else ""
    return f"waived until {waiver.expires.isoformat()}{owner}: {waiver.reason} ({place(waiver.path, waiver.line)})"


def stale(report: Report) -> list[str]:
    """A sentence for each waiver that has expired or that nothing belongs to."""
    unknown = {(fault.path, fault.line): fault.message for fault in report.unknown}
    return [
        *(
            f"{place(waiver.path, waiver.line)}: the waiver of {waiver.audit} expired on {waiver.expires.isoformat()}; "
            + _would_match(waiver, count)
            for waiver, count in report.expired
        ),
        *(
            f"{place(waiver.path, waiver.line)}: "
            + unknown.get((waiver.path, waiver.line), f"nothing matches the waiver of {waiver.audit}")
            for waiver in report.unused
        ),
    ]


def _would_match(waiver: Waiver, count: int | None) -> str:
    if count is None:
        return "no audit that it is for was run"
    return f"{counted(count, 'sentence' if waiver.unseen else 'finding')} would still match it"


def place(path: str, line: int) -> str:
    """A line of a file, as compilers have it."""
    return f"{file_name(path)}:{line}"


def moment(started: float) -> str:
    """Seconds since 1970 as ISO 8601 has it, in UTC and whole seconds."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(int(started), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def utf8(text: str) -> str:
    """A text that UTF-8 can have: the halves of a pair (`\\udcff`), which a name that is not UTF-8 has, are written out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def tally(report: Report) -> str:
    """How many audits there were, what became of them, and what was suppressed."""
    if not report.outcomes:
        return "No audit was run."
    counts = Counter(map(verdict, report.outcomes))
    grave = Counter(severity(outcome) for outcome in report.outcomes if verdict(outcome) == "found")
    by_severity = ", ".join(f"{grave[name]} {name}" for name in reversed(SEVERITIES) if grave[name])
    said = ", ".join(
        f"{counts[word]} {text}{f' ({by_severity})' if word == 'found' else ''}"
        for word, text in _PLACES.items()
        if counts[word]
    )
    kept = (
        (len(waived(report)), "waived"),
        (len(unchanged(report)), "known from the baseline"),
        (len(gone(report)), "gone since the baseline"),
    )
    suppressed = ", ".join(f"{counted(count, 'finding')} {word}" for count, word in kept if count)
    return f"{counted(len(report.outcomes), 'audit')}: {said}{f'; {suppressed}' if suppressed else ''}."


def caution(report: Report) -> str:
    """That the report does not tell all, and why; '' when it does."""
    blind = sum(bool(unseen(outcome)) for outcome in report.outcomes)
    unheard = len(report.of("failed", "timed out"))
    parts = (
        (blind, f"{counted(blind, 'audit')} could not look everywhere"),
        (unheard, f"{counted(unheard, 'audit')} came to no end"),
        (len(report.faults), f"{counted(len(report.faults), 'fault')} in files"),
    )
    said = ", ".join(text for count, text in parts if count)
    return f"Not all was seen: {said}. Where nothing was found, there may be something." if said else ""


def result(report: Report) -> str:
    """The exit status, and what it is for."""
    failing = len(report.failing)
    found = f"{counted(failing, 'finding') if failing else 'no finding'} at {report.fail_on} or above"
    why = {
        2: counted(len(report.faults), "fault") + " in files",
        3: f"{counted(len(report.of('failed')), 'audit')} failed",
        4: f"{counted(len(report.of('timed out')), 'audit')} timed out",
    }
    if report.status == 3 and not report.of("failed"):
        why[3] = f"{counted(len(report.degraded), 'audit')} did not see all, and --strict takes that for a failure"
    return f"Exit status {report.status}: {f'{why[report.status]}; ' if report.status in why else ''}{found}."
