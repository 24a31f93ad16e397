"""The three ranges into which IANA divides the port numbers (RFC 6335, section 6)."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable

IANA_RANGES = {
    "well-known": (0, 1023, "Assigned by IANA; on most systems only a privileged process may bind one."),
    "registered": (1024, 49151, "Assigned by IANA on request."),
    "dynamic": (49152, 65535, "Never assigned: for private and temporary use."),
}


_STARTS = tuple(low for low, _, _ in IANA_RANGES.values())
_NAMES = tuple(IANA_RANGES)


def range_name(port: int) -> str:
    """The name of the range that a port is in."""
    return _NAMES[bisect_right(_STARTS, port) - 1]


def flags(ranges: Iterable[tuple[int, int]]) -> bytes:
    """For each port 1 or 0: whether it is in one of the ranges, both of whose ends belong to it."""
    found = bytearray(65536)
    for low, high in ranges:
        found[low : high + 1] = b"\1" * max(high + 1 - low, 0)
    return bytes(found)
