"""What the functions of SQL tell of addresses."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

import pytest

from sqlports import Engine
from sqlports.about.functions import functions
from sqlports.errors import QueryError
from sqlports.functions import addresses, declared


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def told(engine: Engine, call: str, *values: Any) -> Any:
    return engine.query(f"SELECT {call} AS it", values)[0]["it"]


@pytest.mark.parametrize(
    ("address", "networks", "is_in"),
    [
        ("10.1.2.3", "10.0.0.0/8", 1),
        ("11.0.0.0", "10.0.0.0/8", 0),
        ("9.255.255.255", "10.0.0.0/8", 0),
        ("10.0.0.0", "10.0.0.0/8", 1),
        ("10.255.255.255", "10.0.0.0/8", 1),
        ("192.0.2.7", "10.0.0.0/8, 192.0.2.7", 1),
        ("192.0.2.8", "10.0.0.0/8, 192.0.2.7", 0),
        ("10.9.9.9", "\t2001:db8::/32 ,,\n10.0.0.5/8  10.9.0.0/16,", 1),
        ("2001:db8::1", "10.0.0.0/8 2001:db8::/32", 1),
        ("2001:db9::1", "10.0.0.0/8 2001:db8::/32", 0),
        ("::ffff:10.1.2.3", "10.0.0.0/8", 1),
        ("10.1.2.3", "::ffff:10.0.0.0/104", 1),
        ("::ffff:10.1.2.3", "::ffff:10.1.2.3", 1),
        ("::10.1.2.3", "10.0.0.0/8", 0),
        ("10.1.2.3", "::/0", 0),
        ("::1", "0.0.0.0/0", 0),
        ("fe80::1%eth0", "fe80::/10", 1),
        ("fe80::1", "fe80::1%eth0", 1),
        ("10.1.2.3", "", 0),
        ("10.1.2.3", None, None),
        (None, "10.0.0.0/8", None),
        ("", "10.0.0.0/8", None),
        ("/run/x.sock", "10.0.0.0/8", None),
        ("10.1.2", "10.0.0.0/8", None),
        ("10.0.0.0/8", "10.0.0.0/8", None),
        (167772161, "10.0.0.0/8", None),
        (b"\x0a\x00\x00\x01", "10.0.0.0/8", None),
    ],
)
def test_an_address_is_in_a_network_or_not_or_is_none(engine: Engine, address: Any, networks: Any, is_in: int | None) -> None:
    assert told(engine, "ip_in(?, ?)", address, networks) == is_in


@pytest.mark.parametrize(
    "wrong", ["10.0.0.0/33", "10.0.0.0.0", "localhost", "::/129", "10.0.0.0/8/8", "10.0.0.0-10.0.0.9", "\x1b[2J"]
)
def test_what_is_no_network_is_named(engine: Engine, wrong: str) -> None:
    with pytest.raises(QueryError) as raised:
        told(engine, "ip_in('10.0.0.1', ?)", f"10.0.0.0/8 {wrong}")
    assert repr(wrong) in str(raised.value)
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("value", [7, 1.5, b"\x00"])
def test_networks_are_a_text(engine: Engine, value: Any) -> None:
    with pytest.raises(QueryError, match="is no network"):
        told(engine, "ip_in('10.0.0.1', ?)", value)


@pytest.mark.parametrize(
    ("ip", "loopback", "private", "world"),
    [
        ("127.0.0.1", 1, 0, 0),
        ("127.255.0.9", 1, 0, 0),
        ("::1", 1, 0, 0),
        ("::ffff:127.0.0.1", 1, 0, 0),
        ("10.0.0.1", 0, 1, 0),
        ("172.31.255.255", 0, 1, 0),
        ("172.32.0.0", 0, 0, 1),
        ("::ffff:192.168.1.1", 0, 1, 0),
        ("fd12::1", 0, 1, 0),
        ("8.8.8.8", 0, 0, 1),
        ("::ffff:8.8.8.8", 0, 0, 1),
        ("2606:4700::1", 0, 0, 1),
        ("100.64.0.1", 0, 0, 0),
        ("169.254.1.1", 0, 0, 0),
        ("fe80::1%eth0", 0, 0, 0),
        ("224.0.0.251", 0, 0, 0),
        ("ff02::fb", 0, 0, 0),
        ("0.0.0.0", 0, 0, 0),
        ("::", 0, 0, 0),
        ("203.0.113.5", 0, 0, 0),
        ("*", None, None, None),
        (None, None, None, None),
        (2130706433, None, None, None),
    ],
)
def test_what_an_address_is(engine: Engine, ip: Any, loopback: int | None, private: int | None, world: int | None) -> None:
    found = engine.query("SELECT is_loopback(:ip) AS a, is_private(:ip) AS b, is_global(:ip) AS c", {"ip": ip})
    assert found == [{"a": loopback, "b": private, "c": world}]


def test_networks_that_overlap_give_what_each_alone_gives() -> None:
    networks = [
        "10.0.0.0/9",
        "10.64.0.0/10",
        "10.128.0.0/16",
        "10.200.1.1",
        "192.168.0.0/24",
        "192.168.1.0/24",
        "2001:db8::/33",
    ]
    samples = [f"{high}.{low}.1.1" for high in (9, 10, 11, 192) for low in range(256)] + ["2001:db8::1", "2001:db8:8000::1"]
    for sample in samples:
        alone = max(addresses.ip_in(sample, network) or 0 for network in networks)
        assert addresses.ip_in(sample, " ".join(networks)) == alone, ip_address(sample)


def test_a_list_of_networks_is_read_once_for_all_rows(engine: Engine) -> None:
    addresses._spans.cache_clear()
    rows = engine.query(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
        "SELECT sum(ip_in('10.0.' || (i / 250) || '.' || (i % 250), '10.0.1.0/24')) AS many FROM n"
    )
    assert rows == [{"many": 250}]
    assert addresses._spans.cache_info().misses == 1


def test_the_functions_may_stand_in_a_view_of_ones_own(engine: Engine) -> None:
    engine.query("CREATE TEMP VIEW far AS SELECT is_global('8.8.8.8') AS it")
    assert engine.query("SELECT it FROM far") == [{"it": 1}]


def test_ipaddress_is_not_imported_before_an_address_is_asked_about() -> None:
    # A package that is installed for editing is found with the help of what is not to be found here.
    code = (
        "import sys\nsys.modules.pop('ipaddress', None)\nfrom sqlports.cli import run\nrun(['--json', 'SELECT 1'])\n"
        "before = 'ipaddress' in sys.modules\nrun(['--json', \"SELECT is_global('8.8.8.8')\"])\n"
        "print(before, 'ipaddress' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "False True\n"


def test_what_is_declared_once_is_what_help_shows() -> None:
    assert {one.name for one in declared()} >= {"ip_in", "is_loopback", "is_private", "is_global"}
    (ip_in,) = [one for one in functions() if one.name == "ip_in"]
    assert (ip_in.signature, ip_in.kind, ip_in.arity) == ("ip_in(address, networks)", "address", (2, 2))


def test_an_argument_with_a_default_may_be_left_out() -> None:
    from sqlports.functions import Declared, Value

    def clip(text: Value, most: Value = 3, mark: Value = "…") -> Value:
        """Its beginning."""
        return text

    made = Declared("text", clip)
    assert (made.name, made.arguments, list(made.counts), made.doc) == (
        "clip",
        "text [, most [, mark]]",
        [1, 2, 3],
        "Its beginning.",
    )
