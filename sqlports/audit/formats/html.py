"""html: a page in one file, which needs no network and runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from sqlports import __version__
from sqlports.audit.formats import Look, words
from sqlports.audit.formats.page import STYLE
from sqlports.audit.outcome import Finding, Outcome, Report
from sqlports.cells import safe, shown
from sqlports.errors import file_name

# Of a longer value the beginning is shown, and the rest when it is asked for.
LONG = 300


def text(report: Report, look: Look) -> str:
    """Verdicts, then a section for each audit with its findings, those that are suppressed too, and all that is wrong."""
    order = words.ordered(report)
    host = _text(report.host or "this machine")
    parts = [
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'\">",
        '<meta name="viewport" content="width=device-width">\n<meta name="referrer" content="no-referrer">',
        f"<title>Audit of {host}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>",
        f"<header>\n<h1>Audit of {host}</h1>\n<p><strong>{_text(words.tally(report))}</strong></p>",
        _paragraphs(words.caution(report), "caution"),
        _paragraphs(words.result(report)),
        _about(report),
        "</header>\n<main>",
        _list("Faults in files", [fault.told for fault in report.faults], "caution"),
        _list("Waivers to look at", words.stale(report)),
        *([_verdicts(order)] if order else []),
        *(_section(outcome, number) for number, outcome in enumerate(order)),
        "</main>\n</body>\n</html>\n",
    ]
    return "\n".join(part for part in parts if part)


def _text(text: str) -> str:
    return escape(safe(text))


def _paragraphs(text: str, kind: str = "") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return "\n".join(f"<p{of_kind}>{_text(part)}</p>" for part in text.split("\n\n") if part.strip())


def _list(title: str, texts: Iterable[str], kind: str = "") -> str:
    """A title and what it is of; '' where that is nothing."""
    items = "".join(f"<li>{_text(text)}</li>\n" for text in texts)
    of_kind = f' class="{kind}"' if kind else ""
    return f"<section{of_kind}>\n<h2>{title}</h2>\n<ul>\n{items}</ul>\n</section>" if items else ""


def _about(report: Report) -> str:
    facts = (
        ("Host", report.host),
        ("System", report.system),
        ("Run as", report.user),
        ("Started", words.moment(report.started)),
        ("Took", f"{report.seconds:.1f} s"),
        ("Fails on", f"{report.fail_on} and above{', and what did not see all (strict)' if report.strict else ''}"),
        ("Baseline", "none" if report.baseline is None else file_name(report.baseline)),
        ("sqlports", __version__),
    )
    return "<dl>\n" + "".join(f"<div><dt>{name}</dt><dd>{_text(fact)}</dd></div>\n" for name, fact in facts) + "</dl>"


def _tags(outcome: Outcome) -> str:
    """Classes by which a section and its line are coloured and hidden. They are words of ours alone."""
    return f"{words.verdict(outcome).replace(' ', '-')} {words.severity(outcome)}"


def _verdicts(outcomes: Sequence[Outcome]) -> str:
    rows = "".join(
        f'<tr class="{_tags(outcome)}"><td><span class="verdict">{words.verdict(outcome)}</span></td>'
        f'<td><span class="severity">{words.severity(outcome)}</span></td>'
        f'<td class="number">{words.number(outcome)}</td>'
        f'<td><a href="#audit-{number}">{_text(outcome.audit.id)}</a></td><td>{_text(outcome.audit.title)}</td>'
        f"<td>{_cell('; '.join(words.notes(outcome)))}</td></tr>\n"
        for number, outcome in enumerate(outcomes)
    )
    boxes = "".join(
        f'<label><input type="checkbox" id="show-{kind}" checked> {said}</label>\n'
        for kind, said in (("clean", "clean"), ("skipped", "skipped"), ("suppressed", "waived and known findings"))
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in ("Verdict", "Severity", "Findings", "Audit", "Title", "Note"))
    return (
        f'<section>\n<h2>Verdicts</h2>\n<p class="show">Show:\n{boxes}</p>\n'
        f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n</section>'
    )


def _section(outcome: Outcome, number: int) -> str:
    audit = outcome.audit
    named = [words.place(audit.path, audit.line), *([f"pack {audit.pack}"] if audit.pack else []), *audit.tags]
    ran = f"{words.counted(outcome.rows, 'row')} in {outcome.seconds:.2f} s"
    parts = [
        f'<section id="audit-{number}" class="{_tags(outcome)}">',
        f'<h2><span class="severity">{words.severity(outcome)}</span> {_text(audit.title)} '
        f'<span class="verdict">{words.verdict(outcome)}</span></h2>',
        f'<p class="small"><code>{_text(audit.id)}</code> · {" · ".join(map(_text, named))} · {ran}</p>',
        _paragraphs(audit.description),
        _paragraphs(outcome.why, "caution"),
        *(_paragraphs(f"Not all was seen: {reason}", "caution") for reason in words.unseen(outcome)),
        *(_paragraphs(f"Not seen, and accepted: {reason}", "small") for reason in words.accepted(outcome)),
        _findings(outcome),
        _part("Gone since the baseline", "".join(f"<p>{_text(known.message)}</p>\n" for known in outcome.gone)),
        _part("Fix", _paragraphs(audit.fix)),
        _part("False positives", _paragraphs(audit.false_positives)),
        _part("References", "".join(f"<p>{_reference(page)}</p>\n" for page in audit.references)),
        "</section>",
    ]
    return "\n".join(part for part in parts if part)


def _part(title: str, body: str) -> str:
    return f"<h3>{title}</h3>\n{body}" if body else ""


def _reference(page: str) -> str:
    """A link where it is one to a page of the web, and a text otherwise."""
    try:
        parts = urlsplit(page)
        is_page = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_page = False
    if not is_page or re.search(r"[\s\\]", page) or safe(page) != page:
        return _text(page)
    return f'<a href="{escape(page)}" rel="noreferrer noopener">{_text(page)}</a>'


def _findings(outcome: Outcome) -> str:
    """A table of the findings with what each says and all columns of its row."""
    if not outcome.findings:
        return ""
    findings = [*words.active(outcome), *(finding for finding in outcome.findings if finding.suppressed)]
    columns = list(dict.fromkeys(name for finding in findings for name in finding.row))
    names = [*("Severity", "State", "Finding", "On", "Reason"), *columns]
    head = "".join(f'<th scope="col">{_text(name)}</th>' for name in names)
    rows = "".join(_finding(finding, columns) for finding in findings)
    return f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody>\n</table></div>'


def _finding(finding: Finding, columns: Sequence[str]) -> str:
    state = words.granted(finding.waiver) if finding.waiver else {"unchanged": "known"}.get(finding.state, finding.state)
    said = "".join(f"<td>{_cell(text)}</td>" for text in (state, finding.message, finding.resource, finding.reason))
    values = "".join(_value(finding.row[name]) if name in finding.row else "<td></td>" for name in columns)
    suppressed = "suppressed " if finding.suppressed else ""
    grade = f'<td><span class="severity">{finding.severity}</span></td>'
    return f'<tr class="{suppressed}{finding.severity}">{grade}{said}{values}</tr>\n'


def _value(value: Any) -> str:
    if value is None:
        return '<td class="null">NULL</td>'
    kind = ' class="number"' if isinstance(value, (int, float)) else ""
    return f"<td{kind}>{_cell(shown(value))}</td>"


def _cell(text: str) -> str:
    """A text, of a long one its beginning with the whole below it."""
    text = safe(text)
    if len(text) <= LONG:
        return escape(text)
    start, size = escape(text[:LONG]), f"{len(text):,} characters"
    return f"<details><summary>{start}… ({size})</summary>{escape(text)}</details>"
