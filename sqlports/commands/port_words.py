"""How the page of a port says things: endpoints, processes, lists of them, times."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import Any

# More of a kind than these are counted and not named.
FEW = 5


def endpoint(address: str | None, port: int | None = None) -> str:
    """An address, in brackets where it is IPv6's, and its port if there is one."""
    place = f"[{address}]" if address and ":" in address else address or "?"
    return place if port is None else f"{place}:{port}"


def named(row: dict[str, Any]) -> str:
    """The process of a row, and a space; '' where none is known."""
    return f"{row['name']} ({row['pid']}) " if row["pid"] is not None else ""


def times(count: int) -> str:
    """How often something is so, behind it."""
    return f" ({count} times)" if count > 1 else ""


def listed(items: Iterable[str]) -> str:
    """The first few different ones, and how many more there are."""
    counts = Counter(items)
    named = [f"{item}{times(count)}" for item, count in list(counts.items())[:FEW]]
    more = len(counts) - FEW
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")


def when(started: float) -> str:
    """A moment in seconds since 1970, in local time, and how long ago that is."""
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(started))} ({_ago(time.time() - started)} ago)"


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(int(seconds), 0)} s"
