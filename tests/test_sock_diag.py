"""What holds for all lists of sock_diag: framing, refusals, answers that are broken."""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from sqlports.sources import (
    inet_diag,
    netlink_diag,
    packet_diag,
    unix_diag,
    vsock_diag,
)
from sqlports.sources.records import SocketRecord, Unsupported
from sqlports.sources.sock_diag import Changed, Malformed, attribute
from sqlports.sources.sockets import Listing, Socket

from .answers import (
    CGROUP_ID,
    DONE,
    DONE_TYPE,
    ERROR,
    INTERRUPTED,
    MARK,
    MEMINFO_BYTES,
    NETLINK,
    PACKET,
    SHUTDOWN,
    TCP,
    ULP_INFO,
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
