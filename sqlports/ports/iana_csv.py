"""IANA's own file of the registry, service-names-port-numbers.csv, and the list that is made of it (assigned.py).

The file has twelve columns and quotes as RFC 4180 says; notes may have several lines. A row has a service, a port or a range
of them, and a transport protocol; without a protocol it is for TCP and UDP; without a port it is a name for SRV records, and
nothing here. Of several rows for a port and protocol the first has the primary name.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sqlports.cells import safe
from sqlports.errors import Error
from sqlports.ports.assigned import FIRST, PROTOCOLS, Entry

COLUMNS = (
    *("Service Name", "Port Number", "Transport Protocol", "Description", "Assignee", "Contact", "Registration Date"),
    *("Modification Date", "Reference", "Service Code", "Unauthorized Use Reported", "Assignment Notes"),
)
# What the last but one was called before.
FORMERLY = "Known Unauthorized Uses"

# The registry has some 12,000 names of ports, and these among them, from its first lines to its last.
LEAST = 10_000
# No port has more names than this, and the rows, a range as many as it has ports, are no more than that.
MOST_NAMES = 32
MOST = 1_000_000
CERTAIN = ((22, "ssh"), (53, "domain"), (80, "http"), (443, "https"), (47808, "bacnet"), (49150, "inspider"))
# Of the ports that have a name in the list of this package no more than this share may be without one.
GONE = 0.02

_PORTS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?")
# What IANA adds to the description of a name that it has put right.
_REPLACEMENT = re.compile(r'\s*IANA assigned this well-formed service name as a replacement for ".*?"\.\s*', re.DOTALL)
_GIVEN_BACK = re.compile(r"\(?unassigned|de-?registered|removed|deprecated|de-?comm?iss?ioned", re.IGNORECASE)
_KEPT = re.compile(r"(iana )?reserved", re.IGNORECASE)
_OUT_OF_USE = "This entry is now historic"
# IANA's mark on 2049, which is assigned to nfs, beside a name that others gave it before.
_CONFLICT = "<== NOTE Conflict"


class Unusable(Error):
    """A file that is not the registry: the number of the line, from 1, and what is wrong there."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")


class Row(NamedTuple):
    """A row of the file. `ports` and `protocol` as they stand there; texts are '' where there is none."""

    service: str
    ports: str
    protocol: str
    description: str
    notes: str = ""
    date: str = ""
    line: int = 0

    @property
    def numbers(self) -> range:
        """The ports. Raises ValueError for what are none."""
        found = _PORTS.fullmatch(self.ports)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if not low <= high <= 65535:
            raise ValueError(f"{safe(self.ports)[:40]} is no port and no range of ports")
        return range(low, high + 1)

    @property
    def protocols(self) -> tuple[str, ...]:
        """The protocols. Raises ValueError for one that has no ports."""
        if self.protocol and self.protocol not in PROTOCOLS:
            raise ValueError(f"{safe(self.protocol)[:40]} is not among the protocols {', '.join(PROTOCOLS)}")
        return (self.protocol,) if self.protocol else PROTOCOLS[:2]

    @property
    def status(self) -> str:
        """As `Entry.status`. What is used and has no name, as 24 for "any private mail system", is assigned."""
        if _KEPT.match(self.description):
            return "reserved"
        if _GIVEN_BACK.match(self.description):
            return "unassigned"
        return "historic" if "(historic)" in self.description or _OUT_OF_USE in self.notes else "assigned"

    @property
    def is_nothing(self) -> bool:
        """Whether it says no more than that nobody has the ports."""
        return not (self.service or self.protocol) and self.description.lower() == "unassigned"


class Name(NamedTuple):
    """What the list says of a port, for some protocols."""

    status: str
    service: str
    description: str


# By port, protocol and service ('' for none), the primary first.
Names = dict[int, dict[str, dict[str, Name]]]


def rows(data: bytes) -> Iterator[Row]:
    """The rows that have a port, from the file's bytes. Raises Unusable."""
    count = 0
    for number, fields in _records(data):
        row = Row(
            fields[0], fields[1].strip(), fields[2].strip().lower(), fields[3], fields[11], max(map(_date, fields[6:8])), number
        )
        if not row.ports:
            continue
        try:
            count += len(row.numbers) * len(row.protocols)
        except ValueError as error:
            raise Unusable(number, str(error)) from None
        if count > MOST:
            raise Unusable(number, "so many ports are not in the registry")
        yield row


def _records(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """The records after the first, each with the number of the line where it begins."""
    if b"\0" in data:
        raise Unusable(data.count(b"\n", 0, data.index(b"\0")) + 1, "this is not text: a byte is zero")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unusable(data.count(b"\n", 0, error.start) + 1, "this is not UTF-8") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    number = 1
    try:
        for fields in reader:
            if number == 1:
                if [*fields[:10], *fields[11:]] != [*COLUMNS[:10], COLUMNS[11]] or fields[10] not in (COLUMNS[10], FORMERLY):
                    raise Unusable(1, f"this is not IANA's list of ports: it has not the columns {','.join(COLUMNS[:4])},…")
            elif fields:
                if len(fields) != len(COLUMNS):
                    raise Unusable(number, f"{len(fields)} columns instead of {len(COLUMNS)}")
                yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        ended = "unexpected end" in str(error)
        raise Unusable(number, "the file ends within this record" if ended else str(error)) from None
    if number == 1:
        raise Unusable(1, "there is nothing in it")
    if not text.endswith("\n"):
        raise Unusable(number - 1, "the file ends within this line")


def _date(text: str) -> str:
    return text if _DATE.fullmatch(text) else ""


def names(found: Iterable[Row]) -> Names:
    """What rows say, the primary name first; what says less than another row is left out."""
    ports: Names = {}
    for row in sorted(found, key=lambda row: row.notes.startswith(_CONFLICT)):
        if row.is_nothing:
            continue
        description = safe(" ".join(_REPLACEMENT.sub(" ", row.description).split()))
        name = Name(row.status, safe(" ".join(row.service.split())), description)
        for port in row.numbers:
            for protocol in row.protocols:
                known = ports.setdefault(port, {}).setdefault(protocol, {})
                if name.service:
                    known.pop("", None)
                if name.service or not known:
                    known.setdefault(name.service, name)
    return ports


def whole(ports: Names, lines: int) -> None:
    """Raises Unusable where this is not the whole registry, or another. `lines` is how many the file has."""
    of_keys = [(port, protocol, known) for port, protocols in ports.items() for protocol, known in protocols.items()]
    count = sum(len(known) - ("" in known) for _, _, known in of_keys)
    if count < LEAST:
        raise Unusable(lines, f"the file ends, and this is not the whole registry: {count} names")
    for port, service in CERTAIN:
        if service not in ports.get(port, {}).get("tcp", {}):
            raise Unusable(lines, f"the file ends, and this is not the whole registry: {service} is not on {port}/tcp")
    for port, protocol, known in of_keys:
        if len(known) > MOST_NAMES:
            raise Unusable(lines, f"the file ends, and this is not the registry: {port}/{protocol} has {len(known)} names")


def whole_beside(found: Sequence[Row], ports: Names, before: Iterable[Entry]) -> None:
    """Raises Unusable where so many ports of another list have no name here that lines must be missing."""
    known = {(entry.port, entry.protocol) for entry in before if entry.service}
    gone = sorted((port, protocol) for port, protocol in known if not any(ports.get(port, {}).get(protocol, ())))
    if len(gone) > len(known) * GONE:
        line = next((row.line for row in found if row.numbers[0] > gone[0][0]), found[-1].line)
        why = (
            f"lines are missing before this one: {len(gone)} ports that had a name have none, from {gone[0][0]}/{gone[0][1]} on"
        )
        raise Unusable(line, why)


def as_of(found: Iterable[Row]) -> list[str]:
    """The remark that tells how old the rows are: the last day on which one was changed."""
    date = max((row.date for row in found), default="")
    return [f"As of {date}."] if date else []


def listed(ports: Names, remarks: Sequence[str]) -> str:
    """The list as text: a line for each name, of all protocols where that leaves the order of names as it is."""
    lines = [f"# {remark}".rstrip() + "\n" for remark in remarks]
    for port, protocols in sorted(ports.items()):
        for name, sharing in _merged(protocols):
            lines.append(f"{port:05}\t{','.join(sharing)}\t{name.status}\t{name.service}\t{name.description}\n")
    body = "".join(lines)
    return FIRST.format(count=len(lines), crc=zlib.crc32(body.encode())) + body


def _merged(protocols: dict[str, dict[str, Name]]) -> list[tuple[Name, list[str]]]:
    merged: list[tuple[Name, list[str]]] = []
    for protocol in PROTOCOLS:
        place = 0
        for name in protocols.get(protocol, {}).values():
            same = next((at for at in range(place, len(merged)) if merged[at][0] == name), None)
            if same is None:
                merged.insert(place, (name, [protocol]))
                same = place
            else:
                merged[same][1].append(protocol)
            place = same + 1
    return merged


def written(found: Iterable[Row]) -> str:
    """Rows as IANA's file has them, with what it says beside left out."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in found:
        writer.writerow((row.service, row.ports, row.protocol, row.description, "", "", "", row.date, "", "", "", row.notes))
    return text.getvalue()
