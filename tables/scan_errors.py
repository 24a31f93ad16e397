"""scan_errors: what this look at the system could not read, so that a gap is never silent."""

from __future__ import annotations

from collections.abc import Iterable

from sqlports.schema import Column, table
from sqlports.sources.refusals import Refusal
from sqlports.sources.snapshot import Snapshot


@table(
    Column("source", str, "source", "What was asked: a file ('/proc/PID/fd') or an interface ('sock_diag tcp')."),
    Column("pid", int, "pid", "The process it was about; NULL for none."),
    Column("errno", int, "errno", "The system's error number; NULL where there is none."),
    Column("reason", str, "reason", "'permission'; 'ended': the process ended while it was read; or the system's words."),
    Column("count", int, "times", "How many times."),
    key=("source", "pid", "errno", "reason"),
    rows=20,
    examples=("SELECT source, reason, sum(count) FROM scan_errors GROUP BY 1, 2",),
)
def scan_errors(system: Snapshot) -> Iterable[Refusal]:
    """What could not be read: by the statement before it, or when it is joined to other tables, by these so far."""
    return system.refusals()
