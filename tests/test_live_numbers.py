"""On a real Linux: the numbers of a socket are those that its holder is told by getsockopt(2)."""

from __future__ import annotations

import re
import shutil
import socket
import struct
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine

from .conftest import Child, at_last, own

pytestmark = pytest.mark.linux

# Where the fields are in struct tcp_info: offset, form, and what one of the column's unit is there.
TCP_INFO: dict[str, tuple[int, str, int]] = {
    "backoff": (4, "B", 1),
    "rto": (8, "I", 1000),
    "mss": (16, "I", 1),
    "receive_mss": (20, "I", 1),
    "unacked": (24, "I", 1),
    "sacked": (28, "I", 1),
    "lost": (32, "I", 1),
    "retransmitting": (36, "I", 1),
    "path_mtu": (60, "I", 1),
    "rtt": (68, "I", 1000),
    "rtt_variance": (72, "I", 1000),
    "cwnd": (80, "I", 1),
    "advertised_mss": (84, "I", 1),
    "reordering": (88, "I", 1),
    "retransmitted": (100, "I", 1),
    "bytes_acked": (120, "Q", 1),
    "bytes_received": (128, "Q", 1),
    "segments_out": (136, "I", 1),
    "segments_in": (140, "I", 1),
    "not_sent": (144, "I", 1),
    "min_rtt": (148, "I", 1000),
    "data_segments_in": (152, "I", 1),
    "data_segments_out": (156, "I", 1),
    "delivery_rate": (160, "Q", 1),
    "busy": (168, "Q", 1000),
    "window_limited": (176, "Q", 1000),
    "buffer_limited": (184, "Q", 1000),
    "delivered": (192, "I", 1),
    "bytes_sent": (200, "Q", 1),
    "bytes_retransmitted": (208, "Q", 1),
    "out_of_order": (224, "I", 1),
    "send_window": (228, "I", 1),
    "receive_window": (232, "I", 1),
}

TALK = """
listener = socket.create_server(('127.0.0.1', 0))
c = socket.create_connection(listener.getsockname()); s = listener.accept()[0]
for number in range(20):
    c.sendall(b'question' * 500); s.recv(4000, socket.MSG_WAITALL)
    s.sendall(b'answer' * 1000); c.recv(6000, socket.MSG_WAITALL)
"""
ASKED_AGAIN = "\nwhile sys.stdin.readline(): tell(numbers())"


def agree(holder: Child, column_values: Callable[[], Any], its_values: Callable[[Any], Any]) -> None:
    """What its holder is told before and after is what is said here in between; a timer may fire meanwhile."""
    for _ in range(20):
        before, found, after = holder.go_on(), column_values(), holder.go_on()
        if before == after:
            assert found == its_values(before)
            return
    pytest.fail("the socket does not come to rest")


@pytest.mark.parametrize("end", ["c", "s"])
def test_what_is_told_of_a_connection_is_what_its_holder_is_told(end: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{TALK}\ndef numbers():\n"
        # The times since the last segments go on.
        f"    info = bytearray({end}.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)); info[44:60] = bytes(16)\n"
        f"    return [info.hex(), {end}.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).decode().rstrip(chr(0))]\n"
        f"tell(cookie({end})){ASKED_AGAIN}"
    )

    def told(numbers: Any) -> dict[str, Any]:
        info = bytes.fromhex(numbers[0])
        known: dict[str, Any] = {
            name: struct.unpack_from(f"={form}", info, offset)[0]
            for name, (offset, form, _) in TCP_INFO.items()
            if offset + struct.calcsize(form) <= len(info)
        }
        shown = {name: value / scale if (scale := TCP_INFO[name][2]) > 1 else value for name, value in known.items()}
        return {**shown, "congestion": numbers[1]}

    names = told(holder.go_on())
    sql = f"SELECT {', '.join(names)} FROM sockets WHERE protocol = 'tcp' AND cookie = ?"
    agree(holder, lambda: live.query(sql, (holder.told,)), lambda numbers: [told(numbers)])


def test_bytes_and_segments_of_a_connection_are_those_that_were_sent(live: Engine, child: Callable[..., Any]) -> None:
    cookies = child(f"{TALK}\ntell([cookie(c), cookie(s)])").told
    # A SYN of this end's is acknowledged as a byte, where this end sent it first.
    sql = (
        "SELECT bytes_sent, bytes_acked, bytes_received, bytes_retransmitted, data_segments_in > 0, data_segments_out > 0,"
        " segments_in >= data_segments_in, segments_out >= data_segments_out, rtt BETWEEN 0.001 AND 1000, min_rtt <= rtt,"
        " mss > 500, cwnd > 0, congestion_state, not_sent, unacked, receive_queue, send_queue"
        " FROM sockets WHERE protocol = 'tcp' AND cookie = ?"
    )
    rest = (0, 1, 1, 1, 1, 1, 1, 1, 1, "open", 0, 0, 0, 0)
    wanted = [(80_000, 80_001, 120_000, *rest)], [(120_000, 120_000, 80_000, *rest)]

    def found() -> tuple[Any, Any]:
        return own(live, sql, cookies[0]), own(live, sql, cookies[1])

    assert at_last(found, wanted) == wanted


def test_numbers_asked_for_later_in_the_same_look(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child(f"{TALK}\ntell(cookie(c))").told
    with live.snapshot() as system:
        assert own(live, "SELECT state FROM sockets WHERE protocol = 'tcp' AND cookie = ?", cookie) == [("ESTABLISHED",)]
        sql = "SELECT bytes_sent, receive_buffer > 0, autobound FROM sockets WHERE protocol = 'tcp' AND cookie = ?"
        assert own(live, sql, cookie) == [(80_000, 1, 1)]
        lists = dict(system.reads)
        # What was asked for once is not asked for again.
        assert own(live, sql, cookie) == [(80_000, 1, 1)]
        assert dict(system.reads) == lists


def test_times_since_the_last_segments_go_on(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child(f"{TALK}\ntell(cookie(c))").told
    sql = "SELECT last_send, last_receive, last_ack FROM sockets WHERE cookie = ?"
    [before] = own(live, sql, cookie)

    def all_later() -> bool:
        [after] = own(live, sql, cookie)
        return all(late > early >= 0 for late, early in zip(after, before, strict=True))

    assert at_last(all_later, True)


def test_no_number_of_a_connection_stands_for_a_listener(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child("s = socket.create_server(('127.0.0.1', 0)); tell(cookie(s))").told
    names = ", ".join(name for name in TCP_INFO if name != "unacked")
    [row] = live.query(
        f"SELECT {names}, unacked, send_queue, receive_queue, retransmits FROM sockets WHERE cookie = ?", (cookie,)
    )
    assert set(row.values()) == {None}


MEMORY = (
    "receive_memory", "receive_buffer", "send_memory", "send_buffer", "reserved_memory", "queued_memory", "option_memory",
    "backlog_memory", "drops",
)  # fmt: skip
MADE = {
    "tcp": f"{TALK}\nc.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20000); s.send(bytes(3000))",
    "udp": (
        "c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.bind(('127.0.0.1', 0))\n"
        "c.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 30000)\n"
        "for _ in range(3): c.sendto(bytes(700), c.getsockname())"
    ),
    "unix": "c, s = socket.socketpair(); s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 40000); s.send(bytes(5000))",
    "netlink": (
        "c = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); c.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 5000)\n"
        "c.bind((0, 0))"
    ),
}


@pytest.mark.parametrize("protocol", MADE)
def test_the_memory_of_a_socket_is_what_its_holder_is_told(protocol: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{MADE[protocol]}\nimport struct\n"
        "def numbers():\n"
        "    found = list(struct.unpack('9I', c.getsockopt(socket.SOL_SOCKET, 55, 36)))\n"
        "    limits = [c.getsockopt(socket.SOL_SOCKET, limit) for limit in (socket.SO_RCVBUF, socket.SO_SNDBUF)]\n"
        "    assert found[1:4:2] == limits\n"
        f"    return found\ntell(cookie(c)){ASKED_AGAIN}"
    )
    sql = f"SELECT {', '.join(MEMORY)} FROM sockets WHERE protocol = ? AND cookie = ?"
    agree(holder, lambda: own(live, sql, protocol, holder.told), lambda numbers: [tuple(numbers)])


def test_datagrams_that_found_no_room_are_counted_exactly(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('127.0.0.1', 0))\n"
        "s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)\n"
        "c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "for _ in range(200): c.sendto(bytes(500), s.getsockname())\n"
        "tell([cookie(s), cookie(c)]); sys.stdin.readline(); s.setblocking(False); came = 0\n"
        "try:\n"
        "    while s.recv(1000): came += 1\n"
        "except BlockingIOError: tell(came)"
    )
    receiver, sender = holder.told
    drops = dict(own(live, "SELECT cookie, drops FROM sockets WHERE protocol = 'udp'"))
    came = holder.go_on()
    assert came >= 1
    assert (drops[receiver], drops[sender]) == (200 - came, 0)


def test_a_backlog_that_runs_over(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "l = socket.create_server(('127.0.0.1', 0), backlog=2)\n"
        "keep = [socket.create_connection(l.getsockname()) for _ in range(3)]\n"
        "late = socket.socket(); late.setblocking(False); late.connect_ex(l.getsockname())\n"
        "tell([cookie(l), cookie(late)]); sys.stdin.readline(); s = l.accept(); tell(1)"
    )
    listener, late = holder.told
    full = "SELECT backlog, backlog_limit, backlog > backlog_limit, drops > 0 FROM sockets WHERE cookie = ?"
    assert at_last(lambda: own(live, full, listener), [(3, 2, 1, 1)]) == [(3, 2, 1, 1)]
    assert own(live, "SELECT state, backlog, backlog_limit FROM sockets WHERE cookie = ?", late) == [("SYN_SENT", None, None)]
    holder.go_on()
    # The late one tries again, and there is room.
    assert at_last(lambda: own(live, "SELECT state FROM sockets WHERE cookie = ?", late), [("ESTABLISHED",)]) == [
        ("ESTABLISHED",)
    ]


def test_the_backlog_of_a_unix_listener(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child(
        "name = f'\\0sqlports {os.getpid()}'; l = socket.socket(socket.AF_UNIX); l.bind(name); l.listen(4)\n"
        "keep = [socket.socket(socket.AF_UNIX) for _ in range(2)]\n"
        "for c in keep: c.connect(name)\n"
        "tell(cookie(l))"
    ).told
    sql = "SELECT state, backlog, backlog_limit, receive_queue, send_queue FROM sockets WHERE cookie = ?"
    assert own(live, sql, cookie) == [("LISTEN", 2, 4, None, None)]


def test_bytes_that_wait_to_be_read_or_acknowledged(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{TALK}\nc.send(bytes(123)); u, v = socket.socketpair(); u.send(bytes(45))\n"
        "t = socket.create_connection(listener.getsockname()); w = listener.accept()[0]; deaf(w); t.send(bytes(67))\n"
        "tell([cookie(x) for x in (s, v, t)])"
    )
    rows = [own(live, "SELECT receive_queue, send_queue FROM sockets WHERE cookie = ?", cookie)[0] for cookie in holder.told]
    assert rows[0] == (123, 0)
    assert rows[1][0] == 45
    assert rows[2] == (0, 67)


def test_the_numbers_of_ss_are_the_numbers_here(live: Engine, child: Callable[..., Any]) -> None:
    if not shutil.which("ss"):
        pytest.skip("ss is not installed")
    cookies = child(f"{TALK}\nnumbers = None\ntell([cookie(c), cookie(s)])").told
    names = {
        "bytes_sent": "bytes_sent",
        "bytes_acked": "bytes_acked",
        "bytes_received": "bytes_received",
        "segments_out": "segs_out",
        "segments_in": "segs_in",
        "data_segments_out": "data_segs_out",
        "data_segments_in": "data_segs_in",
        "cwnd": "cwnd",
        "mss": "mss",
        "path_mtu": "pmtu",
        "receive_mss": "rcvmss",
        "advertised_mss": "advmss",
        "receive_window": "rcv_wnd",
        "receive_buffer": "rb",
        "send_buffer": "tb",
        "min_rtt": "minrtt",
        "rto": "rto",
    }

    def theirs() -> dict[int, dict[str, float]]:
        printed = subprocess.run(["ss", "-Htinme", "-O"], capture_output=True, text=True, check=True, errors="replace").stdout
        found = {}
        for line in printed.splitlines():
            cookie = re.search(r" sk:([0-9a-f]+)", line)
            if cookie and int(cookie[1], 16) in cookies:
                values = {name: re.search(rf"[ (,]{key}:?(\d+(?:\.\d+)?)(?![\d.])", line) for name, key in names.items()}
                found[int(cookie[1], 16)] = {name: float(value[1]) for name, value in values.items() if value}
        return found

    for _ in range(20):
        before = theirs()
        rows = live.query(f"SELECT cookie, {', '.join(names)} FROM sockets WHERE cookie IN (?, ?)", cookies)
        if before == theirs():
            break
    assert len(before) == 2
    for row in rows:
        of_ss = before[row["cookie"]]
        assert {"bytes_sent", "segments_in", "cwnd", "receive_buffer"} <= set(of_ss)
        assert {name: pytest.approx(row[name], abs=0.001) for name in of_ss} == of_ss


@pytest.mark.parametrize("family", ["AF_INET", "AF_INET6"])
def test_type_of_service(family: str, live: Engine, child: Callable[..., Any]) -> None:
    if family == "AF_INET6" and not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    told = child(
        f"keep = [socket.socket(socket.{family}, kind) for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM)]\n"
        f"level, option = (socket.IPPROTO_IPV6, 67) if socket.{family} == socket.AF_INET6 else (socket.IPPROTO_IP, 1)\n"
        f"for s in keep: s.setsockopt(level, option, 0xb8); s.bind(('::1' if level != 0 else '127.0.0.1', 0))\n"
        "keep[0].listen(); tell([cookie(s) for s in keep])"
    ).told
    assert own(live, "SELECT protocol, tos FROM sockets WHERE cookie IN (?, ?) ORDER BY 1", *told) == [
        ("tcp", 184),
        ("udp", 184),
    ]
