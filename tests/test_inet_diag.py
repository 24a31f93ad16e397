"""inet_diag: TCP, UDP and their like on literal bytes, fields and attributes."""

from __future__ import annotations

import struct

import pytest

from sqlports.sources import (
    inet_diag,
    states,
)
from sqlports.sources.records import SocketRecord
from sqlports.sources.sock_diag import attribute
from sqlports.sources.tcp_info import TcpInfo

from .answers import (
    CGROUP_ID,
    CONG,
    MARK,
    MEMINFO_BYTES,
    MEMORY,
    PROTOCOL,
    RAW,
    SHUTDOWN,
    SKMEMINFO,
    SKV6ONLY,
    SOCKOPT,
    TCP6,
    inet,
    listing,
    one,
)

pytestmark = pytest.mark.usefixtures("endless")


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
