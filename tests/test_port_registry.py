"""port_registry and port_names: every port, what the lists say of it, and look-ups that read no more than they must."""

from __future__ import annotations

import csv
import random
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.ports import assigned
from sqlports.schema import Table

from .conftest import FakeRoot

OFFICIAL = Path(__file__).parent / "registry" / "service-names-port-numbers.csv"


def official() -> dict[tuple[int, str], list[str]]:
    """The names of each port and protocol in IANA's form of the registry, in its order."""
    found: dict[tuple[int, str], list[str]] = defaultdict(list)
    with OFFICIAL.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            low, _, high = row["Port Number"].partition("-")
            if low:
                for port in range(int(low), int(high or low) + 1):
                    for protocol in [row["Transport Protocol"]] if row["Transport Protocol"] else ["tcp", "udp"]:
                        found[port, protocol] += [row["Service Name"]] if row["Service Name"] else []
    return found


def cells(engine: Engine, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in engine.query(sql, parameters)]


def test_a_thousand_ports_have_the_official_names(engine: Engine) -> None:
    names = official()
    for port, protocol in random.Random(20260917).sample(sorted(names), 1000):
        [(service, aliases)] = cells(
            engine, "SELECT service, aliases FROM port_registry WHERE port = ? AND protocol = ?", port, protocol
        )
        known = [service] * (service is not None) + (aliases.split() if aliases else [])
        # An entry that IANA marks as in conflict with another comes after that.
        assert sorted(known) == sorted(names[port, protocol]), (port, protocol)


def test_of_several_names_the_first_is_the_primary_one(engine: Engine) -> None:
    assert cells(engine, "SELECT service, aliases FROM port_registry WHERE port = 80 AND protocol = 'tcp'") == [
        ("http", "www www-http")
    ]
    assert cells(
        engine, "SELECT service, is_primary FROM port_names WHERE port = 80 AND protocol = 'tcp' AND source = 'iana'"
    ) == [("http", 1), ("www", 0), ("www-http", 0)]


@pytest.mark.parametrize(
    ("port", "protocol", "service", "status"),
    [
        (22, "tcp", "ssh", "assigned"),
        (443, "udp", "https", "assigned"),
        (2049, "tcp", "nfs", "assigned"),
        (18, "tcp", "msp", "historic"),
        (51, "tcp", None, "reserved"),
        (4, "udp", None, "unassigned"),
        (6010, "tcp", "x11", "assigned"),
        (9899, "sctp", "sctp-tunneling", None),
        (65535, "udp", None, "unassigned"),
    ],
)
def test_what_the_registry_says(engine: Engine, port: int, protocol: str, service: str | None, status: str | None) -> None:
    found = cells(engine, "SELECT service, status FROM port_registry WHERE port = ? AND protocol = ?", port, protocol)
    assert found == ([(service, status)] if status else [])


def test_every_port_has_a_row_for_tcp_and_udp(engine: Engine) -> None:
    assert cells(
        engine,
        "SELECT protocol, count(*), min(port), max(port) FROM port_registry WHERE protocol IN ('tcp', 'udp') GROUP BY 1",
    ) == [("tcp", 65536, 0, 65535), ("udp", 65536, 0, 65535)]


def test_other_protocols_have_rows_for_what_a_list_has(fake: FakeRoot, engine: Engine) -> None:
    fake.write("etc/services", "mine 9/xyz other\n")
    assert cells(engine, "SELECT protocol, service, local_service, local_aliases FROM port_registry WHERE port = 9") == [
        ("tcp", "discard", None, None),
        ("udp", "discard", None, None),
        ("dccp", "discard", None, None),
        ("sctp", "discard", None, None),
        ("xyz", None, "mine", "other"),
    ]
    found = cells(engine, "SELECT local_service FROM port_registry WHERE port = 9 AND protocol = 'xyz'")
    assert found == [("mine",)]


def test_no_socket_is_lost_or_doubled_by_a_join(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 1", "0100007F:FFFF 00000000:0000 0A 2", "0100007F:0001 0100007F:0050 01 3")
    fake.net("udp", "00000000:0035 00000000:0000 07 4")
    sql = "SELECT port, service FROM sockets JOIN port_registry USING (port, protocol) ORDER BY port"
    assert cells(engine, sql) == [(1, "tcpmux"), (53, "domain"), (80, "http"), (65535, None)]


def test_what_commonly_runs_there_stands_beside_what_is_registered(engine: Engine) -> None:
    [(service, common, programs)] = cells(
        engine, "SELECT service, common_use, programs FROM port_registry WHERE port = 9092 AND protocol = 'tcp'"
    )
    assert (service, common, programs) == ("XmlIpcRegSvc", "Kafka", '["java", "redpanda"]')
    sources = cells(engine, "SELECT DISTINCT source FROM port_names WHERE port = 22 ORDER BY 1")
    assert [source for (source,) in sources] == ["common_use", "iana", "services"]


def test_an_alias_of_this_machine_is_a_name(fake: FakeRoot, engine: Engine) -> None:
    fake.write("etc/services", "web 81/tcp www2 www3 # ours\nweb 81/tcp www2\nother 81/tcp\n")
    sql = "SELECT service, is_primary, description FROM port_names WHERE port = 81 AND source = 'services'"
    assert cells(engine, sql) == [("web", 1, "ours"), ("www2", 0, "ours"), ("www3", 0, "ours"), ("other", 0, None)]


@pytest.mark.parametrize("name", ["http", "www", "HTTP", "assigned", "80", "", "\t", "no\nname", "ü"])
def test_a_service_is_found_exactly_where_a_scan_finds_it(engine: Engine, name: str) -> None:
    for table, column in (("port_registry", "service"), ("port_names", "service")):
        found = cells(engine, f"SELECT port, protocol FROM {table} WHERE {column} = ?", name)
        assert found == cells(engine, f"SELECT port, protocol FROM {table} WHERE +{column} = ?", name)


VALUES: list[tuple[Any, Any]] = [
    (80, "tcp"),
    (80.0, "tcp"),
    ("80", "tcp"),
    (" 80.0 ", "tcp"),
    ("80\0x", "tcp"),
    ("x", "tcp"),
    (80.5, "tcp"),
    (None, "tcp"),
    (80, None),
    (80, "TCP"),
    (80, b"tcp"),
    (b"80", "tcp"),
    (80, 7),
    (-1, "tcp"),
    (65536, "udp"),
    (2**62, "udp"),
    (float("inf"), "udp"),
    (9, "sctp"),
    (10, "sctp"),
    (80, ""),
]


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("port", "protocol"), VALUES)
def test_a_key_is_found_as_sqlite_compares_it(engine: Engine, port: Any, protocol: Any, swapped: bool) -> None:
    both = ["r.port = v.port", "r.protocol = v.protocol"][:: -1 if swapped else 1]
    sql = "SELECT r.port, r.protocol, r.service FROM (SELECT ? AS port, ? AS protocol) v JOIN port_registry r ON "
    found = cells(engine, sql + " AND ".join(both), port, protocol)
    plain = cells(engine, sql + " AND ".join(condition.replace("r.", "+r.") for condition in both), port, protocol)
    # An expression has no affinity: what is text there stays text.
    if isinstance(port, str):
        stripped = re.match(r"\s*([0-9.]+)", port)
        assert found == ([(80, "tcp", "http")] if stripped else [])
    else:
        assert found == plain


def test_more_conditions_than_the_key_are_checked_too(engine: Engine) -> None:
    for extra, rows in (
        ("service = 'http'", 1),
        ("service = 'x'", 0),
        ("port > 80", 0),
        ("port IN (79, 80)", 1),
        ("port = 81", 0),
    ):
        sql = f"SELECT port FROM port_registry WHERE port = 80 AND protocol = 'tcp' AND {extra}"
        assert len(cells(engine, sql)) == rows, extra


def test_a_join_looks_up_each_key_and_never_scans(fake: FakeRoot, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.net("tcp", *(f"0100007F:{port:04X} 00000000:0000 0A {port}" for port in range(1, 200)))
    scans = []
    original = Table.__call__

    def counted(self: Table, *arguments: Any, **searched: Any) -> Iterator[Any]:
        scans.append((self.name, searched))
        return iter(original(self, *arguments, **searched))

    monkeypatch.setattr(Table, "__call__", counted)
    assert len(cells(engine, "SELECT service FROM sockets JOIN port_registry USING (port, protocol)")) == 199
    assert [name for name, _ in scans] == ["sockets"]


def test_the_halves_of_an_or_find_each_row_once(engine: Engine) -> None:
    sql = (
        "SELECT port, protocol FROM port_registry WHERE (port = 80 AND protocol = 'tcp') OR service = 'http' "
        "OR (port = 80 AND protocol IN ('tcp', 'udp')) OR (port = 81 AND protocol = 'tcp') ORDER BY 1, 2"
    )
    assert cells(engine, sql) == [(80, "sctp"), (80, "tcp"), (80, "udp"), (81, "tcp")]


def test_a_few_ports_are_had_without_reading_the_whole_registry(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    assigned.shipped.cache_clear()
    monkeypatch.setattr(assigned.Assigned, "_by_port", property(lambda self: pytest.fail("all lines are read")))
    assert len(cells(engine, "SELECT * FROM port_registry WHERE port IN (80, 443) AND protocol = 'tcp'")) == 2
    assert len(cells(engine, "SELECT * FROM port_registry WHERE service = 'domain' AND protocol = 'tcp'")) == 1


def test_the_registry_is_not_read_by_who_does_not_ask_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assigned, "load", lambda told: pytest.fail("it is read"))
    engine = Engine()
    assert cells(engine, "SELECT range, ephemeral IS NULL FROM port_registry WHERE port = 80 AND protocol = 'tcp'")


def test_the_list_is_small() -> None:
    assert Path(assigned.LIST).stat().st_size < 500_000
