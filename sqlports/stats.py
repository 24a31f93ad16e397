"""`--stats`: what a run came to, as one line of JSON on standard error.

rows     how many rows the statements gave
seconds  how long they took
read     how often each source was read: {"pids": 1, "stat": 212}
refused  what could not be read: [{"source": "/proc/PID/fd", "reason": "permission", "count": 212}], the most often first
status   the exit status that the run alone would give: 0, 1, 4 for a time limit, 130 for an interrupt
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Protocol

from sqlports import progress
from sqlports.errors import Interrupted, QueryTimeout

if TYPE_CHECKING:
    from sqlports.sources.refusals import Refusal

# Walks of all processes' descriptors.
_SOURCES = {"walk": "handles", "second walk": "handles again"}


class Run(Protocol):
    """What can be told of: a `Session`, and what is asked again and again."""

    rows: int
    reads: Counter[str]
    refusals: list[Refusal]


@contextmanager
def told(session: Run) -> Iterator[None]:
    """Say what a run comes to, however it ends."""
    began = time.monotonic()
    status = 0
    try:
        yield
    except BrokenPipeError:
        # Whoever read the rows had enough.
        raise
    except BaseException as error:
        status = 130 if isinstance(error, (Interrupted, KeyboardInterrupt)) else 4 if isinstance(error, QueryTimeout) else 1
        raise
    finally:
        _write(session, time.monotonic() - began, status)


def sources(reads: Mapping[str, int]) -> dict[str, int]:
    """How often each source was read, by the names that people know: a list of sockets by protocol and family."""
    return {_SOURCES.get(name, " ".join(dict.fromkeys(name.split()))): count for name, count in reads.items()}


def _write(session: Run, seconds: float, status: int) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for refusal in session.refusals:
        counts[refusal.source, refusal.reason] += refusal.times
    refused = [{"source": source, "reason": reason, "count": count} for (source, reason), count in counts.most_common()]
    line = {
        "rows": session.rows,
        "seconds": round(seconds, 6),
        "read": sources(session.reads),
        "refused": refused,
        "status": status,
    }
    progress.clear()
    # ASCII, with control characters written out: safe on any terminal.
    with suppress(OSError, ValueError, AttributeError):
        print(json.dumps(line) + "\n", end="", file=sys.stderr, flush=True)
