"""Unix, packet, netlink and vsock sockets on literal bytes, and the requests of all families."""

from __future__ import annotations

import struct

import pytest

from sqlports.sources import (
    bytecode,
    inet_diag,
    netlink_diag,
    packet_diag,
    unix_diag,
    vsock_diag,
)
from sqlports.sources.sock_diag import attribute

from .answers import (
    ANY,
    DONE,
    MEMINFO_BYTES,
    MEMORY,
    NETLINK,
    PACKET,
    TCP,
    UNIX,
    VSOCK,
    inet,
    listing,
    message,
    netlink,
    number,
    one,
    only,
    packet,
    unix,
    vsock,
)

pytestmark = pytest.mark.usefixtures("endless")


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


def test_a_packet_socket_that_has_an_interface_take_in_everything() -> None:
    def memberships(*kinds: int) -> bytes:
        return attribute(1, b"".join(struct.pack("=IIHH32x", 1, 1, kind, 0) for kind in kinds))

    for tail, options in ((memberships(0, 1), "promiscuous"), (memberships(0, 2), None), (memberships(), None), (b"", None)):
        assert only(packet_diag.parse([packet(tail=tail) + DONE], PACKET)).options == options


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
