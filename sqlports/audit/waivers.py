"""Waivers: somebody's word, in a TOML file, that findings are in order, why, and until when.

    [[waiver]]
    audit = "exposed-database"
    match = { process = "postgres", port = 5432, address = "10.*" }
    reason = "behind the firewall of rack 3"
    expires = 2027-01-31
    owner = "dba@example.org"

What is doubtful waives nothing: a waiver with a fault is left out, and of a text that is no TOML all are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
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

_KEYS = ("audit", "match", "reason", "expires", "owner")
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
    for key in ("audit", "reason", "owner"):
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
    if texts["audit"] and not texts["audit"].strip("*?") and all(not pattern.strip("*") for pattern in match.values()):
        wrong("audit", "it waives all findings of all audits: name an audit, or what is to match")
    if faults or expires is None:
        return faults
    return Waiver(texts["audit"], match, texts["reason"], expires, texts["owner"], path, table.line)


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

    def matches(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of an audit that it is for has all that is to match."""
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


def told(
    outcomes: Sequence[Outcome], waivers: Sequence[Waiver], today: date, ids: Collection[str] = ()
) -> tuple[tuple[tuple[Waiver, int], ...], tuple[Waiver, ...]]:
    """The waivers that are expired, with how many findings each would match, and those that are of no use.

    ids  the ids of all audits there are, run or not; () where they are not known

    Of no use is one that matches nothing where each audit it is for was run and saw all, or that is for no audit of `ids`.
    """
    expired, unused = [], []
    for waiver in waivers:
        matcher = _Matcher(waiver)
        fitting = [outcome for outcome in outcomes if matcher.fits(outcome.audit.id)]
        count = sum(matcher.matches(finding.row) for outcome in fitting for finding in outcome.findings)
        if waiver.expires < today:
            expired.append((waiver, count))
        elif count == 0:
            run = {outcome.audit.id for outcome in fitting}
            others = [name for name in ids if name not in run and matcher.fits(name)]
            is_for_none = bool(ids) and not fitting and not others
            if is_for_none or (fitting and not others and all(outcome.saw_all for outcome in fitting)):
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


def columns_faults(waivers: Sequence[Waiver], columns_by_audit: Mapping[str, Sequence[str]]) -> list[BadFile]:
    """The faults of waivers that match a column which their audit has not. Those for a pattern of audits have none."""
    faults = []
    for waiver in waivers:
        columns = columns_by_audit.get(waiver.audit)
        for column in waiver.match if columns is not None else ():
            if columns is not None and column not in columns:
                meant = nearest(column, list(columns))
                hint = f": did you mean {safe(meant)}?" if meant else ""
                faults.append(BadFile(waiver.path, waiver.line, f"match: {waiver.audit} has no column {safe(column)}{hint}"))
    return faults
