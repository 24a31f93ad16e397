"""Answers of a real kernel, replayed: what they say, and what becomes of them when they are broken.

The files in recordings/ are named KERNEL-CASE.bin: the datagrams of an answer, each behind its length. As root,
`python -P tests/test_recordings.py` records those of the kernel that runs, each case in a new network namespace.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sqlports.sources import inet_diag, netlink_diag, packet_diag, sock_diag, states, tcp_info, unix_diag, vsock_diag
from sqlports.sources.inet_messages import Messages
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import Memory, SocketRecord, Unsupported
from sqlports.sources.sock_diag import Changed, Malformed
from sqlports.sources.sockets import KINDS, Listing, Socket

pytestmark = [pytest.mark.linux, pytest.mark.usefixtures("endless")]

RECORDINGS = Path(__file__).parent / "recordings"
SIZE = struct.Struct("<I")
HERE = Namespace("/proc", own="/proc/self/net")
Row = dict[str, Any]

# What differs from one recording to the next.
VARIABLE = {"inode", "peer_inode", "cookie", "cgroup_id", "timer_expires"}
ALL = frozenset(("info", "memory"))
SO_BINDTODEVICE, SO_MARK, IP_FREEBIND = 25, 36, 15


# How the sockets of a case are made. What is returned lives until the answer is recorded.


def tcp(port: int = 0, host: str = "127.0.0.1", family: int = socket.AF_INET, protocol: int = 0) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(host != "::"))
    made.bind((host, port))
    return made


def connected(client: socket.socket, listener: socket.socket) -> list[socket.socket]:
    client.connect(listener.getsockname()[:2])
    return [client, listener.accept()[0]]


def tcp_listen() -> object:
    one, other = tcp(4001), tcp(4002, "0.0.0.0")
    one.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0x10)
    one.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    one.setsockopt(socket.SOL_SOCKET, SO_MARK, 7)
    other.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    other.setsockopt(socket.SOL_SOCKET, SO_BINDTODEVICE, b"lo")
    one.listen(5)
    other.listen(1)
    clients = [tcp(), tcp()]
    for client in clients:
        client.connect(("127.0.0.1", 4001))
    return one, other, clients


def tcp6_listen() -> object:
    one, other = tcp(4003, "::1", socket.AF_INET6), tcp(4004, "::", socket.AF_INET6)
    one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0x20)
    one.listen(5)
    other.listen(6)
    return one, other


def tcp_connections() -> object:
    listener = tcp(4001)
    listener.listen(9)
    pairs = [connected(tcp(41001 + number), listener) for number in range(5)]
    pairs[0][0].setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    pairs[0][0].send(b"ten bytes!")
    pairs[1][1].setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    pairs[2][0].shutdown(socket.SHUT_WR)
    waiting = tcp(41009)
    waiting.connect(("127.0.0.1", 4001))
    return listener, pairs, waiting


def tcp_time_wait() -> object:
    listener = tcp(4001)
    listener.listen(9)
    client, server = connected(tcp(41001), listener)
    client.close()
    server.recv(1)
    server.close()
    return listener


def tcp_bound() -> object:
    return tcp(4005)


def udp(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", port))
    return made


def udp_memory() -> object:
    flooded, sender, closed = udp(4001), udp(41001), udp(4002)
    flooded.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sender.connect(("127.0.0.1", 4001))
    for _ in range(50):
        sender.send(bytes(1000))
    return flooded, sender, closed


def unix() -> object:
    with tempfile.TemporaryDirectory() as directory:
        os.chdir(directory)
        made = [socket.socket(socket.AF_UNIX, kind) for kind in (1, 2, 5, 1, 1)]
        for one, name in zip(
            made, (b"two words.sock", b"two\nlines", b"\0abstract\0with\0nuls", b"not-\xff-utf8"), strict=False
        ):
            one.bind(name)
        made[0].listen(7)
        made[2].listen(3)
        made[4].connect(b"two words.sock")
        pair = socket.socketpair()
        pair[0].send(b"four")
        pair[0].shutdown(socket.SHUT_WR)
        os.chdir("/")
    return made, pair


def packet() -> object:
    everything = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    everything.bind(("lo", 3))
    return everything, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x806))


def netlink() -> object:
    made = [socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) for protocol in (0, 16)]
    made[0].bind((4001, 0))
    made[1].bind((4002, 0))
    return made


def mptcp() -> object:
    listener = tcp(4001, protocol=262)
    listener.listen(9)
    return listener, connected(tcp(41001, protocol=262), listener)


def nothing() -> object:
    return None


# What each case says. `shown` is one row without what is variable and what is NULL.

FIELDS = SocketRecord._fields


def shown(row: Socket) -> Row:
    told = {name: getattr(row, name) for name in FIELDS}
    return {name: value for name, value in told.items() if value is not None and name not in VARIABLE}


def by_ports(rows: Sequence[Socket]) -> dict[tuple[int | None, int | None], Socket]:
    found = {(row.local_port, row.remote_port): row for row in rows}
    assert len(found) == len(rows)
    return found


def local(port: int) -> Row:
    return {"type": "stream", "local_address": "127.0.0.1", "local_port": port}


def peers(port: int, remote: int, **more: Any) -> Row:
    quiet: Row = {"uid": 0, "receive_queue": 0, "send_queue": 0, "retransmits": 0, "state": "ESTABLISHED"}
    return {**local(port), "remote_address": "127.0.0.1", "remote_port": remote, **quiet, **more}


def is_known(rows: Iterable[Socket]) -> None:
    for row in rows:
        assert row.inode
        assert row.cookie
        assert row.cgroup_id


def check_tcp_listen(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    one, other = found[4001, None], found[4002, None]
    is_known(rows)
    assert len(rows) == 2
    listens = {"state": "LISTEN", "uid": 0}
    assert shown(one) == {**local(4001), **listens, "backlog": 2, "backlog_limit": 5, "options": "freebind", "mark": 7}
    assert shown(other) == {
        **local(4002), **listens, "backlog": 0, "backlog_limit": 1, "local_address": "0.0.0.0", "interface": "lo", "mark": 0,
    }  # fmt: skip
    assert (one.info.tos, one.info.cwnd, one.info.congestion_state) == (0x10, None, None)
    assert (other.info.congestion, other.info.tos) == ("reno", 0)
    assert one.memory.drops == 0
    assert one.memory.receive_buffer
    assert one.memory.send_buffer


def check_tcp6_listen(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    one, other = found[4003, None], found[4004, None]
    is_known(rows)
    listens = {"type": "stream", "state": "LISTEN", "uid": 0, "backlog": 0, "mark": 0}
    assert shown(one) == {**listens, "local_address": "::1", "local_port": 4003, "backlog_limit": 5, "v6only": 1}
    assert shown(other) == {**listens, "local_address": "::", "local_port": 4004, "backlog_limit": 6, "v6only": 0}
    assert (one.info.tos, other.info.tos) == (0x20, 0)


def check_tcp_connections(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    unaccepted = found.pop((4001, 41009))
    assert len(found) == 12
    is_known(found.values())
    listener = found.pop((4001, None))
    assert (listener.state, listener.backlog, listener.backlog_limit) == ("LISTEN", 1, 9)
    assert (unaccepted.inode, unaccepted.uid, unaccepted.state) == (None, None, "ESTABLISHED")
    expected = {(a, b): peers(a, b) for n in range(5) for a, b in ((41001 + n, 4001), (4001, 41001 + n))}
    expected[41009, 4001] = peers(41009, 4001)
    expected[4001, 41001]["receive_queue"] = 10
    expected[4001, 41002]["timer"] = "keepalive"
    expected[41003, 4001].update(state="FIN_WAIT2", shutdown="send")
    expected[4001, 41003].update(state="CLOSE_WAIT", shutdown="receive", receive_queue=1)
    assert {ports: {**shown(row), "mark": None} for ports, row in found.items()} == {
        ports: {**row, "mark": None} for ports, row in expected.items()
    }
    sender, receiver = found[41001, 4001].info, found[4001, 41001].info
    assert (sender.congestion, sender.bytes_sent, sender.bytes_acked, sender.segments_out) == ("reno", 10, 11, 3)
    assert (receiver.bytes_received, receiver.data_segments_in, receiver.bytes_sent) == (10, 1, 0)
    assert sender.congestion_state == "open"
    assert 0 < (sender.rtt or 0) < 1000
    assert (sender.cwnd or 0) >= 2
    assert (sender.retransmitted, sender.lost, sender.ulp, sender.tos) == (0, 0, None, 0)
    assert (found[4001, 41001].memory.receive or 0) > 10
    assert 0 < (found[4001, 41002].timer_expires or 0) <= 7_200_000


def check_tcp_time_wait(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    assert set(found) == {(4001, None), (41001, 4001)}
    closed = found[41001, 4001]
    assert (closed.inode, closed.cgroup_id) == (None, None)
    assert {**shown(closed), "mark": None} == {
        **local(41001), "state": "TIME_WAIT", "remote_address": "127.0.0.1", "remote_port": 4001, "timer": "timewait",
        "receive_queue": 0, "send_queue": 0, "retransmits": 0, "mark": None,
    }  # fmt: skip
    assert 0 < (closed.timer_expires or 0) <= 60_000
    assert closed.info == tcp_info.TcpInfo()
    assert closed.memory == Memory()


def check_tcp_bound(rows: Sequence[Socket]) -> None:
    [row] = rows
    is_known(rows)
    quiet = {"uid": 0, "receive_queue": 0, "send_queue": 0, "retransmits": 0, "mark": 0}
    assert shown(row) == {**local(4005), "state": "BOUND", **quiet}


def check_udp_memory(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    flooded, sender, closed = found[4001, None], found[41001, 4001], found[4002, None]
    is_known(rows)
    common = {"type": "datagram", "uid": 0, "send_queue": 0, "retransmits": 0, "mark": 0}
    assert shown(closed) == {**local(4002), **common, "state": "UNCONNECTED", "receive_queue": 0}
    assert shown(sender) == {**peers(41001, 4001), **common, "receive_queue": 0}
    assert flooded.memory.receive_buffer == 8192
    assert 0 < (flooded.memory.drops or 0) < 50
    assert (flooded.memory.receive or 0) > 0
    assert (sender.memory.drops, closed.memory.receive) == (0, 0)
    assert sender.info.congestion is None


def check_unix(rows: Sequence[Socket]) -> None:
    named = {row.path: row for row in rows if row.path is not None}
    assert set(named) == {"two words.sock", "two\nlines", "@abstract@with@nuls", "not-\\xff-utf8"}
    assert len(rows) == 7
    assert all(row.cookie for row in rows)
    # What waits to be accepted has no inode, and the kernel does not list it.
    assert all(row.inode for row in rows)
    quiet = {"receive_queue": 0, "send_queue": 0}
    assert shown(named["two words.sock"]) == {
        "type": "stream", "state": "LISTEN", "path": "two words.sock", "abstract": 0, "uid": 0,
        "backlog": 1, "backlog_limit": 7,
    }  # fmt: skip
    assert shown(named["@abstract@with@nuls"]) == {
        "type": "seqpacket", "state": "LISTEN", "path": "@abstract@with@nuls", "abstract": 1, "uid": 0,
        "backlog": 0, "backlog_limit": 3,
    }  # fmt: skip
    lines, bad = named["two\nlines"], named["not-\\xff-utf8"]
    assert (lines.type, lines.state, lines.abstract) == ("datagram", "UNCONNECTED", 0)
    assert (bad.type, bad.state, bad.abstract) == ("stream", "UNCONNECTED", 0)
    sender, receiver = sorted((row for row in rows if row.peer_inode), key=lambda row: row.receive_queue or 0)
    assert (sender.inode, sender.peer_inode) == (receiver.peer_inode, receiver.inode)
    paired = {"type": "stream", "state": "ESTABLISHED", "uid": 0}
    assert {**shown(sender), "send_queue": 0} == {**paired, **quiet, "shutdown": "send"}
    assert shown(receiver) == {**paired, **quiet, "receive_queue": 4, "shutdown": "receive"}
    assert all(row.memory.receive_buffer for row in rows)
    assert (sender.memory.send or 0) > 4


def check_packet(rows: Sequence[Socket]) -> None:
    found = {row.type: row for row in rows}
    assert len(rows) == 2
    assert all(row.inode and row.cookie for row in rows)
    common = {"state": "UNCONNECTED", "uid": 0}
    assert shown(found["raw"]) == {**common, "type": "raw", "subprotocol": "all", "interface": "lo"}
    assert shown(found["datagram"]) == {**common, "type": "datagram", "subprotocol": "arp"}
    assert all(row.memory.receive_buffer for row in rows)


def check_netlink(rows: Sequence[Socket]) -> None:
    found = {(row.subprotocol, row.ident): row for row in rows}
    assert shown(found["route", 4001]) == {
        "type": "raw", "state": "UNCONNECTED", "subprotocol": "route", "ident": 4001,
    }  # fmt: skip
    assert found["generic", 4002].inode
    assert found["route", 4001].memory.receive_buffer
    # The kernel's own ends, one for each protocol.
    assert {name for name, ident in found if ident == 0} >= {"route", "sock_diag", "generic"}
    assert len({row.cookie for row in rows}) == len(rows)


def check_mptcp(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    assert {ports: row.state for ports, row in found.items()} == {
        (4001, None): "LISTEN", (4001, 41001): "ESTABLISHED", (41001, 4001): "ESTABLISHED",
    }  # fmt: skip
    assert all(row.inode and row.cookie and row.local_address == "127.0.0.1" for row in rows)
    # Its INFO is another structure than TCP's.
    assert found[41001, 4001].info.rtt is None


def check_mptcp_subflows(rows: Sequence[Socket]) -> None:
    found = by_ports(rows)
    assert {ports for ports in found if ports[1]} == {(4001, 41001), (41001, 4001)}
    assert {row.info.ulp for ports, row in found.items() if ports[1]} == {"mptcp"}


def check_unsupported(rows: Sequence[Socket]) -> None:
    raise AssertionError("this was to be told as unsupported")


Parser = Callable[[Iterable[bytes], Listing, bool], Sequence[Socket]]
PARSERS: dict[str, Parser] = {
    "unix": unix_diag.parse,
    "packet": packet_diag.parse,
    "netlink": netlink_diag.parse,
    "vsock": vsock_diag.parse,
}
ANY_STATE = (1 << 14) - 1


class Case(NamedTuple):
    """How a case is made and asked for, and what it says."""

    make: Callable[[], object]
    family: str
    protocol: str
    check: Callable[[Sequence[Socket]], None]
    mask: int = ANY_STATE
    parts: frozenset[str] = ALL

    @property
    def listing(self) -> Listing:
        [kind] = [kind for kind in KINDS if (kind.family, kind.protocol) == (self.family, self.protocol)]
        return Listing(None, kind, HERE, self.parts)  # type: ignore[arg-type]

    @property
    def request(self) -> bytes:
        if self.protocol == "unix":
            return unix_diag.request(self.listing)
        if self.protocol == "vsock":
            return vsock_diag.request(self.listing, self.mask)
        if self.protocol == "packet":
            return packet_diag.request(self.listing)
        if self.protocol == "netlink":
            return netlink_diag.request(self.listing)
        return inet_diag.request(self.listing, self.mask)

    def parse(self, datagrams: Iterable[bytes], strict: bool = True) -> Sequence[Socket]:
        return PARSERS.get(self.protocol, inet_diag.parse)(datagrams, self.listing, strict)


CASES = {
    "tcp-listen": Case(tcp_listen, "ipv4", "tcp", check_tcp_listen, states.mask("tcp", frozenset(("LISTEN",)))),
    "tcp6-listen": Case(tcp6_listen, "ipv6", "tcp", check_tcp6_listen),
    "tcp-connections": Case(tcp_connections, "ipv4", "tcp", check_tcp_connections),
    "tcp-time-wait": Case(tcp_time_wait, "ipv4", "tcp", check_tcp_time_wait),
    "tcp-bound": Case(tcp_bound, "ipv4", "tcp", check_tcp_bound),
    "udp-memory": Case(udp_memory, "ipv4", "udp", check_udp_memory),
    "unix": Case(unix, "unix", "unix", check_unix),
    "packet": Case(packet, "packet", "packet", check_packet),
    "netlink": Case(netlink, "netlink", "netlink", check_netlink),
    "mptcp": Case(mptcp, "ipv4", "mptcp", check_mptcp),
    "mptcp-subflows": Case(mptcp, "ipv4", "tcp", check_mptcp_subflows),
    "raw-unsupported": Case(nothing, "ipv4", "raw", check_unsupported),
    "sctp-unsupported": Case(nothing, "ipv4", "sctp", check_unsupported),
    "vsock-unsupported": Case(nothing, "vsock", "vsock", check_unsupported),
}


def record(name: str, path: Path) -> None:
    """Make the sockets of a case, ask for them and write the answer."""
    case = CASES[name]
    kept: list[bytes] = []

    def datagrams(asking: socket.socket) -> Iterator[bytes]:
        for datagram in sock_diag.exchange(asking, case.request):
            kept.append(datagram)
            yield datagram

    made = case.make()
    # Acknowledgements may be on their way.
    time.sleep(0.3)
    with sock_diag.connect() as asking:
        try:
            case.parse(datagrams(asking))
        except Unsupported:
            assert name.endswith("-unsupported")
    del made
    path.write_bytes(b"".join(SIZE.pack(len(datagram)) + datagram for datagram in kept))


def record_all() -> None:
    """Each case in a network namespace of its own, so that nothing else of this machine is in the answer."""
    release = ".".join(os.uname().release.split(".")[:2])
    again = f"ip link set lo up && exec {sys.executable} -P {__file__}"
    for name in CASES:
        path = RECORDINGS / f"{release}-{name}.bin"
        subprocess.run(["unshare", "-n", "sh", "-c", f"{again} {name} {path}"], check=True)


def datagrams_of(path: Path) -> list[bytes]:
    data, found, start = path.read_bytes(), [], 0
    while start < len(data):
        [size] = SIZE.unpack_from(data, start)
        found.append(data[start + SIZE.size : start + SIZE.size + size])
        start += SIZE.size + size
    return found


PATHS = sorted(RECORDINGS.glob("*.bin"))
if sys.byteorder != "little":  # the kernel answers in its machine's order
    PATHS = []
NAMES = [path.name for path in PATHS]
LISTS = [name for name in NAMES if not name.endswith("-unsupported.bin")]


def recording(name: str) -> tuple[Case, list[bytes]]:
    """A file's case and datagrams."""
    return CASES[name.removesuffix(".bin").split("-", 1)[1]], datagrams_of(RECORDINGS / name)


# What is broken on purpose, and what may become of it.

HEADER = struct.Struct("=IHHII")
# nlmsghdr and inet_diag_msg.
INET = 16 + 72
INTERRUPTED = 0x10
# Linux's largest error number (include/linux/err.h).
MAX_ERRNO = 4095
TAKEN = (*FIELDS, "info", "memory")


def everything(rows: Sequence[Socket]) -> dict[int | None, Row]:
    """All that the rows tell, by cookie; for a field whose attributes are broken, that they are."""
    found: dict[int | None, Row] = {}
    for row in rows:
        told: Row = {}
        for name in TAKEN:
            try:
                told[name] = row.told(name) if name in ALL else getattr(row, name)
            except Malformed:
                told[name] = Malformed
        assert row.cookie not in found
        found[row.cookie] = told
    return found


def outcome(case: Case, datagrams: list[bytes], strict: bool = True) -> object:
    """What a parser makes of an answer: rows, or the error. Every other exception is left to fail the test."""
    try:
        return everything(case.parse(datagrams, strict))
    except Unsupported as error:
        return Unsupported, error.reason
    except Changed:
        return Changed
    except Malformed:
        return Malformed
    except OSError as error:
        return OSError, error.errno


def expected(case: Case, datagrams: list[bytes], strict: bool = True) -> object:
    """The same by the plain rules of netlink(7): message after message, each read alone."""
    found: dict[int | None, Row] = {}
    for datagram in datagrams:
        at = 0
        while at < len(datagram):
            if len(datagram) - at < HEADER.size:
                return Malformed
            length, kind, flags, _, _ = HEADER.unpack_from(datagram, at)
            if length < HEADER.size or at + length > len(datagram):
                return Malformed
            if flags & INTERRUPTED and strict:
                return Changed
            body = datagram[at + HEADER.size : at + length]
            if kind in (2, 3):
                number = int.from_bytes(body[:4], "little", signed=True)
                if len(body) < 4 or not -MAX_ERRNO <= number <= 0:
                    return Malformed
                return found if number == 0 else outcome(case, [done(number)])
            if kind not in (1, 20):
                return Malformed
            if kind == 20:
                alone = outcome(case, [HEADER.pack(length, 20, 2, 1, 0) + body + bytes(-length % 4) + done(0)])
                if not isinstance(alone, dict):
                    return alone
                [cookie] = alone
                found.setdefault(cookie, alone[cookie])
            at += (length + 3) & ~3
    return Malformed


def done(number: int) -> bytes:
    return HEADER.pack(20, 3, 2, 1, 0) + struct.pack("=i", number)


def starts(datagram: bytes) -> list[int]:
    """Where its messages begin."""
    found, at = [], 0
    while at < len(datagram):
        found.append(at)
        at += (HEADER.unpack_from(datagram, at)[0] + 3) & ~3
    return found


def replaced(datagrams: list[bytes], which: int, at: int, new: bytes) -> list[bytes]:
    old = datagrams[which]
    return [*datagrams[:which], old[:at] + new + old[at + len(new) :], *datagrams[which + 1 :]]


def flipped(datagrams: list[bytes], which: int, at: int, bits: int) -> list[bytes]:
    return replaced(datagrams, which, at, bytes((datagrams[which][at] ^ bits,)))


def test_there_are_recordings_of_every_case() -> None:
    assert {path.stem.split("-", 1)[1] for path in RECORDINGS.glob("*.bin")} == set(CASES)


@pytest.mark.parametrize("name", LISTS)
def test_an_answer_says_what_was_made(name: str) -> None:
    case, datagrams = recording(name)
    for strict in (True, False):
        case.check(case.parse(datagrams, strict))


@pytest.mark.parametrize("name", LISTS)
def test_no_answer_has_a_word_that_is_not_among_the_choices_of_its_column(name: str) -> None:
    from sqlports import registry

    case, datagrams = recording(name)
    of_a_list = [column for column in registry.table("sockets").columns if column.choices and "." not in (column.path or ".")]
    assert len(of_a_list) >= 6
    for row in case.parse(datagrams):
        for column in of_a_list:
            assert getattr(row, column.path or "") in (*column.choices, None), column.name


@pytest.mark.parametrize("name", LISTS)
def test_a_column_alone_says_what_the_rows_say(name: str) -> None:
    case, datagrams = recording(name)
    for field in (*FIELDS, "protocol", "family", "net_namespace"):
        rows = case.parse(datagrams)
        column = rows.column(field) if isinstance(rows, Messages) else None
        if column is not None:
            assert list(column) == [getattr(row, field) for row in case.parse(datagrams)], field


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LISTS])
def test_a_kernel_that_cannot_list_says_unsupported_and_not_none(name: str) -> None:
    case, datagrams = recording(name)
    with pytest.raises(Unsupported, match=f"sock_diag {case.protocol}: the kernel has no handler for it"):
        case.parse(datagrams)


@pytest.mark.parametrize("name", LISTS)
def test_an_answer_in_other_datagrams_is_the_same(name: str) -> None:
    case, datagrams = recording(name)
    messages = [
        datagram[start:end]
        for datagram in datagrams
        for start, end in zip(starts(datagram), [*starts(datagram)[1:], len(datagram)], strict=True)
    ]
    whole = everything(case.parse(datagrams))
    assert everything(case.parse(messages)) == whole
    assert everything(case.parse([b"".join(messages)])) == whole
    assert everything(case.parse([*messages[:-1], *messages])) == whole, "each socket came twice"


@pytest.mark.parametrize("name", LISTS)
def test_what_came_before_the_parts_were_asked_for_has_none(name: str) -> None:
    """Each message without its attributes is still the same socket."""
    case, datagrams = recording(name)
    if PARSERS.get(case.protocol) is not None:
        return
    bare = [
        HEADER.pack(INET, 20, 2, 1, 0) + datagram[start + 16 : start + INET]
        for datagram in datagrams
        for start in starts(datagram)
        if HEADER.unpack_from(datagram, start)[1] == 20
    ]
    rows = case.parse([*bare, done(0)])
    assert [row.cookie for row in rows] == [row.cookie for row in case.parse(datagrams)]
    for row in rows:
        assert (row.told("info"), row.told("memory"), row.cgroup_id, row.shutdown, row.options) == (None,) * 5


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_that_is_cut_off_is_malformed_wherever_it_is_cut(name: str) -> None:
    case, datagrams = recording(name)
    chosen = random.Random(name)
    for which, datagram in enumerate(datagrams):
        last = which == len(datagrams) - 1
        borders = {at + step for at in starts(datagram) for step in (0, 1, 4, 15, 16, 17)}
        for at in sorted(borders | {chosen.randrange(len(datagram)) for _ in range(100)}):
            if at >= len(datagram):
                continue
            cut = [*datagrams[:which], datagram[:at]]
            assert outcome(case, cut) is Malformed, f"datagram {which} cut at {at}"
            if not last and at not in starts(datagram):
                assert outcome(case, [*cut, *datagrams[which + 1 :]]) is Malformed, f"datagram {which} lacks what follows {at}"


@pytest.mark.parametrize("name", NAMES)
def test_overwritten_lengths(name: str) -> None:
    case, datagrams = recording(name)
    for which, datagram in enumerate(datagrams):
        for at in starts(datagram):
            length = HEADER.unpack_from(datagram, at)[0]
            rest = len(datagram) - at
            for wrong in {
                0,
                1,
                15,
                16,
                17,
                19,
                20,
                24,
                60,
                87,
                88,
                89,
                length - 1,
                length + 1,
                length + 4,
                rest,
                rest + 1,
                2**32 - 1,
            }:
                broken = replaced(datagrams, which, at, struct.pack("=I", wrong))
                assert outcome(case, broken) == expected(case, broken), f"{wrong} for {length} at {at} of datagram {which}"


@pytest.mark.parametrize("name", LISTS)
def test_overwritten_lengths_of_attributes(name: str) -> None:
    """An attribute that is said to be longer than its message is refused, at the latest when it is looked at."""
    case, datagrams = recording(name)
    fixed = {"unix": 32, "packet": 32, "netlink": 44}.get(case.protocol, INET)
    for which, datagram in enumerate(datagrams):
        for at in starts(datagram):
            length, kind, *_ = HEADER.unpack_from(datagram, at)
            if kind != 20 or length <= fixed:
                continue
            for wrong in (0, 1, 3, length - fixed + 1, 0xFFFF):
                broken = replaced(datagrams, which, at + fixed, struct.pack("=H", wrong))
                found = outcome(case, broken)
                assert found == expected(case, broken)
                assert found is Malformed or (
                    isinstance(found, dict) and any(Malformed in row.values() for row in found.values())
                )


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_of_headers(name: str) -> None:
    case, datagrams = recording(name)
    chosen = random.Random(name)
    for _ in range(300):
        which = chosen.randrange(len(datagrams))
        at = chosen.choice(starts(datagrams[which])) + chosen.randrange(HEADER.size)
        broken = flipped(datagrams, which, at, chosen.randrange(1, 256))
        for strict in (True, False):
            assert outcome(case, broken, strict) == expected(case, broken, strict), f"byte {at} of datagram {which}"


@pytest.mark.parametrize("name", NAMES)
def test_flipped_bits_anywhere(name: str) -> None:
    """Of the sockets themselves nothing can be checked, but they are read or refused, and the others stay as they are."""
    case, datagrams = recording(name)
    chosen = random.Random(name)
    for _ in range(300):
        broken = datagrams
        for _ in range(chosen.randrange(1, 4)):
            which = chosen.randrange(len(broken))
            broken = flipped(broken, which, chosen.randrange(len(broken[which])), chosen.randrange(1, 256))
        assert outcome(case, broken) == expected(case, broken)


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_is_refused(name: str) -> None:
    case, datagrams = recording(name)
    chosen = random.Random(name)
    for size in (1, 3, 4, 15, 16, 17, 64, 1000):
        for _ in range(20):
            noise = chosen.randbytes(size)
            assert outcome(case, [noise]) == expected(case, [noise])
            assert outcome(case, [*datagrams[:-1], noise]) == expected(case, [*datagrams[:-1], noise])


@pytest.mark.parametrize("name", LISTS)
def test_an_interrupted_dump_is_told_unless_it_is_taken_as_it_is(name: str) -> None:
    case, datagrams = recording(name)
    whole = everything(case.parse(datagrams))
    for which, datagram in enumerate(datagrams):
        for at in starts(datagram):
            flags = HEADER.unpack_from(datagram, at)[2] | INTERRUPTED
            interrupted = replaced(datagrams, which, at + 6, struct.pack("=H", flags))
            with pytest.raises(Changed):
                case.parse(interrupted)
            assert everything(case.parse(interrupted, False)) == whole


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("kind", [2, 3])
def test_an_error_at_the_end_is_no_shorter_list(name: str, kind: int) -> None:
    case, datagrams = recording(name)
    listed = [datagram[: starts(datagram)[-1]] if datagram is datagrams[-1] else datagram for datagram in datagrams]
    for number in (errno.EPERM, errno.ENOMEM, errno.EINTR, errno.ENOBUFS):
        with pytest.raises(OSError) as caught:
            case.parse([*listed, HEADER.pack(20, kind, 2, 1, 0) + struct.pack("=i", -number)])
        assert caught.value.errno == number
    for number in (errno.ENOENT, errno.EINVAL):
        with pytest.raises(Unsupported):
            case.parse([*listed, HEADER.pack(20, kind, 2, 1, 0) + struct.pack("=i", -number)])


@pytest.mark.parametrize("name", LISTS)
def test_nothing_is_read_behind_the_end(name: str) -> None:
    """The netlink socket is asked for no more than the answer: another datagram would never come."""
    case, datagrams = recording(name)
    given: list[bytes] = []

    def once() -> Iterator[bytes]:
        for datagram in datagrams:
            given.append(datagram)
            yield datagram
        raise AssertionError("it was asked for more")

    case.parse(once())
    assert given == datagrams


if __name__ == "__main__":
    if len(sys.argv) == 3:
        record(sys.argv[1], Path(sys.argv[2]))
    else:
        record_all()
