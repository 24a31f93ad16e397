"""The states of sockets, and their numbers in the kernel (include/net/tcp_states.h)."""

from __future__ import annotations

# Who asks for 13, a pseudo state of the dump since Linux 6.8, is given sockets in state 7: bound to a port and neither
# listening nor connected. Others in state 7 are in no table that could be dumped. 12 is never asked for: 3 brings it.
TCP_STATES = {
    1: "ESTABLISHED",
    2: "SYN_SENT",
    3: "SYN_RECV",
    4: "FIN_WAIT1",
    5: "FIN_WAIT2",
    6: "TIME_WAIT",
    7: "BOUND",
    8: "CLOSE_WAIT",
    9: "LAST_ACK",
    10: "LISTEN",
    11: "CLOSING",
    12: "SYN_RECV",
    13: "BOUND",
}
# Sockets without a handshake use two of them, and a listening unix socket a third.
OTHER_STATES = {**TCP_STATES, 7: "UNCONNECTED", 13: "13"}
# An MPTCP socket that has no port is closed.
MPTCP_STATES = {**TCP_STATES, 7: "CLOSE"}
# Of an association, enum sctp_state of include/net/sctp/constants.h; 7 and 10 are those of a socket.
SCTP_STATES = {
    1: "COOKIE_WAIT",
    2: "COOKIE_ECHOED",
    3: "ESTABLISHED",
    4: "SHUTDOWN_PENDING",
    5: "SHUTDOWN_SENT",
    6: "SHUTDOWN_RECEIVED",
    7: "CLOSE",
    10: "LISTEN",
}
# CLOSE is what other systems have.
STATES = frozenset(TCP_STATES.values()) | frozenset(OTHER_STATES.values()) | frozenset(SCTP_STATES.values())

# The words among them, in the order of a connection's life as the kernel counts: 13 is asked for and never an answer.
NAMES = tuple(
    dict.fromkeys(name for names in (TCP_STATES, OTHER_STATES, SCTP_STATES) for name in names.values() if not name.isdecimal())
)

_BY_PROTOCOL = {"tcp": TCP_STATES, "mptcp": MPTCP_STATES, "sctp": SCTP_STATES}
_ALL = 0xFFFFFFFF


def numbers(protocol: str) -> dict[int, str]:
    """What the numbers mean to a protocol."""
    return _BY_PROTOCOL.get(protocol, OTHER_STATES)


def mask(protocol: str, states: frozenset[str]) -> int:
    """The bits of idiag_states for these states; all for SCTP, which has numbers of its own in an answer."""
    if protocol == "sctp":
        return _ALL
    return sum(1 << number for number, name in numbers(protocol).items() if name in states)
