"""The parsing of socket lists on literal bytes: netlink answers and the files of /proc/net."""

from __future__ import annotations

import errno
import signal
import socket
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest

from sqlports.sources import (
    bytecode,
    inet_diag,
    netlink_diag,
    packet_diag,
    proc_net,
    states,
    tcp_info,
    unix_diag,
    vsock_diag,
)
from sqlports.sources.namespaces import Namespace
from sqlports.sources.procfs import Unparsable
from sqlports.sources.records import Memory, SocketRecord, Unsupported
from sqlports.sources.sock_diag import Changed, Malformed, attribute
from sqlports.sources.sockets import KINDS, Listing, Socket
from sqlports.sources.tcp_info import TcpInfo

HERE = Namespace("/proc", own="/proc/self/net")
SOCKET, ERROR, DONE_TYPE = 20, 2, 3
INTERRUPTED = 0x10

# INET_DIAG_* of include/uapi/linux/inet_diag.h.
INFO, CONG, TOS, TCLASS, SKMEMINFO, SHUTDOWN, PROTOCOL, SKV6ONLY, MARK, ULP_INFO, CGROUP_ID, SOCKOPT = (
    2, 4, 5, 6, 7, 8, 10, 11, 15, 19, 21, 22,
)  # fmt: skip
MEMORY = Memory(1, 2, 3, 4, 5, 6, 7, 8, 9)
MEMINFO_BYTES = struct.pack("=9I", *MEMORY)


@pytest.fixture(autouse=True)
def endless() -> Iterator[None]:
    """A reader that never comes to an end is a failure, before it has taken all memory."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGVTALRM, stop)
    # Of the processor's time, so that a busy machine makes no difference.
    signal.setitimer(signal.ITIMER_VIRTUAL, 5)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def listing(family: str, protocol: str, *parts: str) -> Listing:
    [kind] = [kind for kind in KINDS if (kind.family, kind.protocol) == (family, protocol)]
    return Listing(None, kind, HERE, frozenset(parts))  # type: ignore[arg-type]


TCP, TCP6, UDP, RAW = listing("ipv4", "tcp"), listing("ipv6", "tcp"), listing("ipv4", "udp"), listing("ipv4", "raw")
UNIX, PACKET, NETLINK = listing("unix", "unix"), listing("packet", "packet"), listing("netlink", "netlink")
VSOCK = listing("vsock", "vsock")


def message(body: bytes, kind: int = SOCKET, flags: int = 2, length: int | None = None) -> bytes:
    """A netlink message, padded to a multiple of four."""
    size = 16 + len(body)
    return (struct.pack("=IHHII", size if length is None else length, kind, flags, 1, 0) + body).ljust((size + 3) & ~3, b"\0")


def number(value: int) -> bytes:
    return struct.pack("=i", value)


DONE = message(number(0), DONE_TYPE)


def inet(
    state: int = 10,
    local: tuple[str, int] = ("127.0.0.1", 80),
    remote: tuple[str, int] = ("0.0.0.0", 0),
    inode: int = 777,
    uid: int = 1000,
    timer: int = 0,
    cookie: int = 5,
    tail: bytes = b"",
    interface: int = 0,
    queues: tuple[int, int] = (1, 128),
    flags: int = 2,
) -> bytes:
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    addresses = b"".join(socket.inet_pton(family, host).ljust(16, b"\0") for host, _ in (local, remote))
    body = struct.pack("=BBBB", 2 if family == socket.AF_INET else 10, state, timer, 3)
    body += struct.pack(">HH", local[1], remote[1]) + addresses
    body += struct.pack("=IQ", interface, cookie) + struct.pack("=IIIII", 2500, *queues, uid, inode) + tail
    return message(body, flags=flags)


def unix(
    name: bytes | None = None,
    *,
    kind: int = 1,
    state: int = 10,
    inode: int = 9,
    peer: int = 0,
    cookie: int = 33,
    tail: bytes = b"",
) -> bytes:
    body = struct.pack("=BBBBIQ", 1, kind, state, 0, inode, cookie)
    body += attribute(0, name) if name is not None else b""
    body += attribute(2, struct.pack("=I", peer)) if peer else b""
    return message(body + attribute(4, struct.pack("=II", 1, 16)) + attribute(7, struct.pack("=I", 1000)) + tail)


def packet(kind: int = 3, protocol: int = 3, inode: int = 9, cookie: int = 33, tail: bytes = b"") -> bytes:
    return message(struct.pack("=BBHIQ", 17, kind, protocol, inode, cookie) + tail)


def netlink(kind: int = 3, protocol: int = 0, state: int = 0, ident: int = 4711, cookie: int = 33, tail: bytes = b"") -> bytes:
    return message(struct.pack("=BBBBIIIIQ", 16, kind, protocol, state, ident, 0, 0, 9, cookie) + tail)


ANY = 0xFFFFFFFF


def vsock(
    kind: int = 1, state: int = 10, closed: int = 0, local: tuple[int, int] = (2, 1024), remote: tuple[int, int] = (ANY, ANY)
) -> bytes:
    return message(struct.pack("=BBBBIIIIIQ", 40, kind, state, closed, *local, *remote, 9, 33))


def one(data: bytes, of: Listing = TCP) -> Socket:
    [row] = inet_diag.parse([data + DONE], of)
    return row


def only(rows: Sequence[Socket]) -> Socket:
    [row] = rows
    return row


# TCP and its like.


def test_a_listener_has_no_remote_end_and_a_backlog_instead_of_queues() -> None:
    row = one(inet())
    assert (row.protocol, row.family, row.type, row.state) == ("tcp", "ipv4", "stream", "LISTEN")
    assert (row.local_address, row.local_port, row.remote_address, row.remote_port) == ("127.0.0.1", 80, None, None)
    assert (row.inode, row.uid, row.cookie, row.net_namespace) == (777, 1000, 5, None)
    assert (row.backlog, row.backlog_limit, row.receive_queue, row.send_queue, row.retransmits) == (1, 128, None, None, None)
    assert (row.timer, row.timer_expires, row.interface) == (None, None, None)


def test_a_connection_has_queues_and_no_backlog() -> None:
    row = one(inet(state=1, remote=("10.0.0.9", 443), timer=1))
    assert (row.state, row.remote_address, row.remote_port) == ("ESTABLISHED", "10.0.0.9", 443)
    assert (row.backlog, row.backlog_limit, row.receive_queue, row.send_queue) == (None, None, 1, 128)
    assert (row.timer, row.timer_expires, row.retransmits) == ("retransmit", 2500, 3)


def test_a_time_wait_socket_has_no_inode_and_nobodys_uid() -> None:
    row = one(inet(state=6, remote=("10.0.0.9", 443), inode=0, uid=0, timer=3))
    assert (row.state, row.inode, row.uid) == ("TIME_WAIT", None, None)
    assert (row.remote_address, row.remote_port) == ("10.0.0.9", 443)
    assert (row.timer, row.timer_expires, row.retransmits) == ("timewait", 2500, 3)


@pytest.mark.parametrize(
    ("timer", "name"), [(1, "retransmit"), (2, "keepalive"), (3, "timewait"), (4, "probe"), (5, "delayed_ack"), (6, None)]
)
def test_timers(timer: int, name: str | None) -> None:
    row = one(inet(state=1, timer=timer))
    assert (row.timer, row.timer_expires) == (name, 2500)


@pytest.mark.parametrize(
    ("protocol", "state", "name"),
    [
        ("tcp", 1, "ESTABLISHED"),
        ("tcp", 2, "SYN_SENT"),
        ("tcp", 3, "SYN_RECV"),
        ("tcp", 4, "FIN_WAIT1"),
        ("tcp", 5, "FIN_WAIT2"),
        ("tcp", 7, "BOUND"),
        ("tcp", 8, "CLOSE_WAIT"),
        ("tcp", 9, "LAST_ACK"),
        ("tcp", 11, "CLOSING"),
        ("tcp", 12, "SYN_RECV"),
        ("tcp", 99, "99"),
        ("udp", 1, "ESTABLISHED"),
        ("udp", 7, "UNCONNECTED"),
        ("udplite", 7, "UNCONNECTED"),
        ("raw", 1, "ESTABLISHED"),
        ("raw", 7, "UNCONNECTED"),
        ("mptcp", 1, "ESTABLISHED"),
        ("mptcp", 7, "CLOSE"),
        ("mptcp", 10, "LISTEN"),
        ("sctp", 1, "COOKIE_WAIT"),
        ("sctp", 2, "COOKIE_ECHOED"),
        ("sctp", 3, "ESTABLISHED"),
        ("sctp", 4, "SHUTDOWN_PENDING"),
        ("sctp", 5, "SHUTDOWN_SENT"),
        ("sctp", 6, "SHUTDOWN_RECEIVED"),
        ("sctp", 7, "CLOSE"),
        ("sctp", 10, "LISTEN"),
    ],
)
def test_what_the_number_of_a_state_means_depends_on_the_protocol(protocol: str, state: int, name: str) -> None:
    assert one(inet(state=state), listing("ipv4", protocol)).state == name


def test_a_state_is_asked_for_by_the_numbers_it_has_in_the_protocol() -> None:
    assert states.mask("tcp", frozenset(("LISTEN",))) == 1 << 10
    assert states.mask("tcp", frozenset(("BOUND",))) & 1 << 13
    assert states.mask("tcp", frozenset(("SYN_RECV",))) & 1 << 3
    assert states.mask("udp", frozenset(("UNCONNECTED",))) == 1 << 7
    assert states.mask("udp", frozenset(("LISTEN", "UNCONNECTED"))) & 1 << 7
    assert states.mask("tcp", frozenset()) == 0
    assert states.mask("sctp", frozenset(("LISTEN",))) == 0xFFFFFFFF


def test_addresses_of_ipv6() -> None:
    row = one(inet(state=1, local=("2001:db8::1", 22), remote=("fe80::2", 50000)), TCP6)
    assert (row.family, row.local_address, row.remote_address) == ("ipv6", "2001:db8::1", "fe80::2")
    assert one(inet(local=("::ffff:10.0.0.1", 22), remote=("::", 0)), TCP6).local_address == "::ffff:10.0.0.1"


def test_a_raw_socket_has_a_protocol_and_no_ports() -> None:
    row = one(inet(state=7, local=("0.0.0.0", 58), tail=attribute(PROTOCOL, b"\x01")), RAW)
    assert (row.local_port, row.remote_port, row.remote_address, row.type) == (None, None, None, "raw")
    assert row.subprotocol == "icmp"
    row = one(inet(state=1, local=("0.0.0.0", 89), remote=("10.0.0.9", 0)), RAW)
    assert (row.subprotocol, row.remote_address, row.remote_port) == ("89", "10.0.0.9", None)


def test_the_cookie_has_64_bits() -> None:
    assert one(inet(cookie=0x1234_5678_9ABC_DEF0)).cookie == 0x1234_5678_9ABC_DEF0


def test_all_fields_are_there_even_without_attributes() -> None:
    """What the kernel does not tell is None, not 0 and no error."""
    for protocol in inet_diag.PROTOCOLS:
        row = one(inet(state=1), listing("ipv4", protocol))
        record = {name: getattr(row, name) for name in SocketRecord._fields}
        for name in ("path", "abstract", "ident", "peer_inode", "pid", "fd"):
            assert record[name] is None
        for name in ("shutdown", "v6only", "options", "mark", "cgroup_id"):
            assert record[name] is None
        assert (row.told("info"), row.told("memory")) == (None, None)


# The attributes of them.


@pytest.mark.parametrize(("told", "shown"), [(0, None), (1, "receive"), (2, "send"), (3, "both"), (0x13, "both"), (4, None)])
def test_directions_that_were_shut_down(told: int, shown: str | None) -> None:
    assert one(inet(state=5, tail=attribute(SHUTDOWN, bytes((told,))))).shutdown == shown


def test_the_number_of_the_control_group() -> None:
    assert one(inet(tail=attribute(CGROUP_ID, struct.pack("=Q", 2**40 + 1)))).cgroup_id == 2**40 + 1
    assert one(inet(tail=attribute(CGROUP_ID, b"\1\0\0\0"))).cgroup_id is None


@pytest.mark.parametrize(
    ("bits", "shown"),
    [
        ((0b0000_0000, 0), None),
        ((0b0101_0010, 0), None),
        ((0b0000_0101, 0), "recverr|freebind"),
        ((0b1010_1000, 0), "hdrincl|transparent|nodefrag"),
        ((0, 0b111), "bind_address_no_port|recverr_rfc4884|defer_connect"),
        ((0b1111_1111, 0b1111_1111), "recverr|freebind|hdrincl|transparent|nodefrag|"
         "bind_address_no_port|recverr_rfc4884|defer_connect"),
    ],
)  # fmt: skip
def test_options_are_those_that_are_set_and_say_something(bits: tuple[int, int], shown: str | None) -> None:
    assert one(inet(tail=attribute(SOCKOPT, bytes(bits)))).options == shown


def test_options_of_a_kernel_with_one_byte_of_them() -> None:
    assert one(inet(tail=attribute(SOCKOPT, b"\x04"))).options == "freebind"


def test_v6only_is_0_where_it_is_told_and_off() -> None:
    address = ("::", 80)
    assert one(inet(local=address, remote=("::", 0), tail=attribute(SKV6ONLY, b"\1")), TCP6).v6only == 1
    assert one(inet(local=address, remote=("::", 0), tail=attribute(SKV6ONLY, b"\0")), TCP6).v6only == 0
    assert one(inet(local=address, remote=("::", 0)), TCP6).v6only is None


def test_the_mark_is_0_where_it_is_told_and_none() -> None:
    assert one(inet(tail=attribute(MARK, struct.pack("=I", 0xFFFFFFFF)))).mark == 0xFFFFFFFF
    assert one(inet(tail=attribute(MARK, bytes(4)))).mark == 0
    assert one(inet()).mark is None


def test_the_memory() -> None:
    row = one(inet(state=7, tail=attribute(SKMEMINFO, MEMINFO_BYTES)), listing("ipv4", "udp", "memory"))
    assert row.told("memory") == MEMORY
    assert (row.memory.receive, row.memory.receive_buffer, row.memory.send, row.memory.send_buffer) == (1, 2, 3, 4)
    assert (row.memory.reserved, row.memory.queued, row.memory.options, row.memory.backlog, row.memory.drops) == (5, 6, 7, 8, 9)
    longer = one(inet(tail=attribute(SKMEMINFO, MEMINFO_BYTES + bytes(8))))
    assert longer.told("memory") == MEMORY
    # Before Linux 4.7 there were no drops; a part of the structure is no structure.
    assert one(inet(tail=attribute(SKMEMINFO, MEMINFO_BYTES[:-4]))).told("memory") is None


def test_all_attributes_at_once_in_any_order() -> None:
    parts = [
        attribute(SHUTDOWN, b"\2"),
        attribute(CGROUP_ID, struct.pack("=Q", 7)),
        attribute(SOCKOPT, b"\4\0"),
        attribute(MARK, struct.pack("=I", 3)),
        attribute(SKMEMINFO, MEMINFO_BYTES),
        attribute(CONG, b"cubic\0"),
        attribute(99, b"of a later kernel"),
    ]
    for order in (parts, parts[::-1]):
        row = one(inet(state=1, tail=b"".join(order)), listing("ipv4", "tcp", "info", "memory"))
        assert (row.shutdown, row.cgroup_id, row.options, row.mark) == ("send", 7, "freebind", 3)
        assert (row.memory, row.info) == (MEMORY, TcpInfo(congestion="cubic"))


def test_the_number_of_an_attribute_may_have_flags() -> None:
    """NLA_F_NESTED and NLA_F_NET_BYTEORDER are its two highest bits."""
    assert one(inet(tail=attribute(0xC000 | MARK, struct.pack("=I", 3)))).mark == 3


# tcp_info.

# Each field is told from every other by its value: eight bytes, then words, by what include/uapi/linux/tcp.h calls them.
_BYTES = "state ca_state retransmits probes backoff options scales limited".split()  # noqa: SIM905
_WORDS = (  # noqa: SIM905 one line each would be fifty
    "I:rto I:ato I:snd_mss I:rcv_mss I:unacked I:sacked I:lost I:retrans I:fackets I:last_data_sent I:last_ack_sent "
    "I:last_data_recv I:last_ack_recv I:pmtu I:rcv_ssthresh I:rtt I:rttvar I:snd_ssthresh I:snd_cwnd I:advmss I:reordering "
    "I:rcv_rtt I:rcv_space I:total_retrans Q:pacing_rate Q:max_pacing_rate Q:bytes_acked Q:bytes_received I:segs_out I:segs_in "
    "I:notsent_bytes I:min_rtt I:data_segs_in I:data_segs_out Q:delivery_rate Q:busy_time Q:rwnd_limited Q:sndbuf_limited "
    "I:delivered I:delivered_ce Q:bytes_sent Q:bytes_retrans I:dsack_dups I:reord_seen I:rcv_ooopack I:snd_wnd "
    "I:rcv_wnd I:rehash"
).split()
VALUES = {name.partition(":")[2]: 1000 + place for place, name in enumerate(_WORDS)} | {"ca_state": 3, "backoff": 4}


def info_bytes(size: int = 280, **values: int) -> bytes:
    told = {**VALUES, **values}
    data = bytes(told.get(name, 0) for name in _BYTES)
    data += b"".join(struct.pack("=" + word[0], told[word[2:]]) for word in _WORDS)
    return data.ljust(280, b"\x7f")[:size]


EXPECTED = TcpInfo(
    congestion_state="recovery",
    backoff=4,
    rto=VALUES["rto"] / 1000,
    ato=VALUES["ato"] / 1000,
    mss=VALUES["snd_mss"],
    receive_mss=VALUES["rcv_mss"],
    unacked=VALUES["unacked"],
    sacked=VALUES["sacked"],
    lost=VALUES["lost"],
    retransmitting=VALUES["retrans"],
    last_send=VALUES["last_data_sent"],
    last_receive=VALUES["last_data_recv"],
    last_ack=VALUES["last_ack_recv"],
    path_mtu=VALUES["pmtu"],
    rtt=VALUES["rtt"] / 1000,
    rtt_variance=VALUES["rttvar"] / 1000,
    min_rtt=VALUES["min_rtt"] / 1000,
    receive_rtt=VALUES["rcv_rtt"] / 1000,
    cwnd=VALUES["snd_cwnd"],
    ssthresh=VALUES["snd_ssthresh"],
    advertised_mss=VALUES["advmss"],
    reordering=VALUES["reordering"],
    retransmitted=VALUES["total_retrans"],
    pacing_rate=VALUES["pacing_rate"],
    delivery_rate=VALUES["delivery_rate"],
    bytes_acked=VALUES["bytes_acked"],
    bytes_received=VALUES["bytes_received"],
    bytes_sent=VALUES["bytes_sent"],
    bytes_retransmitted=VALUES["bytes_retrans"],
    segments_out=VALUES["segs_out"],
    segments_in=VALUES["segs_in"],
    data_segments_out=VALUES["data_segs_out"],
    data_segments_in=VALUES["data_segs_in"],
    not_sent=VALUES["notsent_bytes"],
    delivered=VALUES["delivered"],
    out_of_order=VALUES["rcv_ooopack"],
    send_window=VALUES["snd_wnd"],
    receive_window=VALUES["rcv_wnd"],
    busy=VALUES["busy_time"] / 1000,
    window_limited=VALUES["rwnd_limited"] / 1000,
    buffer_limited=VALUES["sndbuf_limited"] / 1000,
    congestion="cubic",
    ulp="tls",
    tos=0x10,
)
ULP_TLS = attribute(ULP_INFO, attribute(1, b"tls\0") + attribute(2, attribute(1, b"\4\3")))


def info(data: bytes, state: int = 1, of: Listing = TCP, tail: bytes = b"") -> Any:
    return one(inet(state=state, tail=attribute(INFO, data) + tail), of).told("info")


def test_every_field_of_tcp_info() -> None:
    tail = attribute(CONG, b"cubic\0") + attribute(TOS, b"\x10") + ULP_TLS
    assert info(info_bytes(), tail=tail) == EXPECTED
    assert None not in EXPECTED


def test_a_connection_that_is_told_together_with_its_list_asks_nothing_more() -> None:
    row = one(inet(state=1, tail=attribute(INFO, info_bytes())), listing("ipv4", "tcp", "info"))
    assert row.info.cwnd == VALUES["snd_cwnd"]


# The first field that structures of these sizes lack.
LATER = {
    104: ("pacing_rate", "bytes_acked", "segments_out", "min_rtt", "delivery_rate", "delivered", "send_window"),
    136: ("segments_out", "min_rtt", "delivery_rate", "delivered", "bytes_sent", "send_window"),
    192: ("delivered", "bytes_sent", "bytes_retransmitted", "out_of_order", "send_window", "receive_window"),
    232: ("receive_window",),
    240: (),
}


@pytest.mark.parametrize("size", LATER)
def test_older_kernels_tell_less_and_that_is_null(size: int) -> None:
    found = info(info_bytes(size), tail=attribute(CONG, b"cubic\0") + attribute(TOS, b"\x10") + ULP_TLS)
    for name in LATER[size]:
        assert getattr(found, name) is None
    for name, value, expected in zip(TcpInfo._fields, found, EXPECTED, strict=True):
        assert value in (None, expected), name
    assert (found.rtt, found.cwnd, found.retransmitted) == (EXPECTED.rtt, EXPECTED.cwnd, EXPECTED.retransmitted)
    assert (found.pacing_rate is None) == (size < 112)


def test_every_length_of_tcp_info_is_read_as_far_as_it_goes() -> None:
    told = 0
    for size in range(281):
        found = tcp_info.parse(info_bytes(size))
        assert all(mine in (None, its) for mine, its in zip(found[:-3], EXPECTED[:-3], strict=True)), size
        known = sum(value is not None for value in found)
        assert known >= told
        told = known


def test_what_is_not_measured_yet_is_null() -> None:
    found = info(info_bytes(rtt=0, rttvar=0, rcv_rtt=0, ato=0, pmtu=0, min_rtt=ANY, snd_ssthresh=0x7FFFFFFF, delivery_rate=0))
    unmeasured = (found.rtt, found.rtt_variance, found.receive_rtt, found.ato, found.path_mtu, found.min_rtt, found.ssthresh)
    assert unmeasured == (None,) * 7
    assert found.delivery_rate is None
    assert info(info_bytes(pacing_rate=2**64 - 1)).pacing_rate is None


def test_a_count_of_0_is_0() -> None:
    found = info(info_bytes(total_retrans=0, lost=0, bytes_acked=0, notsent_bytes=0, busy_time=0))
    assert (found.retransmitted, found.lost, found.bytes_acked, found.not_sent, found.busy) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize(
    ("told", "name"), [(0, "open"), (1, "disorder"), (2, "cwr"), (3, "recovery"), (4, "loss"), (5, "5"), (255, "255")]
)
def test_congestion_states(told: int, name: str) -> None:
    assert info(info_bytes(ca_state=told)).congestion_state == name


def test_an_empty_tcp_info_tells_nothing() -> None:
    assert tcp_info.parse(b"") == TcpInfo()


def test_what_a_listener_has_in_tcp_info_is_not_a_connections() -> None:
    assert info(info_bytes(), state=10) is None
    assert info(info_bytes(), state=10, tail=attribute(CONG, b"reno\0")) == TcpInfo(congestion="reno")


@pytest.mark.parametrize("protocol", ["mptcp", "sctp", "udp"])
def test_other_protocols_have_structures_of_their_own(protocol: str) -> None:
    assert info(info_bytes(), of=listing("ipv4", protocol)) is None


@pytest.mark.parametrize(
    ("of", "tail", "tos"),
    [
        (TCP, attribute(TOS, b"\x10"), 0x10),
        (TCP, attribute(TOS, b"\0"), 0),
        (TCP, b"", None),
        (TCP6, attribute(TOS, b"\0") + attribute(TCLASS, b"\x20"), 0x20),
        (TCP6, attribute(TCLASS, b"\0") + attribute(TOS, b"\x10"), 0),
        (TCP6, attribute(TOS, b"\x10"), 0x10),
    ],
)
def test_the_class_of_service_is_ipv6s_own(of: Listing, tail: bytes, tos: int | None) -> None:
    address = {"ipv4": ("127.0.0.1", "127.0.0.2"), "ipv6": ("::1", "::2")}[of.family]
    row = one(inet(state=1, local=(address[0], 1), remote=(address[1], 2), tail=attribute(CONG, b"bbr\0") + tail), of)
    assert row.told("info") == TcpInfo(congestion="bbr", tos=tos)


def test_an_upper_layer_protocol() -> None:
    assert one(inet(state=1, tail=ULP_TLS)).told("info") == TcpInfo(ulp="tls")
    assert one(inet(state=1, tail=attribute(ULP_INFO, attribute(1, b"mptcp\0")))).told("info") == TcpInfo(ulp="mptcp")
    assert one(inet(state=1, tail=attribute(ULP_INFO, attribute(2, b"")))).told("info") is None
    assert one(inet(state=1, tail=attribute(ULP_INFO, b""))).told("info") is None


# What holds for all lists.

FAMILIES: dict[str, tuple[Any, Listing, bytes, bytes]] = {
    "inet": (inet_diag.parse, TCP, inet(cookie=1), inet(cookie=2, tail=attribute(CGROUP_ID, bytes(8)))),
    "unix": (unix_diag.parse, UNIX, unix(b"/x", cookie=1), unix(b"/a longer one", cookie=2)),
    "packet": (packet_diag.parse, PACKET, packet(cookie=1), packet(cookie=2, tail=attribute(5, bytes(4)))),
    "netlink": (netlink_diag.parse, NETLINK, netlink(cookie=1), netlink(cookie=2, tail=attribute(0, MEMINFO_BYTES))),
    "vsock": (vsock_diag.parse, VSOCK, vsock(), vsock(kind=2)[:-8] + struct.pack("=Q", 34)),
}


def cookies(rows: Iterable[Socket]) -> list[int]:
    return [row.cookie or 0 for row in rows]


@pytest.mark.parametrize("family", FAMILIES)
def test_messages_over_several_datagrams_are_one_answer(family: str) -> None:
    parse, of, one, other = FAMILIES[family]
    expected = cookies(parse([one + other + DONE], of))
    assert len(expected) == 2
    assert cookies(parse([one, other, DONE], of)) == expected
    assert cookies(parse([one, other + DONE], of)) == expected
    assert cookies(parse([b"", one + other, b"", DONE], of)) == expected
    assert list(parse([DONE], of)) == []


@pytest.mark.parametrize("family", FAMILIES)
def test_a_socket_that_comes_twice_is_one(family: str) -> None:
    parse, of, one, other = FAMILIES[family]
    assert sorted(cookies(parse([one + other + one, one + one, other + DONE], of))) == sorted(
        cookies(parse([one + other + DONE], of))
    )


def test_of_a_socket_that_changed_on_the_way_what_came_first_is_told() -> None:
    rows = inet_diag.parse([inet(state=1) + inet(cookie=6) + inet(state=8) + DONE], TCP)
    assert {row.cookie: row.state for row in rows} == {5: "ESTABLISHED", 6: "LISTEN"}
    rows = unix_diag.parse([unix(state=1) + unix(cookie=6) + unix(state=7) + DONE], UNIX)
    assert {row.cookie: row.state for row in rows} == {33: "ESTABLISHED", 6: "LISTEN"}
    assert len(rows) == 2


def test_messages_of_different_lengths_in_one_datagram() -> None:
    tails = [b"", attribute(MARK, number(1)), attribute(CGROUP_ID, bytes(8)), b"", b"", attribute(SHUTDOWN, b"\1"), b""]
    data = b"".join(inet(cookie=place, tail=tail) for place, tail in enumerate(tails))
    rows = inet_diag.parse([data + DONE], TCP)
    assert cookies(rows) == list(range(len(tails)))
    assert [(row.mark, row.cgroup_id, row.shutdown) for row in rows] == [
        (None, None, None), (1, None, None), (None, 0, None), (None, None, None), (None, None, None),
        (None, None, "receive"), (None, None, None),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_padding_of_the_last_message_of_a_datagram_may_lack(count: int) -> None:
    """A length that is no multiple of four: the kernel pads between messages, and may leave it out at the end."""
    unpadded = struct.pack("=HH", 5, SHUTDOWN) + b"\2"
    body = inet()[16:] + unpadded
    padded, bare = message(body), message(body)[: 16 + len(body)]
    assert len(padded) - len(bare) == 3
    block = b"".join(padded.replace(struct.pack("=Q", 5), struct.pack("=Q", 100 + place)) for place in range(count - 1)) + bare
    rows = inet_diag.parse([block, DONE], TCP)
    assert len(rows) == count
    assert [row.shutdown for row in rows] == ["send"] * count
    name = struct.pack("=HH", 7, 0) + b"/xy"
    body = struct.pack("=BBBBIQ", 1, 1, 1, 0, 9, 33) + name
    row = only(unix_diag.parse([message(body)[: 16 + len(body)], DONE], UNIX))
    assert row.path == "/xy"


def test_an_answer_is_read_no_further_than_its_end() -> None:
    def datagrams() -> Iterator[bytes]:
        yield inet() + DONE + b"what follows is no part of it"
        raise AssertionError("the kernel would never answer")

    assert len(inet_diag.parse(datagrams(), TCP)) == 1


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", [ERROR, DONE_TYPE])
def test_unsupported_is_not_none_wherever_the_kernel_says_it(family: str, kind: int) -> None:
    parse, of, one, _ = FAMILIES[family]
    for before in (b"", one):
        with pytest.raises(Unsupported, match=f"sock_diag {of.protocol}: the kernel has no handler for it"):
            parse([before + message(number(-errno.ENOENT), kind)], of)
        with pytest.raises(Unsupported, match="the kernel does not know the request"):
            parse([before + message(number(-errno.EINVAL), kind)], of)
        with pytest.raises(PermissionError, match=f"sock_diag {of.protocol}"):
            parse([before + message(number(-errno.EPERM), kind)], of)
        with pytest.raises(OSError) as caught:
            parse([before + message(number(-errno.ENOBUFS), kind)], of)
        assert caught.value.errno == errno.ENOBUFS


def test_an_error_may_quote_the_request() -> None:
    quoted = number(-errno.ENOENT) + inet_diag.request(TCP, 0xFFF)
    with pytest.raises(Unsupported):
        inet_diag.parse([message(quoted, ERROR)], TCP)


@pytest.mark.parametrize("kind", [ERROR, DONE_TYPE])
@pytest.mark.parametrize("payload", [b"", b"\xfe", b"\xfe\xff\xff"])
def test_an_end_that_does_not_say_how_it_ended_is_refused(kind: int, payload: bytes) -> None:
    with pytest.raises(Malformed):
        inet_diag.parse([inet() + message(payload, kind)], TCP)


@pytest.mark.parametrize("kind", [ERROR, DONE_TYPE])
@pytest.mark.parametrize("value", [1, 2**31 - 1, -4096, -(2**31)])
def test_an_end_with_what_is_no_error_number_is_refused(kind: int, value: int) -> None:
    with pytest.raises(Malformed):
        inet_diag.parse([inet() + message(number(value), kind)], TCP)


@pytest.mark.parametrize("kind", [0, 4, 15, 16, 19, 21, 24, 0xFFFF])
def test_a_message_that_is_no_socket_is_refused_and_not_left_out(kind: int) -> None:
    """NLMSG_OVERRUN (4), which says that something was lost, least of all."""
    with pytest.raises(Malformed):
        inet_diag.parse([inet(cookie=1) + message(inet(cookie=2)[16:], kind) + DONE], TCP)


def test_a_message_that_is_nothing_is_left_out() -> None:
    """NLMSG_NOOP is to be ignored (netlink(7))."""
    assert len(inet_diag.parse([inet() + message(b"", 1) + DONE], TCP)) == 1


@pytest.mark.parametrize("family", FAMILIES)
def test_a_broken_answer_is_refused_and_never_a_shorter_list(family: str) -> None:
    parse, of, one, other = FAMILIES[family]
    broken = [
        [],
        [b""],
        [one],
        [one, other],
        [one + DONE[:10]],
        [one + DONE[:16]],
        [one[:-1]],
        [one[:-1], DONE],
        [one + other[:-4], DONE],
        [one + b"\0", DONE],
        [one + b"\0\0\0\0", DONE],
        [bytes(16)],
        [one + bytes(16) + DONE],
        [message(bytes(8)) + DONE],
        [message(b"") + DONE],
        [message(one[16:28]) + DONE],
        [message(b"", length=4000)],
        [message(b"", length=15) + DONE],
        [one + message(other[16:], length=len(other) + 1)],
        [one + message(other[16:], length=0xFFFFFFFF) + DONE],
        [one + message(other[16:], length=0) + DONE],
    ]
    for datagrams in broken:
        with pytest.raises(Malformed):
            parse(datagrams, of)
        with pytest.raises(Malformed):
            parse(iter(datagrams), of, False)


@pytest.mark.parametrize(
    "tail", [struct.pack("=HH", 9000, 7), struct.pack("=HH", 3, 7), struct.pack("=HH", 0, 0), b"\x09\0\7\0abcd"]
)
def test_an_attribute_that_runs_over_is_refused(tail: bytes) -> None:
    for parse, data, of in (
        (unix_diag.parse, unix(b"/x", tail=tail), UNIX),
        (packet_diag.parse, packet(tail=tail), PACKET),
        (netlink_diag.parse, netlink(tail=tail), NETLINK),
    ):
        # At the latest when a part is wanted that stands there.
        with pytest.raises(Malformed):
            [row.told("memory") for row in parse([data + DONE], of)]
    row = one(inet(state=1, tail=tail))
    for name in ("shutdown", "v6only", "mark", "cgroup_id", "options"):
        with pytest.raises(Malformed):
            getattr(row, name)
    for part in ("info", "memory"):
        with pytest.raises(Malformed):
            row.told(part)


def test_an_attribute_within_an_attribute_that_runs_over_is_refused() -> None:
    with pytest.raises(Malformed):
        one(inet(state=1, tail=attribute(ULP_INFO, struct.pack("=HH", 90, 1)))).told("info")


@pytest.mark.parametrize("length", [0, 1, 2, 3, 5, 100])
def test_an_attribute_of_another_length_is_no_fault(length: int) -> None:
    """Structures grow with the kernel's versions, and what is too short tells nothing."""
    tail = b"".join(attribute(kind, b"\1" * length) for kind in range(1, 25) if kind != ULP_INFO)
    for protocol in inet_diag.PROTOCOLS:
        row = one(inet(state=1, tail=tail), listing("ipv4", protocol))
        for name in SocketRecord._fields:
            getattr(row, name)
        row.told("info")
        row.told("memory")
    tail = b"".join(attribute(kind, b"\1" * length) for kind in range(1, 9))
    for row in (
        only(unix_diag.parse([unix(b"/x", tail=tail) + DONE], UNIX)),
        only(netlink_diag.parse([netlink(tail=tail) + DONE], NETLINK)),
        only(packet_diag.parse([packet(tail=tail) + DONE], PACKET)),
    ):
        for name in SocketRecord._fields:
            getattr(row, name)
        row.told("memory")


@pytest.mark.parametrize("family", FAMILIES)
def test_an_interrupted_dump_is_told_where_it_matters(family: str) -> None:
    parse, of, one, other = FAMILIES[family]
    interrupted = message(other[16:], flags=2 | INTERRUPTED)
    for datagrams in (
        [one + interrupted + DONE],
        [interrupted, one + DONE],
        [one + other, message(number(0), DONE_TYPE, 2 | INTERRUPTED)],
        [one + one + interrupted + one + other + DONE],
    ):
        with pytest.raises(Changed):
            parse(datagrams, of)
        assert sorted(cookies(parse(datagrams, of, False))) == sorted(cookies(parse([one + other + DONE], of)))


# The other families.


@pytest.mark.parametrize(
    ("name", "path", "abstract"),
    [
        (b"/run/a b.sock\0", "/run/a b.sock", 0),
        (b"/run/two\nlines", "/run/two\nlines", 0),
        (b"/run/cut\0off\0", "/run/cut", 0),
        (b"relative", "relative", 0),
        (b"@at", "@at", 0),
        (b"\0abstract", "@abstract", 1),
        (b"\0a\0b\0", "@a@b@", 1),
        (b"\0\0\0", "@@@", 1),
        (b"\0", "@", 1),
        (b"\0new\nline", "@new\nline", 1),
        (b"/run/\xff", "/run/\\xff", 0),
        ("/run/é".encode(), "/run/é", 0),
        (b"", None, None),
        (None, None, None),
    ],
)
def test_unix_names(name: bytes | None, path: str | None, abstract: int | None) -> None:
    row = only(unix_diag.parse([unix(name, peer=8) + DONE], UNIX))
    assert (row.path, row.abstract) == (path, abstract)
    assert (row.state, row.inode, row.peer_inode, row.uid, row.cookie) == ("LISTEN", 9, 8, 1000, 33)
    assert (row.backlog, row.backlog_limit, row.receive_queue, row.send_queue) == (1, 16, None, None)
    assert (row.local_address, row.local_port, row.shutdown) == (None, None, None)


@pytest.mark.parametrize(("kind", "name"), [(1, "stream"), (2, "datagram"), (5, "seqpacket"), (77, "77")])
def test_unix_types(kind: int, name: str) -> None:
    assert only(unix_diag.parse([unix(kind=kind) + DONE], UNIX)).type == name


@pytest.mark.parametrize(("state", "name"), [(1, "ESTABLISHED"), (7, "UNCONNECTED"), (10, "LISTEN"), (99, "99")])
def test_unix_states(state: int, name: str) -> None:
    assert only(unix_diag.parse([unix(state=state) + DONE], UNIX)).state == name


def test_a_connected_unix_socket_has_queues() -> None:
    tail = attribute(6, b"\1") + attribute(5, MEMINFO_BYTES)
    row = only(unix_diag.parse([unix(state=1, peer=8, tail=tail) + DONE], listing("unix", "unix", "memory")))
    assert (row.receive_queue, row.send_queue, row.backlog, row.backlog_limit) == (1, 16, None, None)
    assert (row.shutdown, row.memory) == ("receive", MEMORY)


def test_what_a_unix_socket_is_not_asked_is_null() -> None:
    row = only(unix_diag.parse([message(struct.pack("=BBBBIQ", 1, 1, 1, 0, 0, 33)) + DONE], listing("unix", "unix", "memory")))
    assert (row.inode, row.peer_inode, row.uid, row.path, row.receive_queue, row.send_queue) == (None,) * 6
    assert row.told("memory") is None


def test_a_packet_socket() -> None:
    tail = attribute(5, number(1000)) + attribute(6, MEMINFO_BYTES)
    row = only(packet_diag.parse([packet(tail=tail) + DONE], listing("packet", "packet", "memory")))
    assert (row.type, row.state, row.subprotocol, row.inode, row.uid) == ("raw", "UNCONNECTED", "all", 9, 1000)
    assert (row.interface, row.memory, row.local_port) == (None, MEMORY, None)


@pytest.mark.parametrize(
    ("protocol", "name"), [(0, None), (3, "all"), (0x800, "ip"), (0x86DD, "ipv6"), (0x88CC, "lldp"), (0x1234, "0x1234")]
)
def test_protocols_over_ethernet(protocol: int, name: str | None) -> None:
    assert only(packet_diag.parse([packet(kind=2, protocol=protocol) + DONE], PACKET)).subprotocol == name


@pytest.mark.linux
def test_interfaces_have_their_names() -> None:
    """The first of every network namespace is lo. One that has gone is shown by its number, whatever it is."""
    assert one(inet(interface=1)).interface == "lo"
    told = attribute(0, struct.pack("=6I", 1, 0, 0, 0, 0, 0))
    assert only(packet_diag.parse([packet(tail=told) + DONE], PACKET)).interface == "lo"
    for gone in (0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
        assert one(inet(interface=gone)).interface == str(gone)


@pytest.mark.parametrize(
    ("protocol", "name"),
    [(0, "route"), (4, "sock_diag"), (9, "audit"), (15, "kobject_uevent"), (16, "generic"), (17, "17"), (200, "200")],
)
def test_netlink_protocols(protocol: int, name: str) -> None:
    row = only(netlink_diag.parse([netlink(protocol=protocol) + DONE], NETLINK))
    assert (row.subprotocol, row.type, row.state, row.ident) == (name, "raw", "UNCONNECTED", 4711)


def test_a_netlink_socket() -> None:
    of = listing("netlink", "netlink", "memory")
    row = only(netlink_diag.parse([netlink(kind=2, state=1, ident=0, tail=attribute(0, MEMINFO_BYTES)) + DONE], of))
    assert (row.type, row.state, row.ident, row.inode, row.uid) == ("datagram", "ESTABLISHED", 0, 9, None)
    assert row.memory == MEMORY
    # A port id is an unsigned number: those that the kernel makes up are large.
    assert only(netlink_diag.parse([netlink(ident=0xFFFFEFFF) + DONE], of)).ident == 0xFFFFEFFF


def test_a_vsock_socket() -> None:
    row = only(vsock_diag.parse([vsock() + DONE], VSOCK))
    assert (row.type, row.state, row.local_address, row.local_port) == ("stream", "LISTEN", "2", 1024)
    assert (row.remote_address, row.remote_port, row.inode, row.cookie, row.shutdown) == (None, None, 9, 33, None)
    row = only(vsock_diag.parse([vsock(5, 1, 3, (ANY, 7), (3, 1025)) + DONE], VSOCK))
    assert (row.type, row.state, row.local_address, row.local_port) == ("seqpacket", "ESTABLISHED", "any", 7)
    assert (row.remote_address, row.remote_port, row.shutdown) == ("3", 1025, "both")
    row = only(vsock_diag.parse([vsock(state=7, local=(ANY, ANY)) + DONE], VSOCK))
    assert (row.state, row.local_port) == ("UNCONNECTED", None)


# The requests.


def test_a_request_has_the_size_that_the_kernel_expects() -> None:
    """And its length in its header."""
    for data, size in (
        (inet_diag.request(TCP, 0xFFF), 16 + 56),
        (inet_diag.request(listing("ipv4", "mptcp"), 0xFFF), 16 + 56 + 8),
        (inet_diag.request(TCP, 0xFFF, bytecode.autobound()), 16 + 56 + 8),
        (unix_diag.request(UNIX), 16 + 24),
        (packet_diag.request(PACKET), 16 + 20),
        (netlink_diag.request(NETLINK), 16 + 20),
        (vsock_diag.request(VSOCK, 0xFFF), 16 + 24),
    ):
        assert len(data) == size
        assert struct.unpack_from("=IHH", data) == (size, 20, 0x301)


def test_what_is_not_wanted_is_not_asked_for() -> None:
    assert inet_diag.request(TCP, 1 << 10)[16:24] == struct.pack("=BBBBI", 2, 6, 0, 0, 1 << 10)
    wanted = listing("ipv6", "tcp", "info", "memory", "owner")
    assert inet_diag.request(wanted, 1)[16:24] == struct.pack("=BBBBI", 10, 6, 0b0111_1010, 0, 1)


# The files of /proc/net.

HEAD = b"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
ROW = b"   0: 0100007F:1F90 0100007F:D431 01 00000010:00000020 02:000003E8 00000001  1000        0 5555 2 0 20 4\n"
LISTENING = (
    b"   1: 00000000:0016 00000000:0000 0A 00000000:00000003 00:00000000 00000000     0        0 66 1 0000 100 0 0 10 0\n"
)
DATAGRAMS = b"  10: 0100007F:0035 00000000:0000 07 00000000:00000100 00:00000000 00000000   101        0 77 2 00000000deadbeef"


def from_file(data: bytes, family: str = "ipv4", protocol: str = "tcp") -> list[Socket]:
    return proc_net.parse(HEAD + data, listing(family, protocol))


def test_a_row_of_proc_net_tcp() -> None:
    row = only(from_file(ROW))
    assert (row.protocol, row.family, row.type, row.state) == ("tcp", "ipv4", "stream", "ESTABLISHED")
    assert (row.local_address, row.local_port, row.remote_address, row.remote_port) == ("127.0.0.1", 8080, "127.0.0.1", 54321)
    assert (row.inode, row.uid, row.send_queue, row.receive_queue) == (5555, 1000, 16, 32)
    assert (row.timer, row.timer_expires, row.retransmits, row.cookie) == ("keepalive", 10000, 1, None)
    assert (row.memory, row.info) == (Memory(), TcpInfo())


def test_a_listener_of_proc_net_tcp() -> None:
    row = only(from_file(LISTENING))
    assert (row.state, row.local_address, row.local_port, row.remote_address) == ("LISTEN", "0.0.0.0", 22, None)
    assert (row.backlog, row.backlog_limit, row.receive_queue, row.send_queue, row.retransmits) == (3, None, None, None, None)
    assert (row.inode, row.uid) == (66, 0)


def test_what_has_no_inode_has_nobodys_uid_there_either() -> None:
    row = only(
        from_file(b"   2: 0100007F:1F90 0100007F:D431 06 00000000:00000000 03:000012A3 00000000     0        0 0 3 0000\n")
    )
    assert (row.state, row.inode, row.uid, row.timer, row.timer_expires) == ("TIME_WAIT", None, None, "timewait", 0x12A3 * 10)


def test_an_ipv6_address_is_four_words() -> None:
    row = ROW.replace(b"0100007F:1F90", b"00000000000000000000000001000000:0016").replace(
        b"0100007F:D431", b"00000000000000000000000000000000:0000"
    )
    found = only(from_file(row, "ipv6"))
    assert (found.local_address, found.local_port, found.remote_address) == ("::1", 22, None)
    row = row.replace(b"00000000000000000000000001000000", b"B80D0120000000000000000002000000")
    assert only(from_file(row, "ipv6")).local_address == "2001:db8::2"


@pytest.mark.parametrize("protocol", ["udp", "udplite"])
def test_datagrams_that_were_dropped(protocol: str) -> None:
    row = only(from_file(DATAGRAMS + b" 42\n", protocol=protocol))
    assert (row.protocol, row.type, row.state, row.local_port) == (protocol, "datagram", "UNCONNECTED", 53)
    assert (row.receive_queue, row.send_queue, row.uid, row.inode) == (256, 0, 101, 77)
    assert (row.memory, row.cookie) == (Memory(drops=42), None)
    assert only(from_file(DATAGRAMS + b" 0\n", protocol=protocol)).memory.drops == 0


def test_a_kernel_that_does_not_tell_the_drops() -> None:
    row = only(from_file(DATAGRAMS + b"\n", protocol="udp"))
    assert (row.inode, row.memory) == (77, Memory())


def test_raw_sockets_have_a_protocol_where_others_have_a_port() -> None:
    row = only(from_file(DATAGRAMS.replace(b":0035", b":0001") + b" 5\n", protocol="raw"))
    assert (row.type, row.subprotocol, row.local_port, row.ident) == ("raw", "icmp", None, None)
    assert (row.remote_address, row.remote_port, row.memory.drops) == (None, None, 5)
    connected = DATAGRAMS.replace(b"00000000:0000", b"0900000A:0000").replace(b" 07 ", b" 01 ").replace(b":0035", b":0059")
    row = only(from_file(connected + b" 5\n", protocol="raw"))
    assert (row.remote_address, row.remote_port, row.subprotocol, row.state) == ("10.0.0.9", None, "89", "ESTABLISHED")


def test_pings_have_an_identifier_where_others_have_a_port() -> None:
    row = only(from_file(DATAGRAMS + b" 0\n", protocol="icmp"))
    assert (row.type, row.ident, row.local_port, row.subprotocol) == ("datagram", 53, None, None)


PACKETS = b"sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n"


@pytest.mark.linux
def test_rows_of_proc_net_packet() -> None:
    rows = proc_net.parse(
        PACKETS
        + b"0000000012345678 3      3    0003   1     1 1344   1000   8817  \n"
        + b"00000000abcdef01 3      2    0806   0     0 0      0      8818  \n",
        PACKET,
    )
    assert [(row.type, row.state, row.subprotocol, row.interface, row.uid, row.inode, row.memory.receive) for row in rows] == [
        ("raw", "UNCONNECTED", "all", "lo", 1000, 8817, 1344),
        ("datagram", "UNCONNECTED", "arp", None, 0, 8818, 0),
    ]


NETLINKS = b"sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n"


def test_rows_of_proc_net_netlink() -> None:
    rows = proc_net.parse(
        NETLINKS
        + b"000000006480b30b 0   0          00000000 0        0        0     2        0        439 \n"
        + b"00000000c050ed3d 15  4294963293 00000001 1280     7        0     2        12       440 \n"
        + b"00000000c050ed3e 21  4711       00000001 0        0        0     2        0        0   \n",
        NETLINK,
    )
    assert [(row.subprotocol, row.ident, row.inode, row.uid) for row in rows] == [
        ("route", 0, 439, None), ("kobject_uevent", 4294963293, 440, None), ("crypto", 4711, None, None),
    ]  # fmt: skip
    assert [row.memory for row in rows][1] == Memory(receive=1280, send=7, drops=12)
    assert {(row.state, row.type, row.cookie) for row in rows} == {(None, None, None)}


def test_which_file_lists_what() -> None:
    assert [proc_net.file(kind.family, kind.protocol) for kind in KINDS] == [
        "tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6", "icmp", "icmp6",
        None, None, None, None, "unix", "packet", "netlink", None,
    ]  # fmt: skip


def test_a_file_with_its_head_alone_has_no_sockets() -> None:
    for kind in KINDS:
        if proc_net.file(kind.family, kind.protocol):
            assert proc_net.parse(HEAD, listing(kind.family, kind.protocol)) == []
            assert proc_net.parse(b"", listing(kind.family, kind.protocol)) == []


FIELDS = ROW.split()


@pytest.mark.parametrize("protocol", ["tcp", "udp", "udplite", "raw", "icmp"])
@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
@pytest.mark.parametrize(
    "row",
    [
        b"   0: 0100007F 00",
        b" ",
        b"garbage",
        b" ".join(FIELDS[:9]),
        b" ".join([FIELDS[0], b"0100007F", *FIELDS[2:]]),
        b" ".join([FIELDS[0], b"0100007:1F90", *FIELDS[2:]]),
        b" ".join([FIELDS[0], b"010000:1F90", *FIELDS[2:]]),
        b" ".join([FIELDS[0], b"0100007F01000000:1F90", *FIELDS[2:]]),
        b" ".join([FIELDS[0], b"0100007G:1F90", *FIELDS[2:]]),
        b" ".join([FIELDS[0], b"0100007\xff:1F90", *FIELDS[2:]]),
        b" ".join([FIELDS[0], b":1F90", *FIELDS[2:]]),
        b" ".join([*FIELDS[:3], b"XX", *FIELDS[4:]]),
        b" ".join([*FIELDS[:4], b"00000000", *FIELDS[5:]]),
        b" ".join([*FIELDS[:5], b"02:", *FIELDS[6:]]),
        b" ".join([*FIELDS[:7], b"root", *FIELDS[8:]]),
        b" ".join([*FIELDS[:9], b"inode", *FIELDS[10:]]),
    ],
)
def test_a_broken_row_is_a_fault_with_its_file(protocol: str, family: str, row: bytes) -> None:
    name = protocol + ("6" if family == "ipv6" else "")
    with pytest.raises(Unparsable, match=f"/proc/net/{name} ") as caught:
        from_file(row + b"\n", family, protocol)
    assert caught.value.source == f"/proc/net/{name}"
    with pytest.raises(Unparsable):
        from_file(ROW * (family == "ipv4") + row + b"\n" + ROW * (family == "ipv4"), family, protocol)


@pytest.mark.parametrize(
    ("protocol", "row"),
    [
        ("packet", b"0000000012345678 3      3    0003   1     1 1344   1000"),
        ("packet", b"0000000012345678 3      3    ZZZZ   1     1 1344   1000   8817"),
        ("packet", b"0000000012345678 3      x    0003   1     1 1344   1000   8817"),
        ("netlink", b"000000006480b30b 0   0          00000000 0        0        0     2        0"),
        ("netlink", b"000000006480b30b 0   pid        00000000 0        0        0     2        0     3"),
        ("unix", b"garbage"),
        ("unix", b"0000000000000000: 00000002 00000000 00010000 0001 01"),
        ("unix", b"0000000000000000: 00000002 00000000 00010000 0001 01 inode /tmp/x"),
        ("unix", b"0000000000000000: 00000002 00000000 0001000Z 0001 01 1234 /tmp/x"),
    ],
)
def test_a_broken_row_of_another_family_is_a_fault_with_its_file(protocol: str, row: bytes) -> None:
    with pytest.raises(Unparsable, match=f"/proc/net/{protocol}"):
        proc_net.parse(b"head\n" + row + b"\n", listing(protocol, protocol))


UNIXES = b"Num       RefCount Protocol Flags    Type St Inode Path\n"


def test_unix_paths_with_spaces_and_newlines_stay_whole() -> None:
    data = (
        UNIXES + b"0000000000000000: 00000002 00000000 00010000 0001 01  1234 /tmp/us 30360.sock\n"
        b"0000000000000000: 00000003 00000000 00000000 0001 03  1235\n"
        b"0000000000000000: 00000002 00000000 00000000 0002 01  1236 /tmp/two\nlines\n"
        b"0000000000000000: 00000002 00000000 00000000 0005 01  1237 @abstract\n"
        b"0000000000000000: 00000002 00000000 00000000 0001 01  1238  /starts with a space\n"
        b"0000000000000000: 00000002 00000000 00000000 0001 01  1239 /empty\n\nline\n\n"
        b"0000000000000000: 00000002 00000000 00000000 0001 01     0 /\xff\n"
    )
    found = proc_net.parse(data, UNIX)
    assert [(row.inode, row.path, row.type, row.state) for row in found] == [
        (1234, "/tmp/us 30360.sock", "stream", "LISTEN"),
        (1235, None, "stream", "ESTABLISHED"),
        (1236, "/tmp/two\nlines", "datagram", "UNCONNECTED"),
        (1237, "@abstract", "seqpacket", "UNCONNECTED"),
        (1238, " /starts with a space", "stream", "UNCONNECTED"),
        (1239, "/empty\n\nline\n", "stream", "UNCONNECTED"),
        (None, "/\\xff", "stream", "UNCONNECTED"),
    ]
    assert [row.abstract for row in found] == [0, None, 0, None, 0, 0, 0]
    assert {(row.uid, row.peer_inode, row.receive_queue, row.cookie) for row in found} == {(None, None, None, None)}


def test_unix_states_of_the_file_are_those_of_enum_socket_state() -> None:
    row = b"0000000000000000: 00000003 00000000 %08x 0001 %02x  1235\n"
    rows = b"".join(row % told for told in ((0x10000, 1), (0, 1), (0, 2), (0, 3), (0, 4)))
    assert [row.state for row in proc_net.parse(UNIXES + rows, UNIX)] == [
        "LISTEN", "UNCONNECTED", "UNCONNECTED", "ESTABLISHED", "UNCONNECTED",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        b"/a\nb: 1 1 1 1 1 1\tc",
        b"/a\nb: 1 1 1 1 1 1\rc",
        b"/a\nb: 1 1 1 1 1 1\x0b",
        b"/a\nb: -1 -1 -1 -1 -1 1 c",
        b"/a\nb: " + b"f" * 90 + b" 1 1 1 1 1 c",
        b"/a\n:",
        b"/a\n0000000000000000:",
        b"/a\n\t \n",
        b"\t/a",
    ],
)
def test_a_name_that_looks_like_a_row_stops_nobody(name: bytes) -> None:
    """Everybody may bind a name with a newline in it. What follows may look like a row, but the others are still listed."""
    row = b"0000000000000000: 00000002 00000000 00010000 0001 01  %d %s\n"
    rows = proc_net.parse(UNIXES + row % (1, b"/one") + row % (2, name) + row % (3, b"/three"), UNIX)
    assert {(1, "/one"), (3, "/three")} <= {(row.inode, row.path) for row in rows}
    assert 2 in {row.inode for row in rows}
