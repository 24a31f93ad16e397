"""What a run of audits came to: findings, the verdict of each audit, and the report of all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlports.audit import SEVERITIES
from sqlports.audit.audit import Audit, BadFile

# What can become of an audit; the first that fits. Of a degraded one nothing was found, but not all was seen.
VERDICTS = ("failed", "timed out", "skipped", "found", "degraded", "clean")


class Waiver(NamedTuple):
    """Somebody's word that a finding, or a look that did not see all, is in order; from a file.

    audit    the id of the audit, or a pattern of ids (*, ?, [...])
    match    a pattern for each of these columns; {} for every finding of the audit
    expires  the last day on which it holds
    owner    who gave it; '' for nobody named
    unseen   a pattern of sentences on what was not seen: it is for these, and for no finding; '' otherwise
    """

    audit: str
    match: Mapping[str, str]
    reason: str
    expires: date
    owner: str
    path: str
    line: int
    unseen: str = ""


class Known(NamedTuple):
    """A finding as a baseline has it: its audit's id, its fingerprint, the columns of its key, and what it said."""

    audit: str
    fingerprint: str
    key: Mapping[str, Any]
    severity: str
    message: str


class Finding(NamedTuple):
    """A row of an audit.

    row          its columns in their order; {} where the finding is that there is no row
    key          the columns that tell it from other findings of the audit
    fingerprint  32 hexadecimal digits, the same each time the same is found, on whatever machine
    message      one line, safe to show
    resource     what it is about, in a few words: 'tcp/0.0.0.0:5432 postgres'; safe to show
    reason       why it is one, of a row that says so; '' otherwise
    state        'new' or 'unchanged' against a baseline; '' where there is none
    waiver       what says that it is in order; None for nothing
    """

    audit: Audit
    row: Mapping[str, Any]
    key: Mapping[str, Any]
    fingerprint: str
    severity: str
    message: str
    resource: str
    reason: str = ""
    state: str = ""
    waiver: Waiver | None = None

    @property
    def suppressed(self) -> bool:
        """Whether it is waived, or was there already: shown, and not counted."""
        return self.waiver is not None or self.state == "unchanged"


class Outcome(NamedTuple):
    """What became of an audit.

    verdict   one of VERDICTS
    findings  its findings, those that are suppressed too
    gone      what a baseline has and was not found any more
    unseen    why it did not see all, a sentence each; () when it did, or was not run
    why       why it failed, timed out or was skipped; '' otherwise
    rows      how many rows its query gave
    seconds   how long it took
    accepted  why it did not see all where a waiver says that this is in order: the sentence, and the waiver
    """

    audit: Audit
    verdict: str
    findings: tuple[Finding, ...] = ()
    gone: tuple[Known, ...] = ()
    unseen: tuple[str, ...] = ()
    why: str = ""
    rows: int = 0
    seconds: float = 0.0
    accepted: tuple[tuple[str, Waiver], ...] = ()

    @property
    def active(self) -> list[Finding]:
        """The findings that are not suppressed."""
        return [finding for finding in self.findings if not finding.suppressed]

    @property
    def saw_all(self) -> bool:
        """Whether it ran to its end and saw all: what it did not find is not there."""
        return self.verdict in ("found", "clean") and not (self.unseen or self.accepted)

    @property
    def is_degraded(self) -> bool:
        """Whether it ran and did not see all that it is to see."""
        return bool(self.unseen) and self.verdict in ("found", "degraded")


class Report(NamedTuple):
    """All that a run came to.

    faults    what is wrong with files: audits, waivers, a baseline
    expired   waivers whose day is over, with how many findings, or sentences on what was not seen, they would still match;
              None where no audit that they are for was run
    unused    waivers of audits that were run to which nothing belongs, and those for no audit
    unknown   of those for no audit, which one was probably meant
    baseline  the file whose findings are known; None for none
    fail_on   the severity from which on a finding counts
    strict    whether an audit that did not see all counts as one that failed
    host      the name of this machine
    system    what it runs: 'Linux 6.18.1'
    user      who asked: 'root', or a number
    started   seconds since 1970
    seconds   how long all took
    """

    outcomes: tuple[Outcome, ...]
    faults: tuple[BadFile, ...] = ()
    expired: tuple[tuple[Waiver, int | None], ...] = ()
    unused: tuple[Waiver, ...] = ()
    unknown: tuple[BadFile, ...] = ()
    baseline: str | None = None
    fail_on: str = "medium"
    strict: bool = False
    host: str = ""
    system: str = ""
    user: str = ""
    started: float = 0.0
    seconds: float = 0.0

    def of(self, *verdicts: str) -> list[Outcome]:
        """The outcomes with one of these verdicts."""
        return [outcome for outcome in self.outcomes if outcome.verdict in verdicts]

    @property
    def findings(self) -> list[Finding]:
        """All findings, the gravest first, those that are suppressed at the end."""
        every = [finding for outcome in self.outcomes for finding in outcome.findings]
        return sorted(every, key=lambda finding: (finding.suppressed, -rank(finding.severity)))

    @property
    def failing(self) -> list[Finding]:
        """The findings for which the run fails."""
        least = rank(self.fail_on)
        return [finding for finding in self.findings if not finding.suppressed and rank(finding.severity) >= least]

    @property
    def degraded(self) -> list[Outcome]:
        """The audits that did not see all, whether they found something or not."""
        return [outcome for outcome in self.outcomes if outcome.is_degraded]

    @property
    def status(self) -> int:
        """The exit status: 0 clean, 1 findings, 2 a bad file, 3 an audit that failed, 4 one that timed out."""
        if self.faults:
            return 2
        if self.of("failed") or (self.strict and self.degraded):
            return 3
        if self.of("timed out"):
            return 4
        return 1 if self.failing else 0


def rank(severity: str) -> int:
    """The place of a severity, from 0 for info."""
    return SEVERITIES.index(severity)


def gravest(findings: Iterable[Finding]) -> str | None:
    """The gravest severity among findings; None for none."""
    return max((finding.severity for finding in findings), key=rank, default=None)
