"""free_ports: what it leaves out, and what it tries."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from typing import Any

import pytest

from sqlports import Engine
from sqlports.sources import free_ports

from .conftest import FakeRoot, own, reads

SOME = "port BETWEEN 8000 AND 8999"


def ports(engine: Engine, where: str, *parameters: Any) -> list[int]:
    return [row["port"] for row in engine.query(f"SELECT port FROM free_ports WHERE {where} ORDER BY port", parameters)]


def refusals(engine: Engine) -> list[tuple[Any, ...]]:
    return own(engine, "SELECT source, count FROM scan_errors WHERE source LIKE 'free_ports%'")


def test_a_port_that_a_socket_of_any_state_has_is_not_free(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F40 00000000:0000 0A 501", "0100007F:1F41 0100007F:C001 06 0")
    fake.net("tcp6", f"{'0' * 32}:1F42 {'0' * 32}:0000 0A 502")
    fake.net("udp", "0100007F:1F43 0100007F:0035 01 503")
    assert not {8000, 8001, 8002} & set(ports(engine, f"protocol = 'tcp' AND {SOME}"))
    assert 8003 in ports(engine, f"protocol = 'tcp' AND {SOME}")
    assert 8003 not in ports(engine, f"protocol = 'udp' AND {SOME}")
    assert 8000 in ports(engine, f"protocol = 'udp' AND {SOME}")


def test_ports_of_the_kernel_and_of_root_are_not_free(engine: Engine) -> None:
    found = set(ports(engine, "protocol = 'tcp'"))
    assert min(found) == 1024
    assert max(found) == 65535
    assert not found & set(range(32768, 61000))
    assert not found & {8080, *range(9000, 9011)}
    assert {1024, 8079, 8081, 8999, 9011, 32767, 61000} <= found


def test_only_tcp_and_udp_have_free_ports(engine: Engine) -> None:
    assert own(engine, "SELECT DISTINCT protocol FROM free_ports ORDER BY 1") == [("tcp",), ("udp",)]
    assert ports(engine, "protocol = 'sctp'") == []


@pytest.mark.parametrize("port", [0, 1, 1023, -1, 65536, 1 << 62, "x", None, 8000.5])
def test_what_is_no_port_for_anybody_is_not_free(port: Any, engine: Engine) -> None:
    assert ports(engine, "port = ?", port) == []


def test_a_port_is_found_by_number_and_by_range(engine: Engine) -> None:
    assert ports(engine, "port IN (8001, 80, 8000) AND protocol = 'tcp'") == [8000, 8001]
    assert ports(engine, "port > 65533 AND protocol = 'udp'") == [65534, 65535]


@pytest.mark.parametrize("name", ["ip_local_port_range", "ip_unprivileged_port_start"])
def test_without_the_kernels_settings_no_port_is_said_to_be_free(name: str, fake: FakeRoot, engine: Engine) -> None:
    (fake.proc / "sys/net/ipv4" / name).unlink()
    with engine.snapshot():
        assert ports(engine, "1") == []
        assert refusals(engine) == [("free_ports ports", 1)]


def test_a_protocol_whose_sockets_are_not_listed_has_no_free_ports(fake: FakeRoot, engine: Engine) -> None:
    for name in ("tcp", "tcp6"):
        (fake.proc / "net" / name).unlink()
    with engine.snapshot():
        assert own(engine, f"SELECT DISTINCT protocol FROM free_ports WHERE {SOME}") == [("udp",)]
        assert refusals(engine) == [("free_ports tcp", 1)]


def test_one_list_of_the_sockets_serves_all(engine: Engine) -> None:
    read = reads(engine, "SELECT * FROM free_ports WHERE protocol = 'tcp'")
    assert {name: times for name, times in read.items() if "ip" in name} == {"tcp ipv4": 1, "tcp ipv6": 1}


def test_another_systems_ports_are_not_tried(engine: Engine) -> None:
    with engine.snapshot():
        assert own(engine, "SELECT bindable FROM free_ports WHERE port = 8000") == [(None,), (None,)]
        assert refusals(engine) == [("free_ports bind", 2)]


class Tried:
    """Stands before the trial and notes which ports are tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ports: list[tuple[int, str]] = []
        real = free_ports.try_to_bind

        def noted(port: int, protocol: str) -> int | None:
            self.ports.append((port, protocol))
            return real(port, protocol)

        monkeypatch.setattr(free_ports, "try_to_bind", noted)


def test_nothing_is_tried_unless_it_is_asked(live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Tried(monkeypatch)
    live.query("SELECT * FROM free_ports WHERE port < 3000")
    assert tried.ports == []


@pytest.mark.linux
def test_no_more_is_tried_than_is_wanted(live: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = Tried(monkeypatch)
    sql = (
        "SELECT port, service, common_use FROM free_ports "
        "WHERE protocol = 'tcp' AND service IS NULL AND common_use IS NULL AND bindable = 1 LIMIT 3"
    )
    with live.snapshot():
        found = live.query(sql)
        assert [row["service"] for row in found] == [None] * 3
        assert [row["common_use"] for row in found] == [None] * 3
        assert {(row["port"], "tcp") for row in found} <= set(tried.ports)
        # Some may be in use by what cannot be listed, but not many.
        assert len(tried.ports) <= 20
        # Asked again in the same look, it says the same, and tries none again.
        assert live.query(sql) == found
        assert len(set(tried.ports)) == len(tried.ports) <= 20


@pytest.mark.linux
def test_what_is_found_can_be_bound(live: Engine) -> None:
    for kind, protocol in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
        rows = live.query(f"SELECT port FROM free_ports WHERE protocol = '{protocol}' AND bindable = 1 LIMIT 5")
        bound = 0
        for row in rows:
            # Somebody else may have one of them since.
            with socket.socket(socket.AF_INET, kind) as one, suppress(OSError):
                one.bind(("0.0.0.0", row["port"]))
                bound += 1
        assert bound


@pytest.mark.linux
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_port_that_somebody_has_at_one_address_is_not_bindable(address: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as one:
        try:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((address, 0))
        except OSError:
            pytest.skip("there is no such address")
        protocol = "tcp" if kind == socket.SOCK_STREAM else "udp"
        assert free_ports.try_to_bind(one.getsockname()[1], protocol) == 0


@pytest.mark.linux
def test_a_trial_leaves_nothing_behind(live: Engine) -> None:
    [row] = live.query("SELECT port FROM free_ports WHERE protocol = 'tcp' AND bindable = 1 LIMIT 1")
    assert own(live, "SELECT 1 FROM sockets WHERE local_port = ? AND pid = ?", row["port"], os.getpid()) == []
