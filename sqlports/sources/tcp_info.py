"""What the kernel tells of a TCP connection (struct tcp_info, include/uapi/linux/tcp.h)."""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple


class TcpInfo(NamedTuple):
    """The state of a connection. Times in milliseconds with their fraction, sizes and counts as the kernel has them.

    A field is None where there is nothing to tell yet (no round trip measured), or the kernel is older than it.
    """

    congestion_state: str | None = None
    backoff: int | None = None
    rto: float | None = None
    ato: float | None = None
    mss: int | None = None
    receive_mss: int | None = None
    unacked: int | None = None
    sacked: int | None = None
    lost: int | None = None
    retransmitting: int | None = None
    last_send: int | None = None
    last_receive: int | None = None
    last_ack: int | None = None
    path_mtu: int | None = None
    rtt: float | None = None
    rtt_variance: float | None = None
    min_rtt: float | None = None
    receive_rtt: float | None = None
    cwnd: int | None = None
    ssthresh: int | None = None
    advertised_mss: int | None = None
    reordering: int | None = None
    retransmitted: int | None = None
    pacing_rate: int | None = None
    delivery_rate: int | None = None
    bytes_acked: int | None = None
    bytes_received: int | None = None
    bytes_sent: int | None = None
    bytes_retransmitted: int | None = None
    segments_out: int | None = None
    segments_in: int | None = None
    data_segments_out: int | None = None
    data_segments_in: int | None = None
    not_sent: int | None = None
    delivered: int | None = None
    out_of_order: int | None = None
    send_window: int | None = None
    receive_window: int | None = None
    busy: float | None = None
    window_limited: float | None = None
    buffer_limited: float | None = None
    congestion: str | None = None
    ulp: str | None = None
    tos: int | None = None


CONGESTION_STATES = ("open", "disorder", "cwr", "recovery", "loss")

_FORMAT = "=8B 24I 4Q 6I 4Q 2I 2Q 6I"
_SIZE = struct.calcsize(_FORMAT)
# In the order of the structure; '' for what is not shown.
_NAMES = (  # noqa: SIM905 a column for each would be sixty lines
    "state congestion_state retransmits probes backoff options scales limited "
    "rto ato mss receive_mss unacked sacked lost retransmitting fackets last_send last_ack_sent last_receive last_ack "
    "path_mtu receive_ssthresh rtt rtt_variance ssthresh cwnd advertised_mss reordering receive_rtt receive_space "
    "retransmitted pacing_rate max_pacing_rate bytes_acked bytes_received "
    "segments_out segments_in not_sent min_rtt data_segments_in data_segments_out "
    "delivery_rate busy window_limited buffer_limited delivered delivered_ce bytes_sent bytes_retransmitted "
    "dsack_dups reord_seen out_of_order send_window receive_window rehash"
).split()
_MICROSECONDS = ("rto", "ato", "rtt", "rtt_variance", "min_rtt", "receive_rtt", "busy", "window_limited", "buffer_limited")
# What a field has that says nothing: it was not measured, or there is no limit.
_NOTHING = {
    "rtt": 0,
    "rtt_variance": 0,
    "receive_rtt": 0,
    "ato": 0,
    "path_mtu": 0,
    "min_rtt": 0xFFFFFFFF,
    "ssthresh": 0x7FFFFFFF,
    "delivery_rate": 0,
    "pacing_rate": (1 << 64) - 1,
}
_TOLD_APART = ("congestion", "ulp", "tos")

# From a field's number in the kernel to its value here.
Change = Callable[[int], object]


@lru_cache(maxsize=8)
def _layout(size: int) -> tuple[struct.Struct, list[int], list[tuple[int, Change]]]:
    """How a structure of this size is read, for older kernels have fewer fields: where each of ours is, and what is changed."""
    form, names, at = "=", [], 0
    for letter, name in zip(_letters(), _NAMES, strict=True):
        at += struct.calcsize("=" + letter)
        if at > size:
            break
        form += letter
        names.append(name)
    # What is not there is taken from behind the end, where a None is put.
    fields = [name for name in TcpInfo._fields if name not in _TOLD_APART]
    places = [names.index(name) if name in names else len(names) for name in fields]
    changes = [(place, _change(name)) for place, name in enumerate(fields) if name in names and _is_changed(name)]
    return struct.Struct(form), places, changes


def _is_changed(name: str) -> bool:
    return name in _MICROSECONDS or name in _NOTHING or name == "congestion_state"


def _change(name: str) -> Change:
    if name == "congestion_state":
        return lambda value: CONGESTION_STATES[value] if value < len(CONGESTION_STATES) else str(value)
    nothing, scale = _NOTHING.get(name), name in _MICROSECONDS
    return lambda value: None if value == nothing else value / 1000 if scale else value


def _letters() -> str:
    parts = _FORMAT.removeprefix("=").split()
    return "".join(part[-1] * int(part[:-1]) for part in parts)


def parse(data: bytes, congestion: str | None = None, ulp: str | None = None, tos: int | None = None) -> TcpInfo:
    """struct tcp_info, as much of it as there is. The rest of what concerns a connection comes in attributes of its own."""
    layout, places, changes = _layout(min(len(data), _SIZE))
    raw: tuple[Any, ...] = (*layout.unpack_from(data), None)
    values: list[Any] = [raw[place] for place in places]
    for place, change in changes:
        values[place] = change(values[place])
    return TcpInfo._make((*values, congestion, ulp, tos))
