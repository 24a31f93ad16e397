"""tcp_info on literal bytes, of new kernels and old ones."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from sqlports.sources import (
    tcp_info,
)
from sqlports.sources.sock_diag import attribute
from sqlports.sources.sockets import Listing
from sqlports.sources.tcp_info import TcpInfo

from .answers import ANY, CONG, INFO, TCLASS, TCP, TCP6, TOS, ULP_INFO, inet, listing, one

pytestmark = pytest.mark.usefixtures("endless")

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
