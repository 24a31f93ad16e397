"""Who talks to whom, and who waits to be talked to: connections and listeners."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sqlports import Engine

from .conftest import FakeRoot, own, reads


def hexadecimal(address: str, port: int) -> str:
    """An end of a connection as /proc/net/tcp has it, on a little-endian machine."""
    return "".join(f"{int(part):02X}" for part in reversed(address.split("."))) + f":{port:04X}"


def row(local: tuple[str, int], remote: tuple[str, int], state: str, inode: int) -> str:
    return f"{hexadecimal(*local)} {hexadecimal(*remote)} {state} {inode}"


HERE, THERE, NOWHERE = "10.0.0.1", "10.0.0.9", ("0.0.0.0", 0)


def test_a_connection_comes_in_by_a_listener_or_goes_out(fake: FakeRoot, engine: Engine) -> None:
    fake.net(
        "tcp",
        row(("0.0.0.0", 80), NOWHERE, "0A", 501),
        row((HERE, 80), (THERE, 5000), "01", 502),
        row((HERE, 40000), (THERE, 443), "01", 503),
    )
    assert own(engine, "SELECT local_port, direction, accepted, peer_pid FROM connections ORDER BY 1") == [
        (80, "inbound", 1, None),
        (40000, "outbound", 0, None),
    ]


def test_a_listener_on_another_address_let_nobody_in(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", row(("127.0.0.1", 40000), NOWHERE, "0A", 501), row((HERE, 40000), (THERE, 443), "01", 503))
    assert own(engine, "SELECT direction FROM connections") == [("outbound",)]


def test_both_ends_here_are_two_rows_that_name_each_other(fake: FakeRoot, engine: Engine) -> None:
    fake.process(41, "server", fds={3: "socket:[501]", 4: "socket:[502]"})
    fake.process(42, "client", fds={3: "socket:[503]"})
    client, server = (HERE, 40000), (HERE, 80)
    fake.net("tcp", row(server, NOWHERE, "0A", 501), row(server, client, "01", 502), row(client, server, "01", 503))
    sql = "SELECT pid, name, direction, accepted, peer_pid, peer_name, peer_inode FROM connections ORDER BY pid"
    assert own(engine, sql) == [
        (41, "server", "local", 1, 42, "client", 503),
        (42, "client", "local", 0, 41, "server", 502),
    ]


def test_the_peer_is_found_with_a_search_for_one_end_too(fake: FakeRoot, engine: Engine) -> None:
    fake.process(41, "server", fds={4: "socket:[502]"})
    fake.process(42, "client", fds={3: "socket:[503]"})
    fake.net("tcp", row((HERE, 80), (HERE, 40000), "01", 502), row((HERE, 40000), (HERE, 80), "01", 503))
    for search in ("local_port = 40000", "remote_port = 80", "pid = 42", "peer_pid = 41", "name = 'client'"):
        assert own(engine, f"SELECT pid, peer_pid, peer_name FROM connections WHERE {search}") == [(42, 41, "server")]


def test_a_closed_connection_has_no_process_and_still_a_direction(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", row((HERE, 40000), (THERE, 443), "06", 0))
    sql = "SELECT state, direction, pid, owner_reason FROM connections"
    assert own(engine, sql) == [("TIME_WAIT", "outbound", None, "time_wait")]


def test_connections_without_owners_walk_no_handles(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", row((HERE, 40000), (THERE, 443), "01", 503))
    assert "walk" not in reads(engine, "SELECT remote_address, direction FROM connections")


ENDS = "protocol, family, local_port, remote_port, direction, accepted, pid, peer_pid, peer_name"


@pytest.mark.linux
def test_the_two_ends_of_a_loopback_connection(live: Engine, child: Callable[..., Any]) -> None:
    server = child(
        "l = socket.create_server(('127.0.0.1', 0)); tell(l.getsockname()[1]); s = l.accept()[0]; tell(1); sys.stdin.read()"
    )
    client = child(f"c = socket.create_connection(('127.0.0.1', {server.told})); tell(c.getsockname()[1])")
    server.process.stdout.readline()
    name = own(live, "SELECT name FROM processes WHERE pid = ?", server.pid)[0][0]
    sql = f"SELECT {ENDS} FROM connections WHERE state = 'ESTABLISHED' AND pid IN (?, ?) ORDER BY pid = ?"
    assert own(live, sql, server.pid, client.pid, server.pid) == [
        ("tcp", "ipv4", client.told, server.told, "local", 0, client.pid, server.pid, name),
        ("tcp", "ipv4", server.told, client.told, "local", 1, server.pid, client.pid, name),
    ]


@pytest.mark.linux
def test_a_client_that_nobody_accepts_learns_whom_it_waits_for(live: Engine, child: Callable[..., Any]) -> None:
    server = child("l = socket.create_server(('127.0.0.1', 0)); tell(l.getsockname()[1])")
    client = child(f"c = socket.create_connection(('127.0.0.1', {server.told})); tell(1)")
    sql = "SELECT peer_pid, peer_inode, direction FROM connections WHERE pid = ? AND remote_port = ?"
    assert own(live, sql, client.pid, server.told) == [(server.pid, None, "local")]


@pytest.mark.linux
def test_a_unix_datagram_server_waits_on_whoever_connected_to_it(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind('\\0waits' + str(os.getpid()))\n"
        "tell(inode(s)); sys.stdin.readline()\n"
        "c = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); c.connect(s.getsockname()); tell(1); sys.stdin.readline()\n"
        "c.close(); tell(1)"
    )
    for more in (True, True, False):
        for state in ("", "AND state = 'UNCONNECTED'"):
            assert own(live, f"SELECT state, peer_inode FROM sockets WHERE inode = ? {state}", holder.told) == [
                ("UNCONNECTED", None)
            ]
        assert len(own(live, "SELECT * FROM listeners WHERE inode = ?", holder.told)) == 1
        if more:
            holder.go_on()


@pytest.mark.linux
def test_ipv4_that_comes_to_an_ipv6_socket_is_one_connection(live: Engine, child: Callable[..., Any]) -> None:
    try:
        holder = child(
            "l = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True)\n"
            "c = socket.create_connection(('127.0.0.1', l.getsockname()[1])); s = l.accept()[0]\n"
            "tell([l.getsockname()[1], c.getsockname()[1]])"
        )
    except AssertionError:
        pytest.skip("no IPv6 here")
    server, client = holder.told
    sql = "SELECT family, local_port, remote_port, accepted, peer_pid FROM connections WHERE pid = ? ORDER BY family"
    assert own(live, sql, holder.pid) == [
        ("ipv4", client, server, 0, holder.pid),
        ("ipv6", server, client, 1, holder.pid),
    ]
    sql = "SELECT scope, dual_stack, v6 FROM (SELECT *, family = 'ipv6' AS v6 FROM listeners) WHERE port = ? AND pid = ?"
    assert own(live, sql, server, holder.pid) == [("all", 1, 1)]


@pytest.mark.linux
def test_udp_that_is_connected_on_one_side_or_on_both(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "made = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(4)]\n"
        "for one in made: one.bind(('127.0.0.1', 0))\n"
        "made[0].connect(made[1].getsockname())\n"
        "made[2].connect(made[3].getsockname()); made[3].connect(made[2].getsockname())\n"
        "tell([os.fstat(one.fileno()).st_ino for one in made])"
    )
    one_sided, server, left, right = holder.told
    sql = "SELECT inode, peer_inode, direction FROM connections WHERE protocol = 'udp' AND pid = ?"
    assert {inode: (peer, way) for inode, peer, way in own(live, sql, holder.pid)} == {
        one_sided: (server, "local"),
        left: (right, "local"),
        right: (left, "local"),
    }


def test_of_several_that_may_be_the_peer_none_is_it(fake: FakeRoot, engine: Engine) -> None:
    left, right = ("127.0.0.1", 7000), ("127.0.0.1", 7001)
    fake.net("udp", row(left, right, "01", 501), row(left, right, "01", 502), row(right, left, "01", 503))
    assert own(engine, "SELECT inode, peer_inode FROM connections ORDER BY 1") == [(501, 503), (502, 503), (503, None)]


@pytest.mark.linux
def test_a_socket_that_is_connected_to_itself_is_its_own_peer(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("s = socket.socket(); s.bind(('127.0.0.1', 0)); s.connect(s.getsockname()); tell(inode(s))")
    sql = "SELECT inode, peer_inode, direction FROM connections WHERE pid = ?"
    assert own(live, sql, holder.pid) == [(holder.told, holder.told, "local")]


@pytest.mark.linux
def test_unix_sockets_and_the_name_by_which_they_met(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"name = '\\0sqlports-{os.getpid()}'; l = socket.socket(socket.AF_UNIX); l.bind(name); l.listen()\n"
        "c = socket.socket(socket.AF_UNIX); c.connect(name); s = l.accept()[0]; p = socket.socketpair()\n"
        "tell([os.fstat(one.fileno()).st_ino for one in (c, s, *p)])"
    )
    client, server, left, right = holder.told
    sql = "SELECT inode, peer_inode, peer_pid, path, accepted FROM connections WHERE protocol = 'unix' AND pid = ?"
    name = f"@sqlports-{os.getpid()}"
    assert set(own(live, sql, holder.pid)) == {
        (client, server, holder.pid, name, None),
        (server, client, holder.pid, name, None),
        (left, right, holder.pid, None, None),
        (right, left, holder.pid, None, None),
    }


SAME = (
    "new_network(); l = socket.socket(); l.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); l.bind(('127.0.0.1', 8080))\n"
    "l.listen(); c = socket.socket(); c.bind(('127.0.0.1', 8081)); c.connect(('127.0.0.1', 8080)); s = l.accept()[0]\n"
    "tell(net_namespace())"
)


@pytest.mark.root
@pytest.mark.linux
def test_alike_loopback_connections_of_two_namespaces_are_not_mixed_up(live: Engine, child: Callable[..., Any]) -> None:
    first, second = child(SAME), child(SAME)
    sql = (
        "SELECT net_namespace, peer_namespace, peer_pid FROM connections"
        " WHERE protocol = 'tcp' AND local_port IN (8080, 8081) AND net_namespace = ?"
    )
    for one in (first, second):
        assert own(live, sql, one.told) == [(one.told, one.told, one.pid)] * 2


@pytest.fixture
def cable(child: Callable[..., Any]) -> Iterator[tuple[Any, Any]]:
    """Two children in two namespaces with a cable between them: 10.9.8.1 and 10.9.8.2."""
    code = "new_network(); tell(os.getpid())\nexec(sys.stdin.readline())"
    one, other = child(code), child(code)
    name = f"sp{os.getpid() % 100000}"
    made = subprocess.run(
        f"ip link add {name} type veth peer name {name}b && ip link set {name} netns {one.told} &&"
        f" ip link set {name}b netns {other.told} &&"
        f" nsenter -t {one.told} -n sh -c 'ip addr add 10.9.8.1/24 dev {name} && ip link set {name} up' &&"
        f" nsenter -t {other.told} -n sh -c 'ip addr add 10.9.8.2/24 dev {name}b && ip link set {name}b up'",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no veth here: {made.stderr}")
    yield one, other
    subprocess.run(["ip", "link", "delete", name], capture_output=True, check=False)


def do(child: Any, code: str) -> Any:
    """Have a child of `cable` run a line, and hear what it tells."""
    child.process.stdin.write(code + "\n")
    child.process.stdin.flush()
    return json.loads(child.process.stdout.readline())


@pytest.mark.root
@pytest.mark.linux
def test_the_peer_in_another_namespace_is_found(live: Engine, cable: tuple[Any, Any]) -> None:
    server, client = cable
    do(server, "l = socket.create_server(('10.9.8.1', 7070)); tell(1); exec(sys.stdin.readline())")
    do(client, "c = socket.create_connection(('10.9.8.1', 7070), 5); tell(c.getsockname()[1])")
    do(server, "s = l.accept()[0]; tell(1)")
    sql = "SELECT pid, peer_pid, direction, accepted FROM connections WHERE protocol = 'tcp' AND state = 'ESTABLISHED' AND"
    ours, theirs = server.told, client.told
    assert own(live, f"{sql} local_port = 7070 AND pid = ?", ours) == [(ours, theirs, "local", 1)]
    assert own(live, f"{sql} remote_port = 7070 AND pid = ?", theirs) == [(theirs, ours, "local", 0)]


@pytest.mark.linux
def test_what_waits_to_be_talked_to(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "keep = [socket.create_server(('127.0.0.1', 0), backlog=1), socket.create_server(('0.0.0.0', 0))]\n"
        "b = socket.socket(); b.bind(('127.0.0.1', 0)); u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 0))\n"
        "n = socket.socket(socket.AF_UNIX); n.bind('\\0waits' + str(os.getpid())); n.listen(5)\n"
        "full = [socket.create_connection(keep[0].getsockname()) for _ in range(2)]\n"
        "tell([one.getsockname()[1] for one in (*keep, b, u)] + [os.getpid()])"
    )
    loopback, everywhere, bound, udp, pid = holder.told
    sql = (
        "SELECT protocol, state, port, path, scope, dual_stack, backlog, backlog_limit, backlog_use, siblings, name IS NOT NULL"
        " FROM listeners WHERE pid = ? ORDER BY protocol, state DESC, port = ?"
    )
    rows = own(live, sql, pid, everywhere)
    expected = [
        ("tcp", "LISTEN", loopback, None, "loopback", 0, 2, 1, 1.0, 0, 1),
        ("tcp", "LISTEN", everywhere, None, "all", 0, 0, rows[1][7], 0.0, 0, 1),
        ("tcp", "BOUND", bound, None, "loopback", 0, None, None, None, 0, 1),
        ("udp", "UNCONNECTED", udp, None, "all", 0, None, None, None, 0, 1),
        ("unix", "LISTEN", None, f"@waits{pid}", None, None, 0, 5, 0.0, None, 1),
    ]
    if ("tcp", "BOUND") not in {row[:2] for row in rows}:
        expected = [row for row in expected if row[1] != "BOUND"]  # a kernel before 6.8 does not list them
    assert rows == expected


@pytest.mark.linux
def test_listeners_that_share_a_port_count_each_other(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "first = socket.socket(); first.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); first.bind(('127.0.0.1', 0))\n"
        "first.listen(); keep = [first]\n"
        "for _ in range(3):\n"
        "    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1); s.bind(first.getsockname())\n"
        "    s.listen(); keep.append(s)\n"
        "tell(first.getsockname()[1])"
    )
    sql = "SELECT siblings FROM listeners WHERE port = ? AND state = 'LISTEN' AND address = '127.0.0.1'"
    assert own(live, sql, holder.told) == [(3,)] * 4
