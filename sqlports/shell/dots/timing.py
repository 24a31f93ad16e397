"""What a statement came to: its rows and its time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlports.session import counted
from sqlports.shell.dots import command
from sqlports.shell.dots.writing import show_or_set
from sqlports.stats import sources

if TYPE_CHECKING:
    from sqlports.session import Tally
    from sqlports.shell.shell import Shell

# So many sources are named, the busiest first.
_NAMED = 4


@command("[on|off]", "switches")
def timer(shell: Shell, word: str) -> None:
    """Say how long each statement took.

    And how often it read what. Without an argument: whether that is said. A source that was read, as stat, is the file
    of /proc/PID of that name, and "tcp ipv4" a list of sockets.
    """
    show_or_set(shell, "timer", word)


def summary(tally: Tally, timed: bool) -> str:
    """What a statement came to, in a line."""
    parts = [counted(tally.rows) if tally.rows else "no rows"]
    if tally.hidden:
        parts[0] += f" ({tally.rows - tally.hidden:,} shown)"
    if timed:
        parts += [seconds(tally.seconds), read(tally.reads)]
    return ", ".join(filter(None, parts))


def seconds(count: float) -> str:
    """A duration with as many digits as people want to see."""
    if count < 1:
        return f"{count * 1000:.0f} ms" if count >= 0.001 else "under 1 ms"
    return f"{count:.2f} s" if count < 10 else f"{count:,.0f} s"


def read(reads: Mapping[str, int]) -> str:
    """What was read, the most often read source first."""
    if not reads:
        return ""
    ordered = sorted(sources(reads).items(), key=lambda item: (-item[1], item[0]))
    named = [f"{source} {count:,} times" if count > 1 else source for source, count in ordered[:_NAMED]]
    more = [f"{len(ordered) - _NAMED} more"] * (len(ordered) > _NAMED)
    return "read " + ", ".join(named + more)
