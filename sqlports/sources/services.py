"""The parser of services(5): the names this machine gives to ports."""

from __future__ import annotations

from sqlports.sources.records import Service


def parse(text: str) -> list[Service]:
    """The services of a file, in its order; lines that are none are passed over, as getservent(3) does.

    One is none, too, whose protocol is no name, as '6' or nothing.
    """
    found = []
    for line in text.splitlines():
        entry, hash_sign, comment = line.partition("#")
        fields = entry.split()
        if len(fields) < 2:
            continue
        port, _, protocol = fields[1].partition("/")
        if not protocol[:1].isalpha() or not (port.isascii() and port.isdigit() and len(port) < 10) or int(port) > 65535:
            continue
        found.append(Service(fields[0], int(port), protocol.lower(), tuple(fields[2:]), comment.strip() or None))
    return found
