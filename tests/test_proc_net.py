"""The files of /proc/net on literal bytes."""

from __future__ import annotations

import pytest

from sqlports.sources import (
    proc_net,
)
from sqlports.sources.procfs import Unparsable
from sqlports.sources.records import Memory
from sqlports.sources.sockets import KINDS, Socket
from sqlports.sources.tcp_info import TcpInfo

from .answers import NETLINK, PACKET, UNIX, listing, only

pytestmark = pytest.mark.usefixtures("endless")

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
