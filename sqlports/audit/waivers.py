"""Waivers: somebody's word, in a TOML file, that findings are in order, why, and until when.

    [[waiver]]
    audit = "exposed-database"
    match = { process = "postgres", port = 5432, address = "10.*" }
    reason = "behind the firewall of rack 3"
    expires = 2027-01-31
    owner = "dba@example.org"

With `unseen` instead of `match` it accepts what an audit could not see, and no finding:

    unseen = "*of process 1 could not be read*"

What is doubtful waives nothing: a waiver with a fault is left out, and of a text that is no TOML all are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from fnmatch import translate
from typing import Any

from sqlports.audit import given
from sqlports.audit.audit import BadFile
from sqlports.audit.outcome import Finding, Outcome, Waiver
from sqlports.audit.toml_tables import Table, tables
from sqlports.cells import blob, safe
from sqlports.errors import nearest
from sqlports.toml_text import parse

LARGEST = 1 << 20
# The pattern for what is unknown, which no other pattern matches.
NULL = "NULL"

_KEYS = ("audit", "match", "unseen", "reason", "expires", "owner")
_REQUIRED = ("audit", "reason", "expires")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def read(path: str) -> tuple[list[Waiver], list[BadFile]]:
    """The waivers of a file that are in order, and all that is wrong with the file."""
    text = given.text(path, LARGEST)
    if isinstance(text, BadFile):
        return [], [text]
    rest, values, broken = parse(text)
    faults = [BadFile(path, fault.line, fault.message) for fault in broken]
    waivers = []
    there, misplaced = tables(rest, "waiver", values)
    faults += [BadFile(path, line, message) for line, message in misplaced]
    for number, table in enumerate(there):
        end = there[number + 1].line if number + 1 < len(there) else text.count("\n") + 2
        # What is left of a waiver without its broken lines is not what was written.
        if any(table.line <= fault.line < end for fault in broken):
            continue
        made = _waiver(table, path)
        if isinstance(made, Waiver):
            waivers.append(made)
        else:
            faults += made
    return [] if broken else waivers, sorted(faults, key=lambda fault: (fault.line or 0, fault.message))


def _waiver(table: Table, path: str) -> Waiver | list[BadFile]:
    """The waiver that a table is, or its faults."""
    faults = []

    def wrong(key: str, message: str) -> None:
        faults.append(BadFile(path, table.lines.get(key, table.line), message))

    for key in table.values:
        if key not in _KEYS:
            meant = nearest(key, list(_KEYS))
            wrong(key, f"a waiver has no {safe(key)}: " + (f"did you mean {meant}?" if meant else f"it has {', '.join(_KEYS)}"))
    for key in _REQUIRED:
        if key not in table.values:
            wrong("", f"the waiver has no {key}")
    texts = {}
    for key in ("audit", "unseen", "reason", "owner"):
        value = table.values.get(key, "")
        if not isinstance(value, str):
            wrong(key, f"{key} is a text in quotes")
        elif key in table.values and not value.strip():
            wrong(key, f"{key} is empty")
        texts[key] = safe(" ".join(value.split())) if isinstance(value, str) else ""
    expires = _day(table.values.get("expires"))
    if expires is None and "expires" in table.values:
        wrong("expires", "expires is a date, as in 2027-01-31: the last day on which the waiver holds")
    match = _match(table.values.get("match", {}), wrong)
    if "match" in table.values and "unseen" in table.values:
        wrong("unseen", "match is for findings and unseen for what was not seen: write two waivers")
    elif texts["audit"] and not texts["audit"].strip("*?"):
        if "unseen" in table.values:
            if not texts["unseen"].strip("*? "):
                wrong("unseen", "it accepts that all audits are blind: name an audit, or what is not seen")
        elif all(not pattern.strip("*") for pattern in match.values()):
            wrong("audit", "it waives all findings of all audits: name an audit, or what is to match")
    if faults or expires is None:
        return faults
    return Waiver(texts["audit"], match, texts["reason"], expires, texts["owner"], path, table.line, texts["unseen"])


def _day(value: Any) -> date | None:
    """The day that a value means; None for what is none."""
    if isinstance(value, str) and _DAY.fullmatch(value.strip()):
        try:
            return date.fromisoformat(value.strip())
        except ValueError:
            return None
    return value if isinstance(value, date) and not isinstance(value, datetime) else None


def _match(value: Any, wrong: Callable[[str, str], None]) -> dict[str, str]:
    """The pattern of each column."""
    if not isinstance(value, dict):
        wrong("match", 'match is a table of columns and patterns, as in { process = "postgres", port = 5432 }')
        return {}
    patterns = {}
    for column, pattern in value.items():
        if isinstance(pattern, bool | int | float | str):
            # SQLite has 1 and 0 for true and false.
            patterns[column] = _text(int(pattern) if isinstance(pattern, bool) else pattern)
        else:
            wrong("match", f"match: the pattern for {safe(column)} is no text, number or boolean")
    return patterns


def _text(value: Any) -> str:
    """A value that is not NULL as a pattern sees it: bytes as SQL writes them, a text as it is."""
    return blob(value) if isinstance(value, bytes) else str(value)


class _Matcher:
    """A waiver, ready to be compared with many findings."""

    def __init__(self, waiver: Waiver) -> None:
        self.waiver = waiver
        self.fits = _pattern(waiver.audit)
        self.columns = {column: None if pattern == NULL else _pattern(pattern) for column, pattern in waiver.match.items()}
        self.accepts = _pattern(waiver.unseen) if waiver.unseen else None

    def count(self, outcomes: Iterable[Outcome]) -> int:
        """How many findings, or sentences on what was not seen, it matches of audits that it is for."""
        if self.accepts:
            said = {said for one in outcomes for said in (*one.unseen, *(accepted for accepted, _ in one.accepted))}
            return sum(bool(self.accepts(sentence)) for sentence in said)
        return sum(self.matches(finding.row) for outcome in outcomes for finding in outcome.findings)

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of an audit that it is for has all that is to match."""
        if self.accepts:
            return False
        for column, pattern in self.columns.items():
            if column not in row:
                return False
            value = row[column]
            if (value is None) != (pattern is None) or (pattern and not pattern(_text(value))):
                return False
        return True


def _pattern(glob: str) -> Callable[[str], Any]:
    """What tells whether a text is as a pattern says, in upper and lower case as written, in time linear in the text."""
    # It gives each * its text once and never another one.
    return re.compile(translate(glob)).match


def apply(findings: Sequence[Finding], waivers: Sequence[Waiver], today: date) -> tuple[Finding, ...]:
    """The findings, each with the first waiver that matches it and still holds."""
    holding = [_Matcher(waiver) for waiver in waivers if waiver.expires >= today]
    audits = {finding.audit.id for finding in findings}
    fitting = {audit: [matcher for matcher in holding if matcher.fits(audit)] for audit in audits}
    return tuple(
        finding._replace(
            waiver=next((matcher.waiver for matcher in fitting[finding.audit.id] if matcher.matches(finding.row)), None)
        )
        for finding in findings
    )


def accept(outcome: Outcome, waivers: Sequence[Waiver], today: date) -> Outcome:
    """The outcome, in which what was not seen and a waiver that still holds says is in order is accepted."""
    those = [
        matcher
        for waiver in waivers
        if waiver.unseen and waiver.expires >= today and (matcher := _Matcher(waiver)).fits(outcome.audit.id)
    ]
    unseen, accepted = [], []
    for sentence in outcome.unseen:
        found = next((one.waiver for one in those if one.accepts and one.accepts(sentence)), None)
        if found:
            accepted.append((sentence, found))
        else:
            unseen.append(sentence)
    return outcome._replace(unseen=tuple(unseen), accepted=tuple(accepted))


def told(
    outcomes: Sequence[Outcome], waivers: Sequence[Waiver], today: date, ids: Collection[str] = ()
) -> tuple[tuple[tuple[Waiver, int | None], ...], tuple[Waiver, ...]]:
    """The waivers that are expired, with how much each would match (None: none of its audits was run), and those of no use.

    ids  the ids of all audits there are, run or not; () where they are not known

    Of no use is one that matches nothing where each audit it is for was run and saw all, or that is for no audit of `ids`.
    """
    expired: list[tuple[Waiver, int | None]] = []
    unused = []
    for waiver in waivers:
        matcher = _Matcher(waiver)
        fitting = [outcome for outcome in outcomes if matcher.fits(outcome.audit.id)]
        ran = [outcome for outcome in fitting if outcome.verdict in ("found", "clean", "degraded")]
        count = matcher.count(fitting)
        if waiver.expires < today:
            expired.append((waiver, count if ran else None))
        elif count == 0:
            run = {outcome.audit.id for outcome in fitting}
            others = [name for name in ids if name not in run and matcher.fits(name)]
            is_for_none = bool(ids) and not fitting and not others
            # A blind look tells nothing of what would have been found, and all of what was not seen.
            is_known = len(ran) == len(fitting) and all(outcome.saw_all or waiver.unseen for outcome in fitting)
            if is_for_none or (fitting and not others and is_known):
                unused.append(waiver)
    return tuple(expired), tuple(unused)


def unknown(waivers: Sequence[Waiver], ids: Collection[str]) -> list[BadFile]:
    """The waivers that are for no audit of all there are, with what was probably meant: to be told, and no faults."""
    said = []
    for waiver in waivers:
        if not any(map(_pattern(waiver.audit), ids)):
            meant = nearest(waiver.audit, list(ids))
            hint = f": did you mean {meant}?" if meant else ""
            said.append(BadFile(waiver.path, waiver.line, f"there is no audit {waiver.audit}{hint}"))
    return said


def columns_faults(
    waivers: Sequence[Waiver], columns_by_audit: Mapping[str, Sequence[str]], ids: Collection[str] = ()
) -> list[BadFile]:
    """The faults of waivers that match a column which no audit that they are for has.

    ids  the ids of all audits there are: one for a pattern of audits is a fault where the columns of all that it fits are known
    """
    faults = []
    for waiver in waivers:
        fits = _pattern(waiver.audit)
        fitting = {name: columns for name, columns in columns_by_audit.items() if fits(name)}
        is_exact = waiver.audit in fitting
        if not fitting or not (is_exact or ids) or any(fits(name) for name in ids if name not in fitting):
            continue
        columns = sorted({column for some in fitting.values() for column in some})
        which = f"{waiver.audit} has no column" if is_exact else f"no audit {waiver.audit} has a column"
        for column in waiver.match:
            if column not in columns:
                meant = nearest(column, columns)
                hint = f": did you mean {safe(meant)}?" if meant else ""
                faults.append(BadFile(waiver.path, waiver.line, f"match: {which} {safe(column)}{hint}"))
    return faults
