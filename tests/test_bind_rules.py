"""The rules of bind(2), on what is written here: who has a port, who wants it, and what is said."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from sqlports.ports.binding import (
    BLOCKS,
    FREE,
    UNLESS_ADDRESS,
    UNLESS_PORT,
    VERDICTS,
    Address,
    Binder,
    address,
    ruling,
)

CONNECTED = ("ESTABLISHED", "SYN_SENT", "FIN_WAIT1", "FIN_WAIT2", "CLOSE_WAIT", "LAST_ACK", "CLOSING")


class Holder(NamedTuple):
    """What the rules ask of a socket."""

    local_address: str = "127.0.0.1"
    state: str | None = "LISTEN"
    protocol: str = "tcp"
    v6only: int | None = None
    interface: str | None = None
    uid: int | None = 1000
    siblings: int | None = 0
    timer: str | None = None


def said(holder: Any, binder_address: str = "127.0.0.1", **options: Any) -> str | None:
    found = address(binder_address)
    assert found is not None
    return ruling(holder, holder.uid, Binder(found, **options)).verdict


def meet(its: str, mine: str, its_only: int | None = None, **options: Any) -> bool:
    verdicts = {said(Holder(its, protocol=protocol, v6only=its_only), mine, **options) for protocol in ("tcp", "udp")}
    assert len(verdicts) == 1
    return verdicts != {FREE}


def test_the_four_verdicts_are_these() -> None:
    assert VERDICTS == (
        "blocks",
        "blocks unless both set SO_REUSEADDR",
        "blocks unless both set SO_REUSEPORT",
        "does not block",
    )


def test_a_listener_gives_way_to_reuse_port_alone() -> None:
    assert said(Holder(), uid=1000) == UNLESS_PORT
    assert said(Holder(), uid=1000, reuse_address=1) == UNLESS_PORT
    assert said(Holder(), uid=1000, reuse_address=1, reuse_port=0) == BLOCKS
    assert "SO_REUSEADDR does not help" in ruling(Holder(), 1000, Binder(Address(b"\x7f\0\0\1"))).why


def test_a_listener_of_another_user_gives_way_to_nothing() -> None:
    assert said(Holder(uid=0), uid=1000) == BLOCKS
    assert said(Holder(uid=0), uid=1000, reuse_address=1, reuse_port=1) == BLOCKS
    assert said(Holder(uid=None), uid=1000, reuse_address=1, reuse_port=1) == BLOCKS


def test_a_listener_with_siblings_is_known_to_share() -> None:
    assert said(Holder(siblings=1), uid=1000, reuse_port=1) == FREE
    assert said(Holder(siblings=1), uid=1000) == UNLESS_PORT
    assert said(Holder(siblings=1), uid=1000, reuse_port=0) == BLOCKS
    assert said(Holder(siblings=1), uid=1001, reuse_port=1) == BLOCKS
    assert said(Holder(siblings=1, uid=None), uid=None, reuse_port=1) == UNLESS_PORT


@pytest.mark.parametrize("state", ["BOUND", *CONNECTED])
def test_what_does_not_listen_gives_way_to_reuse_address_whoever_has_it(state: str) -> None:
    for uid in (1000, 1001, None):
        assert said(Holder(state=state, uid=uid), uid=1000) == UNLESS_ADDRESS
        assert said(Holder(state=state, uid=uid), uid=1000, reuse_address=1, reuse_port=0) == UNLESS_ADDRESS
        assert said(Holder(state=state, uid=uid), uid=1000, reuse_address=0, reuse_port=0) == BLOCKS
    assert said(Holder(state=state), uid=1000, reuse_address=0) == UNLESS_PORT
    assert said(Holder(state=state, uid=1001), uid=1000, reuse_address=0) == BLOCKS


def test_a_socket_in_time_wait_has_no_user_any_more() -> None:
    assert said(Holder(state="TIME_WAIT", uid=None), uid=1000, reuse_address=0) == UNLESS_PORT
    assert said(Holder(state="TIME_WAIT", uid=None), uid=1000, reuse_address=0, reuse_port=0) == BLOCKS
    assert said(Holder(state="TIME_WAIT", uid=None), uid=1000) == UNLESS_ADDRESS
    # So has one that the kernel keeps in FIN_WAIT2 when its process has closed it.
    assert said(Holder(state="FIN_WAIT2", uid=None, timer="timewait"), uid=1000, reuse_address=0) == UNLESS_PORT
    assert said(Holder(state="FIN_WAIT2", uid=None, timer="keepalive"), uid=1000, reuse_address=0) == BLOCKS


def test_the_reason_tells_of_the_other_way_too() -> None:
    why = ruling(Holder(state="BOUND"), 1000, Binder(Address(b"\x7f\0\0\1"), uid=1000)).why
    assert "both set SO_REUSEADDR or both set SO_REUSEPORT" in why
    why = ruling(Holder(state="BOUND"), 7, Binder(Address(b"\x7f\0\0\1"), uid=1000)).why
    assert "one user only" in why
    assert "user 7" in why


@pytest.mark.parametrize("protocol", ["udp", "udplite"])
@pytest.mark.parametrize("state", ["UNCONNECTED", "ESTABLISHED"])
def test_datagrams_are_shared_by_either_option(protocol: str, state: str) -> None:
    holder = Holder(state=state, protocol=protocol)
    assert said(holder, uid=1000) == UNLESS_ADDRESS
    assert said(holder, uid=1001) == UNLESS_ADDRESS
    assert said(holder, uid=1000, reuse_address=0) == UNLESS_PORT
    assert said(holder, uid=1001, reuse_address=0) == BLOCKS


def test_a_connection_that_is_not_complete_has_no_port() -> None:
    assert said(Holder(state="SYN_RECV", uid=None)) == FREE


def test_what_is_not_known_stands_in_the_way() -> None:
    assert said(Holder(state=None)) == UNLESS_PORT
    assert said(Holder(state=None), reuse_port=0) == BLOCKS
    assert said(Holder(local_address="no address"), reuse_port=0) == BLOCKS
    assert said(Holder(protocol="sctp", state="ESTABLISHED")) == BLOCKS


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0.0.0.0", "127.0.0.1"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("0.0.0.0", "::ffff:127.0.0.1"),
        ("127.0.0.1", "::ffff:0.0.0.0"),
        ("::1", "0:0:0:0:0:0:0:1"),
        ("fe80::1", "fe80::1"),
    ],
)
def test_addresses_that_meet_do_so_from_either_side(one: str, other: str) -> None:
    assert meet(one, other)
    assert meet(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("127.0.0.1", "127.0.0.2"),
        ("127.0.0.1", "::1"),
        ("::1", "fe80::1"),
        ("::ffff:127.0.0.1", "::ffff:127.0.0.2"),
        ("::ffff:127.0.0.1", "::1"),
    ],
)
def test_addresses_that_do_not_meet_do_not_from_either_side(one: str, other: str) -> None:
    assert not meet(one, other, its_only=int(":" in one and "." not in one))
    assert not meet(other, one, its_only=int(":" in other and "." not in other))


@pytest.mark.parametrize("other", ["0.0.0.0", "127.0.0.1", "::ffff:127.0.0.1", "::1", "::"])
def test_all_of_both_families_meets_everything(other: str) -> None:
    assert meet("::", other, its_only=0)
    assert meet(other, "::")


@pytest.mark.parametrize("other", ["0.0.0.0", "127.0.0.1", "::ffff:127.0.0.1"])
def test_all_of_ipv6_alone_meets_no_ipv4(other: str) -> None:
    assert not meet("::", other, its_only=1)
    assert not meet(other, "::", v6only=True)


@pytest.mark.parametrize("other", ["::", "::1", "fe80::1"])
def test_all_of_ipv6_alone_meets_ipv6(other: str) -> None:
    assert meet("::", other, its_only=1)
    assert meet(other, "::", its_only=1, v6only=True)


def test_an_ipv6_connection_of_which_v6only_is_not_told_may_meet_all_of_ipv4() -> None:
    holder = Holder("::1", "ESTABLISHED", v6only=None)
    found = ruling(holder, 1000, Binder(Address(bytes(4))))
    assert found.verdict == UNLESS_ADDRESS
    assert "not told" in found.why
    assert said(holder, "127.0.0.1") == FREE
    assert said(holder._replace(v6only=1), "0.0.0.0") == FREE


def test_sockets_on_different_interfaces_do_not_meet() -> None:
    assert said(Holder(interface="eth0"), interface="eth1") == FREE
    assert said(Holder(interface="eth0"), interface="eth0") == UNLESS_PORT
    assert said(Holder(interface="eth0")) == UNLESS_PORT
    assert said(Holder(), interface="eth0") == UNLESS_PORT
    assert said(Holder("fe80::1", interface="eth0"), "fe80::1%eth1") == FREE
    assert said(Holder("fe80::1", interface="eth0"), "fe80::1%eth0") == UNLESS_PORT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "1",
        "127.1",
        "0x7f.0.0.1",
        "127.0.0.1 ",
        "127.0.0.01",
        "1.2.3.4%lo",
        "::%",
        "%lo",
        ":::",
        "::1\0",
        "\ud800",
        "\u0661.1.1.1",
    ],
)
def test_a_text_that_is_no_address_is_none(text: str) -> None:
    assert address(text) is None


def test_an_address_is_read_with_its_scope() -> None:
    assert address("127.0.0.1") == Address(b"\x7f\0\0\1")
    assert address("fe80::1%eth0") == Address(b"\xfe\x80" + bytes(13) + b"\1", "eth0")
    assert Address(bytes(10) + b"\xff\xff\1\2\3\4").v4 == b"\1\2\3\4"


def test_udp_lite_meets_as_udp_does() -> None:
    for protocol in ("udp", "udplite"):
        holder = Holder("fe80::7", "ESTABLISHED", protocol=protocol)
        # The address that stands in the IPv4 part of a socket with an IPv6 address.
        assert said(holder, "127.0.0.6") != FREE
        assert said(holder, "127.0.0.5") == FREE
