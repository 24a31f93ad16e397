"""Numbers as people say them: 1.2 GiB, 35 ms, 3 h ago. What a column counts is said once, in its doc."""

from __future__ import annotations

import re
from functools import cache

from sqlports import registry

# What a column counts, and the words that say so in its doc, the more particular first.
_WORDS = {
    "bytes/s": re.compile(r"\bbytes per second\b"),
    "bytes": re.compile(r"\bin bytes\b|^Bytes\b"),
    "milliseconds": re.compile(r"\bin milliseconds\b|^Milliseconds\b"),
    "moment": re.compile(r"\bin (whole )?seconds since 1970\b"),
    "seconds": re.compile(r"\bin seconds\b|^Seconds\b"),
    "percent": re.compile(r"\bin percent\b"),
}
UNITS = tuple(_WORDS)

_DAY = 86_400
# Each step of time in seconds, and its sign.
_STEPS = ((365 * _DAY, "y"), (_DAY, "d"), (3600, "h"), (60, "min"), (1, "s"))
_SIZES = ("KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


@cache
def unit_of(table: str, column: str) -> str | None:
    """What a table's column counts, one of UNITS; None for none, and of what is no table of ours."""
    if table not in registry.table_names():
        return None
    declared = registry.table(table)
    if column not in declared.position:
        return None
    found = declared.columns[declared.position[column]]
    if found.kind is str:
        return None
    return next((unit for unit, words in _WORDS.items() if words.search(found.doc)), None)


def said(value: float, unit: str, now: float) -> str:
    """A number of a unit as people say it; `now` in seconds since 1970."""
    match unit:
        case "bytes":
            return _size(value)
        case "bytes/s":
            return _size(value) + "/s"
        case "milliseconds":
            return _duration(value / 1000)
        case "seconds":
            return _duration(value)
        case "moment":
            ahead = value - now
            # A clock that was set, and a start that is told in whole seconds, are not the future.
            return f"in {_duration(ahead, whole=True)}" if ahead >= 1 else f"{_duration(max(-ahead, 0), whole=True)} ago"
        case "percent":
            return f"{value:.1f} %"
    raise KeyError(unit)


def _size(count: float) -> str:
    """Bytes, by powers of 1024; up to 2 KiB they are counted, as the sizes of packets are."""
    size = abs(count)
    if size < 2048:
        return f"{count:g} B"
    power = 0
    # What would be rounded to 1024 is one of the next.
    while size >= 1023.95 and power < len(_SIZES):
        size /= 1024
        power += 1
    return f"{'-' if count < 0 else ''}{size:.1f} {_SIZES[power - 1]}"


def _duration(seconds: float, whole: bool = False) -> str:
    """A time in its largest step and the next: 2 d 4 h, 5 min 3 s, 1.2 s, 35 ms.

    `whole` is for how long ago something was: none below a second, and of ten days, hours or minutes no further ones.
    """
    if seconds < 0:
        return "-" + _duration(-seconds, whole)
    if not seconds < 1e18:
        return f"{seconds:g} s"
    if seconds < 59.95 and not whole:
        return _short(seconds)
    left = int(seconds) if whole else round(seconds)
    said = []
    for size, sign in _STEPS:
        count, left = divmod(left, size)
        if count:
            said.append(f"{count:,} {sign}")
        elif said:
            break
        if len(said) == 2 or (whole and count >= 10):
            break
    return " ".join(said) or "0 s"


def _short(seconds: float) -> str:
    """A time of less than a minute."""
    for size, sign in ((1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if seconds >= size * 0.9995:
            count = seconds / size
            return f"{count:.0f} {sign}" if count >= 99.95 or abs(count - round(count)) < 0.05 else f"{count:.1f} {sign}"
    return "0 s" if not seconds else f"{seconds * 1e9:.0f} ns"
