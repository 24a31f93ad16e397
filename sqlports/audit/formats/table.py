"""table: for people at a terminal. What was found, what was not seen, and a line for each audit."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from textwrap import wrap

from sqlports.audit.formats import Look, words
from sqlports.audit.outcome import Finding, Outcome, Report
from sqlports.cells import cut, safe, width, wrapped

# So many findings of an audit are shown, and so many lines of a text; with `verbose` all of them, and so many lines.
FINDINGS = 10
LINES, VERBOSE_LINES = 3, 12
# More audits than this in which nothing was found are listed by their names, unless all is to be told.
QUIET = 12

_SEVERITIES = {"critical": "1;31", "high": "31", "medium": "33", "low": "36", "info": "34"}
_VERDICTS = {
    "found": "1",
    "failed": "1;31",
    "timed out": "1;31",
    "degraded": "35",
    "accepted": "2",
    "skipped": "2",
    "clean": "32",
}
_COLOURS = _SEVERITIES | _VERDICTS | {"bold": "1", "dim": "2"}


def text(report: Report, look: Look) -> str:
    """The findings first, the gravest at the top, then all else that is to be known, a line for each audit, and the sum."""
    page = _Page(look)
    order = words.ordered(report)
    for outcome in order:
        if outcome.active:
            _found(page, outcome, report)
    for verdict, title in (("failed", "Failed"), ("timed out", "Timed out")):
        _reasons(page, title, _why(order, verdict), verdict)
    blind = words.reasons((outcome, words.unseen(outcome)) for outcome in order)
    _reasons(page, "Not all was seen", blind, "degraded")
    page.items("Faults in files", [fault.told for fault in report.faults], "failed")
    seen = words.reasons((outcome, words.accepted(outcome)) for outcome in order)
    _reasons(page, "Not seen, and accepted", seen, "dim")
    page.items("Waived", [f"{_named(finding)}, {_granted(finding)}" for finding in words.waived(report)])
    known = words.unchanged(report)
    baseline = safe(report.baseline or "the baseline")
    page.items(
        f"Known from {baseline}: {words.counted(len(known), 'finding')}",
        [_named(finding) for finding in known] if look.verbose else [],
        shown=bool(known),
    )
    page.items(
        f"Gone since {baseline}", [f"{safe(known.audit)}: {safe(known.message)}" for known in words.gone(report)], "clean"
    )
    page.items("Waivers to look at", words.stale(report), "medium")
    _reasons(page, "Skipped", _why(order, "skipped"), "dim")
    if order:
        _verdicts(page, order)
    page.gap()
    page.put(words.tally(report), style="bold", whole=True)
    # Of one audit the reasons that stand above say it.
    if len(order) != 1 or not blind or report.faults:
        page.put(words.caution(report), style="degraded", whole=True)
    page.put(words.result(report), style="dim", whole=True)
    return page.text


class _Page:
    """Lines as they are written: in so many columns, or of any length for what is no terminal."""

    def __init__(self, look: Look) -> None:
        self.columns = look.columns
        self.verbose = look.verbose
        self._coloured = look.coloured and look.columns is not None
        self._lines: list[str] = []

    @property
    def text(self) -> str:
        """All lines."""
        return "".join(f"{line.rstrip()}\n" for line in self._lines)

    def styled(self, text: str, style: str) -> str:
        """The text in the colour of a severity, a verdict or a style, where there are colours."""
        return f"\x1b[{_COLOURS[style]}m{text}\x1b[0m" if self._coloured and style and text else text

    def gap(self) -> None:
        """An empty line, but not at the top."""
        if self._lines:
            self._lines.append("")

    def put(self, text: str, lead: str = "", style: str = "", lead_style: str = "", whole: bool = False) -> None:
        """A text behind a lead, its further lines set in likewise; at most some lines, unless `whole`. Nothing for no text."""
        if not text:
            return
        margin = width(lead)
        for number, line in enumerate(self._fold(safe(text), margin, whole)):
            before = " " * margin if number else self.styled(lead, lead_style)
            self._lines.append(before + self.styled(line, style))

    def items(self, title: str, texts: Iterable[str], style: str = "bold", shown: bool = False) -> None:
        """A title and a line for each text. Nothing for no texts, unless it is to be shown all the same."""
        texts = list(texts)
        if texts or shown:
            self.gap()
            self.put(title, style=style)
            self.few(texts, lambda text: self.put(text, "  - "))

    def few(self, things: Iterable[str], put: Callable[[str], None]) -> None:
        """The first of these, and how many more there are."""
        things = list(things)
        most = len(things) if self.verbose else FINDINGS
        for thing in things[:most]:
            put(thing)
        if len(things) > most:
            self.put(f"… and {len(things) - most:,} more; --verbose shows all", "    ", "dim")

    def row(self, cells: list[tuple[str, str]]) -> None:
        """Texts in one line, each in its style; on a terminal the line ends where that ends."""
        room = self.columns
        drawn = []
        for text, style in cells:
            shown = text if room is None else cut(text, room)
            drawn.append(self.styled(shown, style))
            room = None if room is None else room - width(shown)
        self._lines.append("".join(drawn))

    def _fold(self, text: str, margin: int, whole: bool) -> list[str]:
        if self.columns is None:
            return [text]
        room = max(self.columns - margin, 2)
        most = len(text) if whole else VERBOSE_LINES if self.verbose else LINES
        # So much is looked at, and not a megabyte of which little is shown.
        lines = [
            piece
            for line in wrap(text[: room * (most + 2)], room, break_on_hyphens=False) or [""]
            for piece in wrapped(line, room)
        ]
        return lines if len(lines) <= most else [*lines[: most - 1], cut(f"{lines[most - 1]} {lines[most]}", room)]


def _found(page: _Page, outcome: Outcome, report: Report) -> None:
    """An audit's findings, and what to do."""
    audit, grave = outcome.audit, words.severity(outcome)
    title, name = safe(audit.title), safe(audit.id)
    page.gap()
    lead = f"{grave.upper()}  "
    if page.columns is None or width(lead + title) + width(name) + 4 <= page.columns:
        page.row([(lead, grave), (title, "bold"), (f"  ({name})", "dim")])
    else:
        page.put(title, lead, "bold", grave)
        page.put(f"({name})", "  ", "dim")

    def said(finding: Finding) -> str:
        graded = "" if finding.severity == grave else f"[{finding.severity}] "
        reason = f" ({finding.reason})" if finding.reason and finding.reason not in finding.message else ""
        about = f" [{finding.resource}]" if page.verbose and finding.resource else ""
        new = " (new)" if report.baseline and finding.state == "new" else ""
        return f"{graded}{finding.message or finding.resource}{reason}{about}{new}"

    page.few(map(said, words.active(outcome)), lambda text: page.put(text, "  - "))
    if words.unseen(outcome) and len(report.outcomes) > 1:
        page.put("Not all was seen: there may be more.", "  ", "degraded")
    page.put(" ".join(audit.fix.split()), "  Fix  ", lead_style="bold", whole=True)
    if page.verbose:
        page.put(" ".join(audit.description.split()), "  Why  ", lead_style="bold", whole=True)
        if audit.false_positives:
            page.put(f"False positives: {' '.join(audit.false_positives.split())}", "  ", "dim", whole=True)


def _why(outcomes: list[Outcome], verdict: str) -> dict[str, list[str]]:
    """The audits that failed, timed out or were skipped, by the reason why."""
    return words.reasons((outcome, [outcome.why or "no reason is known"]) for outcome in outcomes if outcome.verdict == verdict)


def _reasons(page: _Page, title: str, reasons: dict[str, list[str]], style: str) -> None:
    """Reasons, each with the audits that it is given for."""
    if not reasons:
        return
    page.gap()
    page.put(title, style=style)
    for reason, names in reasons.items():
        page.put(reason, "  - ")
        few = names if page.verbose else names[:FINDINGS]
        more = f" and {len(names) - len(few):,} more" if len(names) > len(few) else ""
        page.put(f"{words.counted(len(names), 'audit')}: {', '.join(few)}{more}", "    ", "dim")


def _named(finding: Finding) -> str:
    return f"{finding.audit.id}: {finding.message or finding.resource}"


def _granted(finding: Finding) -> str:
    return words.granted(finding.waiver) if finding.waiver else ""


def _verdicts(page: _Page, outcomes: list[Outcome]) -> None:
    """A line for each audit: verdict, severity, how many findings, its id, and what else is to be known."""
    page.gap()
    page.put("Verdicts", style="bold")
    quiet = [outcome for outcome in outcomes if words.verdict(outcome) in ("degraded", "clean")]
    if len(quiet) > QUIET and not page.verbose and page.columns is not None:
        _lines(page, [outcome for outcome in outcomes if words.verdict(outcome) not in ("degraded", "clean")])
        for verdict in ("degraded", "clean"):
            names = [safe(outcome.audit.id) for outcome in quiet if words.verdict(outcome) == verdict]
            page.put(f"{verdict} ({len(names)}): {', '.join(names)}" if names else "", "  ", verdict, whole=True)
        return
    _lines(page, outcomes, is_alone=len(outcomes) == 1)


def _lines(page: _Page, outcomes: list[Outcome], is_alone: bool = False) -> None:
    if not outcomes:
        return
    long = max(width(outcome.audit.id) for outcome in outcomes)
    digits = max(len(words.number(outcome)) for outcome in outcomes)
    # "  timed out  critical  " and two spaces behind the number.
    narrow = page.columns is not None and 24 + digits + long > page.columns
    for outcome in outcomes:
        verdict, grave, name = words.verdict(outcome), words.severity(outcome), safe(outcome.audit.id)
        graded = (f"{grave:<8}", grave if verdict == "found" else "dim")
        count = f"{words.number(outcome):>{digits}}"
        note = safe("; ".join(words.notes(outcome, is_alone=is_alone)))
        if narrow:
            page.put(name, "  ")
            page.put(f"{verdict} {grave} {count.strip()}", "    ", verdict)
            page.put(note, "    ", "dim")
        else:
            fixed = [("  ", ""), (f"{verdict:<9}", verdict), ("  ", ""), graded, (f"  {count}  ", "")]
            page.row([*fixed, (name + " " * (long - width(name)), ""), (f"  {note}", "dim")])
