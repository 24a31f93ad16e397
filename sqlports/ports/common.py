"""What really runs on a port, by this project's own list: `common_use.tsv`, whose first lines say how it is written."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator, Mapping
from typing import NamedTuple

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")


class Use(NamedTuple):
    """What commonly runs on one port of one protocol.

    use       short words for people; the commonest first, several joined by '; '
    programs  GLOB patterns for the base name of the executable that rightly holds it; () where anything may
    """

    port: int
    protocol: str
    use: str
    programs: tuple[str, ...]


@functools.cache
def uses() -> Mapping[tuple[int, str], Use]:
    """The uses by (port, protocol), ascending; the file is read when they are first asked for.

    Raises ValueError with the line of the file that is no such line, or not in its place.
    """
    with open(os.path.join(os.path.dirname(__file__), "common_use.tsv"), encoding="utf-8") as lines:
        return read(lines.read())


def read(text: str) -> dict[tuple[int, str], Use]:
    """The lines of such a file. Raises ValueError as `uses` does."""
    found: dict[tuple[int, str], Use] = {}
    last = -1
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            continue
        try:
            for use in _line(line):
                if use.port < last or (use.port, use.protocol) in found:
                    raise ValueError("out of order")
                found[use.port, use.protocol] = use
                last = use.port
        except ValueError as error:
            raise ValueError(f"common_use.tsv, line {number}: {error}: {line!r}") from None
    return found


def _line(line: str) -> Iterator[Use]:
    port, protocols, use, *programs = line.split("\t")
    if not 0 <= int(port) <= 65535:
        raise ValueError("no port")
    if not use.strip() or len(programs) > 1:
        raise ValueError("three fields or four, and a use")
    for protocol in protocols.split(","):
        if protocol not in PROTOCOLS:
            raise ValueError(f"no protocol {protocol!r}")
        yield Use(int(port), protocol, use, tuple(programs[0].split() if programs else ()))
