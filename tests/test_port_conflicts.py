"""port_conflicts: what it lists, what may be asked of it, and what it makes of questions that cannot be."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.errors import QueryError

from .conftest import HERE, ROOT, Child, FakeRoot, as_nobody, own, reads

SETTINGS = ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")


def told(engine: Engine, where: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return own(engine, f"SELECT obstacle, verdict FROM port_conflicts WHERE {where}", *parameters)


def test_a_question_names_its_port(engine: Engine) -> None:
    with pytest.raises(QueryError, match=r"port_conflicts needs WHERE port = …"):
        engine.query("SELECT * FROM port_conflicts")
    with pytest.raises(QueryError):
        engine.query("SELECT * FROM port_conflicts WHERE protocol = 'tcp'")


def test_a_port_that_a_listener_has_is_blocked_by_it(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 501 1000")
    rows = engine.query(
        "SELECT protocol, verdict, state, local_address, uid, inode FROM port_conflicts "
        "WHERE port = 8080 AND obstacle = 'socket' AND as_uid = 1000"
    )
    assert rows == [
        {
            "protocol": "tcp",
            "verdict": "blocks unless both set SO_REUSEPORT",
            "state": "LISTEN",
            "local_address": "127.0.0.1",
            "uid": 1000,
            "inode": 501,
        }
    ]
    assert told(engine, "port = 8080 AND obstacle = 'socket' AND as_uid = 1001") == [("socket", "blocks")]


def test_a_port_that_nobody_has_is_blocked_by_nothing(engine: Engine) -> None:
    assert told(engine, "port = 7000") == []


def test_a_kept_port_and_one_of_the_kernels_range_are_told_and_do_not_block(engine: Engine) -> None:
    assert told(engine, "port = 9005 AND protocol = 'tcp'") == [("reserved", "does not block")]
    assert told(engine, "port = 40000 AND protocol = 'udp'") == [("ephemeral", "does not block")]


def test_a_low_port_blocks_whoever_is_not_root(engine: Engine) -> None:
    assert told(engine, "port = 80 AND protocol = 'tcp' AND as_uid = 1000") == [("privilege", "blocks")]
    assert told(engine, "port = 80 AND protocol = 'tcp' AND as_uid = 0") == [("privilege", "does not block")]


def test_what_the_kernel_does_not_say_is_null_and_has_a_reason(fake: FakeRoot) -> None:
    for name in SETTINGS:
        (fake.proc / "sys/net/ipv4" / name).unlink()
    with Engine(root=str(fake.path)) as engine:
        rows = engine.query("SELECT obstacle, verdict, why FROM port_conflicts WHERE port = 80 AND protocol = 'tcp'")
        assert [(row["obstacle"], row["verdict"]) for row in rows] == [("privilege", None), ("ephemeral", None)]
        assert all("not known" in row["why"] for row in rows)


def test_where_the_sockets_are_not_listed_it_is_not_said_that_nobody_has_the_port(fake: FakeRoot, engine: Engine) -> None:
    (fake.proc / "net/tcp6").unlink()
    assert told(engine, "port = 7000") == []
    (fake.proc / "net/tcp").unlink()
    assert told(engine, "port = 7000") == [("socket", None)]


def test_an_address_that_cannot_be_looked_for_is_null(engine: Engine) -> None:
    assert told(engine, "port = 7000 AND protocol = 'tcp' AND address = '192.0.2.1'") == [("address", None)]
    assert told(engine, "port = 7000 AND protocol = 'tcp' AND address = '0.0.0.0'") == []


@pytest.mark.parametrize("text", ["x", "", "1.2.3.4.5", "\x1b[31m", "::%", "fe80::1%", "a" * 5000, "\u202e::1", "'; DROP"])
def test_a_text_that_is_no_address_blocks_and_says_so(text: str, engine: Engine) -> None:
    [row] = engine.query("SELECT * FROM port_conflicts WHERE port = 7000 AND protocol = 'tcp' AND address = ?", (text,))
    assert (row["obstacle"], row["verdict"]) == ("address", "blocks")
    assert "is no IP address" in row["why"]
    assert row["why"].isascii()
    assert row["why"].isprintable()


@pytest.mark.parametrize("port", ["x", "", None, 80.5, b"80"])
def test_what_is_no_number_of_a_port_has_no_rows(port: Any, engine: Engine) -> None:
    assert told(engine, "port = ?", port) == []


@pytest.mark.parametrize("port", [-1, 65536, 70000, 1 << 62])
def test_a_number_beyond_the_ports_blocks_and_never_looks_free(port: int, engine: Engine) -> None:
    assert told(engine, "port = ?", port) == [("port", "blocks")] * 2


def test_for_port_0_the_kernel_chooses_so_nothing_is_in_the_way(engine: Engine) -> None:
    assert told(engine, "port = 0") == [("port", "does not block")] * 2


@pytest.mark.parametrize("protocol", ["icmp", "x", "TCP", "", "\x1b[31m"])
def test_a_protocol_without_ports_blocks_and_says_so(protocol: str, engine: Engine) -> None:
    [row] = engine.query("SELECT verdict, obstacle, why FROM port_conflicts WHERE port = 80 AND protocol = ?", (protocol,))
    assert (row["verdict"], row["obstacle"]) == ("blocks", "protocol")
    assert row["why"].isprintable()


@pytest.mark.parametrize("column", ["as_uid", "reuse_address", "reuse_port", "v6only", "net_namespace"])
@pytest.mark.parametrize("value", ["nobody", "on", "", b"1", 0.5])
def test_a_question_that_cannot_be_meant_is_refused_and_never_looks_free(column: str, value: Any, engine: Engine) -> None:
    for condition in (f"{column} = ?", f"{column} IN (?)", f"{column} IN (?, ?1)"):
        with pytest.raises(QueryError, match=f"port_conflicts.{column} is a number, and .* is none"):
            engine.query(f"SELECT * FROM port_conflicts WHERE port = 80 AND {condition}", (value,))


def test_a_row_has_what_was_asked(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 501 1000")
    asked = {"address": "0.0.0.0", "v6only": 1, "reuse_address": 1, "reuse_port": 0, "as_uid": 7, "interface": "eth0"}
    where = " AND ".join(f"{name} = ?" for name in asked)
    sql = f"SELECT {', '.join(asked)} FROM port_conflicts WHERE port = 8080 AND obstacle = 'socket' AND {where}"
    assert engine.query(sql, tuple(asked.values())) == [asked]
    [row] = engine.query(f"SELECT {', '.join(asked)} FROM port_conflicts WHERE port = 8080 AND obstacle = 'socket'")
    uid = os.geteuid() if hasattr(os, "geteuid") else None
    assert row == {
        "address": "::",
        "v6only": 0,
        "reuse_address": None,
        "reuse_port": None,
        "as_uid": uid,
        "interface": None,
    }


def test_several_values_of_an_input_are_several_questions(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 501 1000")
    sql = (
        "SELECT address, reuse_port, verdict FROM port_conflicts WHERE port IN (8080, 8081) AND obstacle = 'socket' "
        "AND as_uid = 1000 AND reuse_port IN (0, 1) AND address IN ('127.0.0.2', '127.0.0.1') ORDER BY 1, 2"
    )
    assert own(engine, sql) == [
        ("127.0.0.1", 0, "blocks"),
        ("127.0.0.1", 1, "blocks unless both set SO_REUSEPORT"),
        ("127.0.0.2", 0, "does not block"),
        ("127.0.0.2", 1, "does not block"),
    ]


def test_an_input_can_come_from_another_table(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 501 1000", "0200007F:1F91 00000000:0000 0A 502 1000")
    sql = (
        "SELECT s.port, c.address, c.verdict FROM sockets s JOIN port_conflicts c ON c.port = s.port AND c.address = s.address "
        "AND c.as_uid = s.uid AND c.protocol = s.protocol AND c.obstacle = 'socket' WHERE s.state = 'LISTEN' ORDER BY 1"
    )
    assert own(engine, sql) == [
        (8080, "127.0.0.1", "blocks unless both set SO_REUSEPORT"),
        (8081, "127.0.0.2", "blocks unless both set SO_REUSEPORT"),
    ]


def test_many_ports_take_one_list_more_and_not_one_each(fake: FakeRoot, engine: Engine) -> None:
    one = reads(engine, "SELECT * FROM port_conflicts WHERE port = 8080 AND protocol = 'tcp'")
    assert one["tcp ipv4"] == 1
    many = reads(
        engine,
        "SELECT c.verdict FROM port_registry r CROSS JOIN port_conflicts c ON c.port = r.port AND c.protocol = r.protocol "
        "WHERE r.port BETWEEN 8000 AND 8200 AND r.protocol = 'tcp'",
    )
    assert many["tcp ipv4"] == 2


def test_no_owner_is_looked_for_where_none_is_wanted(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 501 1000")
    assert "walk" not in reads(engine, "SELECT verdict, why, state FROM port_conflicts WHERE port = 8080")
    assert "walk" in reads(engine, "SELECT pid FROM port_conflicts WHERE port = 8080")


def test_the_owner_is_named(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "web", fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:1F90 00000000:0000 0A 501 1000")
    sql = "SELECT pid, name, owner_reason FROM port_conflicts WHERE port = 8080 AND protocol = 'tcp' ORDER BY obstacle"
    assert own(engine, sql) == [(None, None, None), (42, "web", "owned")]


def test_what_blocks_comes_before_the_rest(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", "0200007F:1F90 00000000:0000 0A 501 1000", "0100007F:1F90 00000000:0000 0A 502 1000")
    rows = told(engine, "port = 8080 AND protocol = 'tcp' AND address = '127.0.0.1' AND reuse_port = 0")
    assert [verdict for _, verdict in rows] == [None, "blocks", "does not block", "does not block"]


def test_of_a_namespace_that_is_not_seen_nothing_is_known(engine: Engine) -> None:
    assert told(engine, "port = 80 AND net_namespace = 7") == [("namespace", None)] * 2


@pytest.mark.linux
def test_another_protocol_never_is_in_the_way(live: Engine) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as one:
        one.bind(("127.0.0.1", 0))
        sql = "SELECT protocol FROM port_conflicts WHERE port = ? AND obstacle = 'socket' AND inode = ?"
        assert own(live, sql, one.getsockname()[1], os.fstat(one.fileno()).st_ino) == [("tcp",)]


@pytest.mark.linux
def test_an_interface_that_is_not_there_blocks(live: Engine) -> None:
    sql = "port = 65000 AND protocol = 'tcp' AND obstacle IN ('interface', 'address') AND "
    assert told(live, sql + "interface = 'none such'") == [("interface", "blocks")]
    assert told(live, sql + "interface = 'lo'") == []
    assert told(live, sql + "address = 'fe80::1%none'") == [("interface", "blocks")]
    assert told(live, sql + "address = 'fe80::1'") == [("address", "blocks")]
    assert told(live, sql + "interface = ?", "é" * 5000) == [("interface", "blocks")]


@pytest.mark.root
def test_another_network_namespace_is_asked_when_it_is_named_and_never_in_the_way(
    child: Callable[..., Child], live: Engine
) -> None:
    port, namespace = child(
        "namespace = new_network()\ns = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()\n"
        "tell([s.getsockname()[1], namespace])"
    ).told
    sql = "SELECT verdict, net_namespace FROM port_conflicts WHERE port = ? AND protocol = 'tcp' AND obstacle = 'socket' AND "
    assert own(live, sql + f"state = 'LISTEN' AND net_namespace = {namespace}", port) == [
        ("blocks unless both set SO_REUSEPORT", namespace)
    ]
    assert own(live, sql + f"net_namespace = {namespace} AND 1", port + 1 if port < 65535 else 1) == []
    mine = own(live, f"SELECT net_namespace FROM port_conflicts WHERE port = ? AND protocol = 'tcp' AND {HERE}", 80)
    assert {row[0] for row in mine} <= {os.stat("/proc/self/ns/net").st_ino}
    addresses = sql.replace("'socket'", "'address'") + f"net_namespace = {namespace} AND address = ?"
    assert own(live, addresses, 2000, "192.0.2.9") == [("blocks", namespace)]


@pytest.mark.root
def test_an_ordinary_user_is_told_of_his_own_privilege() -> None:
    def ask() -> Any:
        with Engine() as engine:
            return told(engine, "port = 1 AND protocol = 'tcp' AND obstacle = 'privilege'")

    def first() -> None:

        ask()

    start = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    assert as_nobody(ask, first) == ([["privilege", "blocks"]] if start > 1 else [])


@pytest.mark.linux
def test_who_runs_it_is_who_is_asked_for(live: Engine) -> None:
    assert own(live, "SELECT DISTINCT as_uid FROM port_conflicts WHERE port = 1") in ([(os.geteuid(),)], [])
    assert (os.geteuid() == 0) == ROOT
