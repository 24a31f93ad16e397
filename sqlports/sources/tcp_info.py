"""What the kernel tells of a TCP connection (struct tcp_info, include/uapi/linux/tcp.h)."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple


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


_CONGESTION_STATES = ("open", "disorder", "cwr", "recovery", "loss")

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
_UNMEASURED = ("rtt", "rtt_variance", "receive_rtt", "ato", "path_mtu")
_UNLIMITED = (1 << 64) - 1
_NO_SSTHRESH = 0x7FFFFFFF


@lru_cache(maxsize=8)
def _layout(size: int) -> tuple[struct.Struct, list[str]]:
    """The fields that a structure of this size has: older kernels have fewer."""
    form, names, at = "=", [], 0
    for letter, name in zip(_letters(), _NAMES, strict=True):
        at += struct.calcsize("=" + letter)
        if at > size:
            break
        form += letter
        names.append(name)
    return struct.Struct(form), names


def _letters() -> str:
    parts = _FORMAT.removeprefix("=").split()
    return "".join(part[-1] * int(part[:-1]) for part in parts)


def parse(data: bytes, congestion: str | None = None, ulp: str | None = None, tos: int | None = None) -> TcpInfo:
    """struct tcp_info, as much of it as there is. The rest of what concerns a connection comes in attributes of its own."""
    layout, names = _layout(min(len(data), _SIZE))
    raw = dict(zip(names, layout.unpack_from(data), strict=True))
    known = {name: raw.get(name) for name in TcpInfo._fields}
    for name in _UNMEASURED:
        known[name] = known[name] or None
    if known["min_rtt"] == 0xFFFFFFFF:
        known["min_rtt"] = None
    if known["ssthresh"] == _NO_SSTHRESH:
        known["ssthresh"] = None
    for name in ("pacing_rate", "delivery_rate"):
        if known[name] == _UNLIMITED or (name == "delivery_rate" and not known[name]):
            known[name] = None
    told: dict[str, object] = {name: value / 1000 for name in _MICROSECONDS if (value := known[name]) is not None}
    state = known["congestion_state"]
    if state is not None:
        told["congestion_state"] = _CONGESTION_STATES[state] if state < len(_CONGESTION_STATES) else str(state)
    return TcpInfo(**{**known, **told, "congestion": congestion, "ulp": ulp, "tos": tos})  # type: ignore[arg-type]
