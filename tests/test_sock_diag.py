"""The parsing of socket lists on literal bytes: netlink answers and the files of /proc/net."""

from __future__ import annotations

import struct

import pytest

from sqlports.sources import proc_net, sock_diag
from sqlports.sources.procfs import Unparsable
from sqlports.sources.records import Unsupported

DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def inet(
    state: int = 10,
    local: tuple[str, int] = ("127.0.0.1", 80),
    remote: tuple[str, int] = ("0.0.0.0", 0),
    inode: int = 777,
    uid: int = 1000,
    timer: int = 0,
    cookie: int = 5,
    tail: bytes = b"",
) -> bytes:
    addresses = b"".join(bytes(map(int, host.split("."))).ljust(16, b"\0") for host, _ in (local, remote))
    body = struct.pack("=BBBB", 2, state, timer, 3) + struct.pack(">HH", local[1], remote[1]) + addresses
    body += struct.pack("=IQ", 0, cookie) + struct.pack("=IIIII", 2500, 1, 128, uid, inode) + tail
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def unix(name: bytes | None, *, state: int = 10, inode: int = 9, peer: int = 0) -> bytes:
    def attribute(number: int, payload: bytes) -> bytes:
        return (struct.pack("=HH", 4 + len(payload), number) + payload).ljust((len(payload) + 7) & ~3, b"\0")

    body = struct.pack("=BBBBIQ", 1, 1, state, 0, inode, 33)
    body += attribute(0, name) if name is not None else b""
    body += attribute(2, struct.pack("=I", peer)) if peer else b""
    body += attribute(4, struct.pack("=II", 1, 16)) + attribute(7, struct.pack("=I", 1000))
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


def test_a_listener_has_no_remote_end_and_its_queues() -> None:
    [socket] = sock_diag.parse_inet([inet() + DONE], "tcp", 7)
    assert socket[:8] == ("tcp", "ipv4", "stream", "LISTEN", "127.0.0.1", 80, None, None)
    assert (socket.inode, socket.uid, socket.cookie, socket.net_namespace) == (777, 1000, 5, 7)
    assert (socket.receive_queue, socket.send_queue, socket.timer, socket.timer_expires) == (1, 128, None, None)


def test_a_time_wait_socket_has_no_inode_and_nobodys_uid() -> None:
    data = inet(state=6, remote=("10.0.0.9", 443), inode=0, uid=0, timer=3)
    [socket] = sock_diag.parse_inet([data + DONE], "tcp", None)
    assert (socket.state, socket.inode, socket.uid) == ("TIME_WAIT", None, None)
    assert (socket.remote_address, socket.remote_port) == ("10.0.0.9", 443)
    assert (socket.timer, socket.timer_expires, socket.retransmits) == ("timewait", 2500, 3)


def test_state_7_means_something_else_without_a_handshake() -> None:
    assert sock_diag.parse_inet([inet(state=7) + DONE], "udp", None)[0].state == "UNCONNECTED"
    assert sock_diag.parse_inet([inet(state=7) + DONE], "tcp", None)[0].state == "BOUND"
    assert sock_diag.parse_inet([inet(state=99) + DONE], "tcp", None)[0].state == "99"


def test_messages_over_several_datagrams_are_one_answer() -> None:
    found = sock_diag.parse_inet([inet(cookie=1) + inet(cookie=2), inet(cookie=3, tail=b"\0" * 8), DONE], "tcp", None)
    assert [socket.cookie for socket in found] == [1, 2, 3]


@pytest.mark.parametrize("kind", [2, 3])
def test_unsupported_is_not_none_wherever_the_kernel_says_it(kind: int) -> None:
    data = struct.pack("=IHHIIi", 20, kind, 2, 1, 0, -2)
    with pytest.raises(Unsupported, match="no handler"):
        sock_diag.parse_inet([data], "tcp", None)
    with pytest.raises(PermissionError):
        sock_diag.parse_inet([struct.pack("=IHHIIi", 20, kind, 2, 1, 0, -1)], "tcp", None)


@pytest.mark.parametrize(
    "datagrams",
    [
        [],
        [inet()],
        [inet() + DONE[:10]],
        [inet()[:-1]],
        [b"\0" * 16],
        [struct.pack("=IHHII", 40, 20, 2, 1, 0) + b"\0" * 24 + DONE],
        [struct.pack("=IHHII", 4000, 20, 2, 1, 0)],
    ],
)
def test_a_broken_answer_is_refused_and_never_a_shorter_list(datagrams: list[bytes]) -> None:
    with pytest.raises(sock_diag.Malformed):
        sock_diag.parse_inet(datagrams, "tcp", None)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        (b"/run/a b.sock\0", "/run/a b.sock"),
        (b"/run/two\nlines", "/run/two\nlines"),
        (b"\0abstract", "@abstract"),
        (b"\0a\0b\0", "@a@b@"),
        (b"/run/\xff", "/run/\\xff"),
        (None, None),
    ],
)
def test_unix_names(name: bytes | None, path: str | None) -> None:
    [socket] = sock_diag.parse_unix([unix(name, peer=8) + DONE], None)
    assert socket.path == path
    assert (socket.state, socket.inode, socket.peer_inode, socket.uid) == ("LISTEN", 9, 8, 1000)
    assert (socket.receive_queue, socket.send_queue) == (1, 16)


def test_a_unix_attribute_that_runs_over_is_refused() -> None:
    data = unix(b"/x")
    broken = data[:32] + struct.pack("=HH", 9000, 0) + data[36:]
    with pytest.raises(sock_diag.Malformed):
        sock_diag.parse_unix([broken + DONE], None)


HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = b"   0: 0100007F:1F90 0100007F:D431 01 00000010:00000020 02:000003E8 00000001  1000        0 5555 2 0 20 4\n"


def test_a_row_of_proc_net_tcp() -> None:
    [socket] = proc_net.parse_inet(HEAD + ROW, "ipv4", "tcp", 7)
    assert socket[:8] == ("tcp", "ipv4", "stream", "ESTABLISHED", "127.0.0.1", 8080, "127.0.0.1", 54321)
    assert (socket.inode, socket.uid, socket.send_queue, socket.receive_queue) == (5555, 1000, 16, 32)
    assert (socket.timer, socket.timer_expires, socket.retransmits, socket.cookie) == ("keepalive", 10000, 1, None)


def test_an_ipv6_address_is_four_words() -> None:
    row = ROW.replace(b"0100007F:1F90", b"00000000000000000000000001000000:0016").replace(
        b"0100007F:D431", b"00000000000000000000000000000000:0000"
    )
    [socket] = proc_net.parse_inet(HEAD + row, "ipv6", "tcp", None)
    assert (socket.local_address, socket.local_port, socket.remote_address) == ("::1", 22, None)


def test_a_broken_row_is_a_fault_with_its_file() -> None:
    with pytest.raises(Unparsable, match="/proc/net/udp"):
        proc_net.parse_inet(HEAD + b"   0: 0100007F 00\n", "ipv4", "udp", None)


def test_unix_paths_with_spaces_and_newlines_stay_whole() -> None:
    data = (
        b"Num       RefCount Protocol Flags    Type St Inode Path\n"
        b"0000000000000000: 00000002 00000000 00010000 0001 01  1234 /tmp/us 30360.sock\n"
        b"0000000000000000: 00000003 00000000 00000000 0001 03  1235\n"
        b"0000000000000000: 00000002 00000000 00000000 0002 01  1236 /tmp/two\nlines\n"
        b"0000000000000000: 00000002 00000000 00000000 0005 01  1237 @abstract\n"
    )
    found = proc_net.parse_unix(data, None)
    assert [(socket.inode, socket.path, socket.type, socket.state) for socket in found] == [
        (1234, "/tmp/us 30360.sock", "stream", "LISTEN"),
        (1235, None, "stream", "ESTABLISHED"),
        (1236, "/tmp/two\nlines", "datagram", "UNCONNECTED"),
        (1237, "@abstract", "seqpacket", "UNCONNECTED"),
    ]
