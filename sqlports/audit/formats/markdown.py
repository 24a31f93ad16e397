"""markdown: for a comment on a pull request, or $GITHUB_STEP_SUMMARY. GitHub's flavour."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from sqlports.audit.formats import Look, words
from sqlports.audit.outcome import Finding, Outcome, Report
from sqlports.cells import cut, safe

# GitHub takes no comment of more than 65,536 characters. With `verbose` all is written: a summary of a step takes a megabyte.
CHARACTERS = 60_000
# So many findings of an audit are shown, and so much of each text.
FINDINGS = 50
LONGEST = 500

_SIGNS = {
    "found": "🔴",
    "failed": "❌",
    "timed out": "⌛",
    "degraded": "🟠",
    "accepted": "⚪",
    "skipped": "⏭️",
    "clean": "🟢",
}
# What is markup anywhere in a line, and at its start.
_MARKUP = re.compile("[\\\\`*_~$|&<>#\u200b\\[\\]]" r"|(?<=\w):(?=//)|(?i:(?<=www)\.)|^(?:[-+=]|\d+[.)])")
# What GitHub makes links of, and tells people of: @name, #1 and GH-1.
_MENTION = re.compile(r"[@#](?=[\w-])|\bGH-(?=\d)", re.IGNORECASE)
_LINK = re.compile(r"https?://[\w.~:/?#@!$&'()+,;=%-]+", re.ASCII)


def text(report: Report, look: Look) -> str:
    """A table of the audits that have something to say, a section for each that found something, and the rest folded."""
    order = words.ordered(report)
    head = [f"## Audit of {_text(report.host) or 'this machine'}", f"**{_text(words.tally(report))}**"]
    if words.caution(report):
        head.append(f"> ⚠️ {_text(words.caution(report))}")
    head.append(_text(words.result(report)))
    spoken = [outcome for outcome in order if words.verdict(outcome) not in ("skipped", "clean")]
    silent = order[len(spoken) :]
    parts = [_verdicts(spoken)] if spoken else []
    parts += [*_troubles(report), *(_section(outcome, look) for outcome in order if outcome.active), *_accepted(report, look)]
    if silent:
        parts.append(_folded("Clean and skipped", _verdicts(silent)))
    foot = f"<sub>sqlports, {words.moment(report.started)}, {_text(report.system)}, as {_text(report.user)}</sub>"
    return "\n\n".join([*head, *_within(parts, look), foot]) + "\n"


def _within(parts: Sequence[str], look: Look) -> list[str]:
    """The parts that have room, and how many have none."""
    kept, left = [], 0
    room = CHARACTERS
    for part in parts:
        room -= len(part) + 2
        if room > 0 or look.verbose:
            kept.append(part)
        else:
            left += 1
    if left:
        kept.append(f"⚠️ {words.counted(left, 'more part')} of this report had no room here: see it in another format.")
    return kept


def _text(text: str) -> str:
    """A text that is nothing but text: in one line, with no markup, no link, and nobody who is told of it."""
    # A space of no width parts the sign from what it would call.
    plain = _MENTION.sub(lambda found: f"{found[0]}\u200b", cut(safe(text.strip()), LONGEST))
    return _MARKUP.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), plain)


def _paragraphs(text: str) -> str:
    return "\n\n".join(_text(part) for part in text.split("\n\n") if part.strip())


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join([_row(names), _row("---" for _ in names), *map(_row, rows)])


def _list(texts: Iterable[str]) -> str:
    return "\n".join(f"- {text}" for text in texts)


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _few(findings: Sequence[Finding], look: Look) -> tuple[Sequence[Finding], int]:
    """The findings that are shown, and how many are not."""
    shown = findings if look.verbose else findings[:FINDINGS]
    return shown, len(findings) - len(shown)


def _section(outcome: Outcome, look: Look) -> str:
    audit, grave = outcome.audit, words.severity(outcome)
    shown, more = _few(words.active(outcome), look)
    rows = [
        (finding.severity, _text(finding.message), _text(finding.resource), _text(finding.reason), _text(finding.state))
        for finding in shown
    ]
    parts = [
        f"### {grave.capitalize()}: {_text(audit.title)}",
        _columns(("Severity", "Finding", "On", "Reason", "State"), rows),
    ]
    if more:
        parts.append(f"… and {words.counted(more, 'more finding')}.")
    if words.unseen(outcome):
        parts.append("⚠️ Not all was seen: there may be more.")
    if audit.fix:
        parts.append(f"**Fix:** {_paragraphs(audit.fix)}")
    about = [_paragraphs(audit.description)]
    if audit.false_positives:
        about.append(f"**False positives:** {_paragraphs(audit.false_positives)}")
    if audit.references:
        about.append(_list(f"<{page}>" if _LINK.fullmatch(page) else _text(page) for page in audit.references))
    told = "\n\n".join(filter(None, about))
    if told:
        parts.append(_folded(f"About {_text(audit.id)}", told))
    return "\n\n".join(parts)


def _columns(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of the columns that have something in them."""
    kept = [index for index in range(len(names)) if any(row[index] for row in rows)]
    return _table([names[index] for index in kept], [[row[index] for index in kept] for row in rows])


def _troubles(report: Report) -> list[str]:
    """What was not seen, did not come to an end, was skipped or is wrong."""
    blind = words.reasons((outcome, words.unseen(outcome)) for outcome in report.outcomes)
    seen = words.reasons((outcome, words.accepted(outcome)) for outcome in report.outcomes)
    lists = [("Not all was seen", blind), ("Not seen, and accepted", seen)]
    for verdict, title in (("failed", "Failed"), ("timed out", "Timed out"), ("skipped", "Skipped")):
        lists.append((title, words.reasons((outcome, [outcome.why]) for outcome in report.of(verdict))))
    parts = [
        _folded(
            title, _list(f"{_text(reason) or 'no reason is known'} ({_text(', '.join(ids))})" for reason, ids in said.items())
        )
        for title, said in lists
        if said
    ]
    if report.faults:
        parts.insert(0, f"### Faults in files\n\n{_list(_text(fault.told) for fault in report.faults)}")
    if words.stale(report):
        parts.append(_folded("Waivers to look at", _list(map(_text, words.stale(report)))))
    return parts


def _accepted(report: Report, look: Look) -> list[str]:
    """What is waived, was known or is gone, folded."""
    parts = []
    for title, findings in (("waived", words.waived(report)), ("known from the baseline", words.unchanged(report))):
        shown, more = _few(findings, look)
        rows = [
            (_text(one.audit.id), one.severity, _text(one.message), _text(words.granted(one.waiver)) if one.waiver else "")
            for one in shown
        ]
        rest = f"\n\n… and {words.counted(more, 'more finding')}." if more else ""
        if rows:
            body = _columns(("Audit", "Severity", "Finding", "Why"), rows) + rest
            parts.append(_folded(f"{words.counted(len(findings), 'finding')} {title}", body))
    gone = words.gone(report)
    if gone:
        shown_gone = gone if look.verbose else gone[:FINDINGS]
        body = _list(f"{_text(known.audit)}: {_text(known.message)}" for known in shown_gone)
        if len(gone) > len(shown_gone):
            body += f"\n\n… and {words.counted(len(gone) - len(shown_gone), 'more finding')}."
        parts.append(_folded(f"{words.counted(len(gone), 'finding')} gone since the baseline", body))
    return parts


def _verdicts(outcomes: Sequence[Outcome]) -> str:
    return _table(
        ("Verdict", "Severity", "Findings", "Audit", "Title", "Note"),
        [
            (
                f"{_SIGNS[words.verdict(outcome)]} {words.verdict(outcome)}",
                words.severity(outcome),
                words.number(outcome),
                _text(outcome.audit.id),
                _text(outcome.audit.title),
                _text("; ".join(words.notes(outcome))),
            )
            for outcome in outcomes
        ],
    )
