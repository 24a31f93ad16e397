"""On a real Linux: a socket in every state of TCP is listed in that state, with the timer that runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine

from .conftest import HERE, at_last, own

pytestmark = pytest.mark.linux

# Each state with the ports of a socket in it. What comes to a socket that is `deaf` is never answered, so that a state stays.
CONNECTIONS = """
listener = socket.create_server(('127.0.0.1', 0), backlog=50)
keep = []

def connection():
    client = socket.create_connection(listener.getsockname())
    server = listener.accept()[0]
    keep.extend((client, server))
    return client, server

def attempt(address, is_deaf):
    client = socket.socket(); client.setblocking(False)
    if is_deaf: deaf(client)
    client.connect_ex(address)
    keep.append(client)
    return client

def port(s): return s.getsockname()[1]
"""
STATES = (
    CONNECTIONS
    + """
states = {'LISTEN': [port(listener), None]}
bound = socket.socket(); bound.bind(('127.0.0.1', 0))
states['BOUND'] = [port(bound), None]
client, server = connection()
states['ESTABLISHED'] = [port(client), port(server)]
silent = socket.create_server(('127.0.0.1', 0)); deaf(silent)
states['SYN_SENT'] = [port(attempt(silent.getsockname(), False)), port(silent)]
states['SYN_RECV'] = [port(listener), port(attempt(listener.getsockname(), True))]

client, server = connection(); deaf(server)
client.shutdown(socket.SHUT_WR)
states['FIN_WAIT1'] = [port(client), port(server)]

client, server = connection()
client.shutdown(socket.SHUT_WR); server.recv(1)
states['FIN_WAIT2'], states['CLOSE_WAIT'] = [port(client), port(server)], [port(server), port(client)]

client, server = connection()
server.shutdown(socket.SHUT_WR); client.recv(1); deaf(server); client.shutdown(socket.SHUT_WR)
states['LAST_ACK'] = [port(client), port(server)]

client, server = connection(); deaf(server)
client.shutdown(socket.SHUT_WR); server.shutdown(socket.SHUT_WR)
states['CLOSING'] = [port(client), port(server)]

client, server = connection()
states['TIME_WAIT'] = [port(client), port(server)]
client.shutdown(socket.SHUT_WR); server.recv(1); server.shutdown(socket.SHUT_WR); client.recv(1)
client.close(); server.close()
tell(states)
"""
)


def made(child: Callable[..., Any]) -> dict[str, list[int]]:
    """The states that a child has sockets in, of those that the kernel lists."""
    states: dict[str, list[int]] = child(STATES).told
    if tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < (6, 8):
        del states["BOUND"]
    return states


def test_every_state_of_tcp(live: Engine, child: Callable[..., Any]) -> None:
    states = made(child)

    def found() -> dict[str, str | None]:
        rows = own(
            live,
            f"SELECT local_port, remote_port, state FROM sockets WHERE {HERE} AND protocol = 'tcp'",
        )
        named = {row[:2]: row[2] for row in rows}
        return {state: named.get(tuple(ports)) for state, ports in states.items()}

    wanted: dict[str, str | None] = {state: state for state in states}
    assert at_last(found, wanted) == wanted


def test_a_search_for_a_state_finds_those_in_it_and_no_other(live: Engine, child: Callable[..., Any]) -> None:
    for state, (local, remote) in made(child).items():

        def found(state: str = state, local: int = local, remote: int | None = remote) -> tuple[bool, set[str]]:
            rows = own(
                live,
                f"SELECT local_port, remote_port, state FROM sockets WHERE protocol = 'tcp' AND {HERE} AND state = ?",
                state,
            )
            return (local, remote, state) in rows, {row[2] for row in rows}

        assert at_last(found, (True, {state})) == (True, {state})


TIMERS = {
    "keepalive": (
        "c, s = connection(); c.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)\n"
        "c.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 600); tell([port(c), port(s), 600_000])"
    ),
    "retransmit": "c, s = connection(); deaf(s); c.send(b'lost'); tell([port(c), port(s), 120_000])",
    # The other end reads nothing, and its window is full.
    "probe": (
        "c, s = connection(); c.setblocking(False)\n"
        "try:\n"
        "    while True: c.send(bytes(1 << 16))\n"
        "except BlockingIOError: tell([port(c), port(s), 120_000])"
    ),
    "timewait": (
        "c, s = connection(); ends = [port(c), port(s)]\n"
        "c.shutdown(socket.SHUT_WR); s.recv(1); s.close(); c.recv(1); c.close(); tell([*ends, 60_000])"
    ),
}


@pytest.mark.parametrize("timer", TIMERS)
def test_the_timer_that_runs(timer: str, live: Engine, child: Callable[..., Any]) -> None:
    *ports, most = child(CONNECTIONS + TIMERS[timer]).told
    sql = (
        f"SELECT timer, timer_expires BETWEEN 0 AND ? FROM sockets WHERE {HERE} AND protocol = 'tcp'"
        " AND local_port = ? AND remote_port = ?"
    )
    assert at_last(lambda: own(live, sql, most, *ports), [(timer, 1)]) == [(timer, 1)]


def test_a_connection_at_rest_has_no_timer(live: Engine, child: Callable[..., Any]) -> None:
    ports = child(CONNECTIONS + "c, s = connection(); tell([port(c), port(s)])").told
    sql = f"SELECT timer, timer_expires, retransmits FROM sockets WHERE {HERE} AND local_port = ? AND remote_port = ?"
    assert at_last(lambda: own(live, sql, *ports), [(None, None, 0)]) == [(None, None, 0)]


def test_retransmissions_are_counted_until_there_is_an_answer(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        CONNECTIONS
        + "c, s = connection(); deaf(s); c.send(b'lost'); tell([port(c), port(s)])\n"
        + "sys.stdin.readline(); s.setsockopt(socket.SOL_SOCKET, 27, 0); tell(len(s.recv(9)))"
    )
    sql = (
        "SELECT retransmits >= 2, retransmitted >= retransmits, bytes_retransmitted = 4 * retransmitted, backoff > 0,"
        " congestion_state, lost, unacked, bytes_acked, drops FROM sockets"
        f" WHERE {HERE} AND protocol = 'tcp' AND local_port = ? AND remote_port = ?"
    )
    waiting = [(1, 1, 1, 1, "loss", 1, 1, 1, 0)]
    assert at_last(lambda: own(live, sql, *holder.told), waiting) == waiting
    assert own(
        live, f"SELECT drops > 2 FROM sockets WHERE {HERE} AND local_port = ? AND remote_port = ?", *holder.told[::-1]
    ) == [(1,)]
    assert holder.go_on() == 4
    sql = (
        "SELECT retransmits, retransmitted > 1, send_queue, bytes_acked FROM sockets"
        f" WHERE {HERE} AND local_port = ? AND remote_port = ?"
    )
    assert at_last(lambda: own(live, sql, *holder.told), [(0, 1, 0, 5)]) == [(0, 1, 0, 5)]
