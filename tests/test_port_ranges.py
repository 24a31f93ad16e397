"""Port ranges: IANA's, the kernel's of every network namespace, old defaults; and how many ports of each are in use."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine

from .conftest import FakeRoot, as_nobody, own, reads

SETTINGS = "proc/sys/net/ipv4/"
# A namespace with ten ports to hand out, of which one is kept back.
NARROW = """
def setting(name, text):
    try:
        with open('/proc/sys/net/ipv4/' + name, 'w') as file: file.write(text)
    except OSError as error: cannot(f'{name}: {error}')

network = new_network()
setting('ip_local_port_range', '32768 32777')
setting('ip_local_reserved_ports', '32770')
"""


def test_the_ranges_of_a_system(fake: FakeRoot, engine: Engine) -> None:
    fake.write(f"{SETTINGS}ip_local_reserved_ports", "8080,60990-61010\n")
    rows = own(engine, "SELECT name, low, high, ports, reserved FROM port_ranges")
    assert rows == [
        ("well-known", 0, 1023, 1024, 0),
        ("registered", 1024, 49151, 48128, 1),
        ("dynamic", 49152, 65535, 16384, 21),
        ("ephemeral", 32768, 60999, 28232, 10),
        ("reserved", 8080, 8080, 1, 1),
        ("reserved", 60990, 61010, 21, 21),
        ("privileged", 1, 1023, 1023, 0),
        ("unprivileged", 1024, 65535, 64512, 22),
        ("old-bsd", 1024, 5000, 3977, 0),
        ("old-windows", 1025, 5000, 3976, 0),
        ("old-linux", 1024, 4999, 3976, 0),
        ("old-linux", 32768, 61000, 28233, 11),
        ("sun-rpc", 32768, 65535, 32768, 21),
    ]


def test_a_port_that_two_ranges_reserve_is_one(fake: FakeRoot, engine: Engine) -> None:
    fake.write(f"{SETTINGS}ip_local_reserved_ports", "9000-9010,9005-9020\n")
    assert own(engine, "SELECT reserved FROM port_ranges WHERE name = 'registered'") == [(21,)]


def test_a_port_is_in_use_once_however_many_sockets_have_it(fake: FakeRoot, engine: Engine) -> None:
    anywhere = "00000000:0000"
    fake.net(
        "tcp",
        f"0100007F:8000 {anywhere} 0A 501",
        "0100007F:8000 0100007F:C001 01 502",
        "0100007F:C001 0100007F:8000 06 0",
    )
    fake.net("tcp6", f"{'0' * 32}:8000 {'0' * 32}:0000 0A 503")
    fake.net("udp", f"00000000:0035 {anywhere} 07 504", f"00000000:8001 {anywhere} 07 505")
    sql = "SELECT name, tcp_in_use, udp_in_use FROM port_ranges WHERE source IN ('IANA', 'ip_local_port_range')"
    sql += " ORDER BY low"
    assert own(engine, sql) == [("well-known", 0, 1), ("registered", 1, 1), ("ephemeral", 2, 1), ("dynamic", 1, 0)]


def test_a_list_that_cannot_be_read_is_never_called_empty(fake: FakeRoot, engine: Engine) -> None:
    (fake.proc / "net" / "udp6").unlink()
    with engine.snapshot():
        assert set(own(engine, "SELECT tcp_in_use, udp_in_use FROM port_ranges")) == {(0, None)}
        assert own(engine, "SELECT source FROM scan_errors") == [("/proc/net/udp6",)]


def test_sockets_are_listed_when_their_number_is_asked_for_and_not_before(engine: Engine) -> None:
    sql = "SELECT name, low, ports, reserved FROM port_ranges"
    assert not [source for source in reads(engine, sql) if source.startswith(("tcp", "udp"))]
    assert {"tcp ipv4", "tcp ipv6"} <= (read := reads(engine, "SELECT tcp_in_use FROM port_ranges")).keys()
    assert not [source for source in read if source.startswith("udp")]


def test_settings_that_are_not_there_make_no_range_and_are_counted(fake: FakeRoot, engine: Engine) -> None:
    for name in ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start"):
        (fake.path / SETTINGS / name).unlink()
    with engine.snapshot():
        rows = own(engine, "SELECT name, reserved FROM port_ranges")
        assert {name for name, _ in rows}.isdisjoint({"ephemeral", "reserved", "privileged", "unprivileged"})
        assert {reserved for _, reserved in rows} == {None}
        assert own(engine, "SELECT source, count FROM scan_errors") == [("/proc/sys/net/ipv4", 1)]


def test_where_anybody_may_bind_all_ports_none_is_privileged(fake: FakeRoot, engine: Engine) -> None:
    fake.write(f"{SETTINGS}ip_unprivileged_port_start", "0\n")
    sql = "SELECT name, low, high FROM port_ranges WHERE name LIKE '%privileged'"
    assert own(engine, sql) == [("unprivileged", 0, 65535)]


@pytest.mark.linux
@pytest.mark.root
def test_every_namespace_has_ranges_of_its_own(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{NARROW}s = socket.create_server(('127.0.0.1', 32769)); c = socket.create_connection(s.getsockname())\n"
        "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('127.0.0.1', 32770)); tell(network)"
    )
    sql = "SELECT name, low, high, reserved, tcp_in_use, udp_in_use FROM port_ranges WHERE name = ? AND net_namespace = ?"
    assert own(live, sql, "ephemeral", holder.told) == [("ephemeral", 32768, 32777, 1, 2, 1)]
    assert own(live, sql, "reserved", holder.told) == [("reserved", 32770, 32770, 1, 0, 1)]
    with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
        here = tuple(map(int, file.read().split()))
    mine = os.stat("/proc/self/ns/net").st_ino
    sql = "SELECT low, high, net_namespace FROM port_ranges WHERE name = 'ephemeral'"
    [first, *others] = own(live, sql)
    assert first == (*here, mine)
    assert (32768, 32777, holder.told) in others


@pytest.mark.linux
@pytest.mark.root
def test_the_settings_of_one_namespace_are_read_once_and_no_others(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"{NARROW}tell(network)")
    child(f"{NARROW}tell(network)")
    sql = f"SELECT low FROM port_ranges WHERE net_namespace = {holder.told}"
    assert reads(live, f"{sql} UNION ALL {sql}")["port ranges"] == 1
    sql = "SELECT low FROM port_ranges WHERE net_namespace = (SELECT net_namespace FROM net_namespaces WHERE mine = 1)"
    assert reads(live, sql) == {"port ranges": 1}


@pytest.mark.linux
@pytest.mark.root
def test_a_namespace_that_may_not_be_entered_never_has_another_ones_ranges(child: Callable[..., Any]) -> None:
    holder = child(f"{NARROW}tell(network)")

    def look() -> list[Any]:
        with Engine() as engine, engine.snapshot():
            rows = own(engine, "SELECT net_namespace, name, reserved FROM port_ranges")
            return [rows, own(engine, "SELECT pid, reason FROM scan_errors WHERE source = 'port ranges'")]

    rows, refused = as_nobody(look, lambda: Engine().close())
    mine = os.stat("/proc/self/ns/net").st_ino
    # The number of a namespace may not be read either.
    others = [row for row in rows if row[0] != mine]
    assert others
    assert {row[0] for row in others} == {None}
    assert "ephemeral" not in {row[1] for row in others}
    assert {row[2] for row in others} == {None}
    assert [holder.pid, "permission"] in refused


@pytest.mark.linux
@pytest.mark.root
def test_whether_the_kernel_chose_a_port_goes_by_the_range_of_its_namespace(live: Engine, child: Callable[..., Any]) -> None:
    # What was accepted is like what the kernel chose, once its listener is gone: only its port shows that it was not.
    holder = child(
        f"{NARROW}s = socket.create_server(('127.0.0.1', 40000)); c = socket.create_connection(s.getsockname())\n"
        "a = s.accept()[0]; s.close(); tell([network, cookie(a), cookie(c)])"
    )
    network, accepted, client = holder.told
    sql = "SELECT autobound FROM sockets WHERE net_namespace = ? AND cookie = ?"
    assert own(live, sql, network, accepted) == [(None,)]
    assert own(live, sql, network, client) == [(1,)]
