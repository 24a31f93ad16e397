"""coverage: how much of the system can be seen from here, so that a blind look is never called clean."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, Values, table
from sqlports.sources.coverage import ASPECTS, Coverage
from sqlports.sources.coverage import coverage as looks
from sqlports.sources.snapshot import Snapshot


@table(
    Column(
        "aspect",
        str,
        "aspect",
        "What is looked at.",
        choices=ASPECTS,
    ),
    Column("seen", int, "seen", "How many of its things can be seen; NULL for what is not counted."),
    Column("unseen", int, "unseen", "How many are there and cannot; NULL for what is not counted."),
    Column("complete", int, "complete", "1 when nothing is missing, 0 when something is, NULL where that is not known."),
    Column("detail", str, "detail", "In words what is missing, or by what that is known."),
    key=("aspect",),
    rows=7,
    examples=(
        "SELECT * FROM coverage",
        "SELECT aspect, unseen, detail FROM coverage WHERE complete = 0",
    ),
)
def coverage(system: Snapshot, aspect: Values[str] = None) -> Iterable[Coverage]:
    """What can be seen of the system, one row for each aspect."""
    return looks(system, aspect)
