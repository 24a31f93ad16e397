"""sock_diag(7): the kernel's list of sockets over netlink. Request bytes, the exchange, and the parsing of the answer.

The answer is for the network namespace in which the netlink socket was created. It needs no privilege.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator
from functools import lru_cache

from sqlports.errors import SourceError
from sqlports.sources.records import SocketRecord, Unsupported

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP = 0x1, 0x300
NLMSG_ERROR, NLMSG_DONE = 2, 3

AF_INET, AF_INET6 = 2, 10
FAMILIES = {"unix": 1, "ipv4": AF_INET, "ipv6": AF_INET6}
PROTOCOLS = {"tcp": 6, "udp": 17}

# enum in include/net/tcp_states.h. Who asks for 13, a pseudo state of the dump since Linux 6.8, is given sockets in state 7:
# bound to a port and neither listening nor connected. Others in state 7 are in no table that could be dumped.
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
# CLOSE is what other systems have.
STATES = frozenset(TCP_STATES.values()) | frozenset(OTHER_STATES.values()) | {"CLOSE"}

TIMERS = {1: "retransmit", 2: "keepalive", 3: "timewait", 4: "probe", 5: "delayed_ack"}
UNIX_TYPES = {1: "stream", 2: "datagram", 5: "seqpacket"}

_ERRORS = {-2: "the kernel has no handler for it", -22: "the kernel does not know the request"}

_HEADER = struct.Struct("=IHHII")
_LENGTH_AND_TYPE = struct.Struct("=IH")
# nlmsghdr, then inet_diag_msg of linux/inet_diag.h; ports are in network order.
_INET = struct.Struct("=IHHII BBBB HH 16s16s IQ IIIII")
_UNIX = struct.Struct("=BBBBIQ")
_ATTRIBUTE = struct.Struct("=HH")
_UINT32 = struct.Struct("=I")
_TWO_UINT32 = struct.Struct("=II")


class Malformed(SourceError):
    """The answer is cut off or is no netlink message."""


def state_mask(protocol: str, states: frozenset[str]) -> int:
    """The bits of idiag_states for these states."""
    names = TCP_STATES if protocol == "tcp" else OTHER_STATES
    return sum(1 << number for number, name in names.items() if name in states)


def inet_request(family: str, protocol: str, mask: int) -> bytes:
    """A dump of one family and protocol: inet_diag_req_v2."""
    body = struct.pack("=BBBBI", FAMILIES[family], PROTOCOLS[protocol], 0, 0, mask) + bytes(48)
    return _message(body)


def unix_request(mask: int) -> bytes:
    """A dump of unix sockets with name, peer, queue lengths and uid: unix_diag_req of linux/unix_diag.h."""
    show = 0x1 | 0x4 | 0x10 | 0x40
    return _message(struct.pack("=BBHIIIII", FAMILIES["unix"], 0, 0, mask, 0, show, 0, 0))


def _message(body: bytes) -> bytes:
    return _HEADER.pack(16 + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body


def exchange(request: bytes) -> Iterator[bytes]:
    """Send a dump request and give the datagrams of the answer, for as long as they are asked for.

    Raises OSError, Unsupported, Malformed.
    """
    try:
        netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    except (AttributeError, OSError) as error:
        raise Unsupported("sock_diag", f"no netlink socket: {error}") from None
    with netlink:
        netlink.sendto(request, (0, 0))
        buffer = bytearray(1 << 16)
        while True:
            size, _, flags, _ = netlink.recvmsg_into([buffer])
            if flags & socket.MSG_TRUNC:
                raise Malformed("a netlink datagram is larger than 64 KiB")
            yield bytes(memoryview(buffer)[:size])


def _bodies(datagrams: Iterable[bytes], source: str, least: int) -> Iterator[tuple[bytes, list[int]]]:
    """The socket messages of an answer: each datagram, and where in it a message starts.

    Raises Malformed, and Unsupported or OSError for the kernel's refusals. A refusal may stand in NLMSG_DONE as well as
    in NLMSG_ERROR: taking it for the end turns "unsupported" into "none".
    """
    unpack = _LENGTH_AND_TYPE.unpack_from
    for data in datagrams:
        start, size = 0, len(data)
        starts: list[int] = []
        ended = False
        while start < size:
            if size - start < 16:
                raise Malformed(f"{source}: {size - start} bytes left where a netlink header should be")
            length, kind = unpack(data, start)
            if length < 16 or start + length > size:
                raise Malformed(f"{source}: a netlink message of {length} bytes in {size - start}")
            if kind == SOCK_DIAG_BY_FAMILY:
                if length < least:
                    raise Malformed(f"{source}: a socket in {length} bytes")
                starts.append(start)
            elif kind in (NLMSG_DONE, NLMSG_ERROR):
                _refusal(source, data[start + 16 : start + 20])
                ended = True
                break
            start += (length + 3) & ~3
        yield data, starts
        if ended:
            return
    raise Malformed(f"{source}: the answer ends too early")


def _refusal(source: str, payload: bytes) -> None:
    error = struct.unpack("=i", payload)[0] if len(payload) == 4 else 0
    if error in _ERRORS:
        raise Unsupported(source, _ERRORS[error])
    if error:
        raise OSError(-error, f"{source}: {os.strerror(-error)}")


@lru_cache(maxsize=1 << 16)
def _address(family: int, raw: bytes) -> str:
    if family == AF_INET:
        return socket.inet_ntop(socket.AF_INET, raw[:4])
    return socket.inet_ntop(socket.AF_INET6, raw)


@lru_cache(maxsize=256)
def _interface(index: int) -> str | None:
    try:
        return socket.if_indextoname(index) if index else None
    except OSError:
        return str(index)


def parse_inet(datagrams: Iterable[bytes], protocol: str, net_namespace: int | None) -> list[SocketRecord]:
    """The sockets of an inet_diag answer. Raises Unsupported, OSError, Malformed."""
    states = TCP_STATES if protocol == "tcp" else OTHER_STATES
    kind = "stream" if protocol == "tcp" else "datagram"
    # This loop runs once for every socket of the machine: names are bound, and records made as the tuples they are.
    ntohs, unpack, make, address = socket.ntohs, _INET.unpack_from, tuple.__new__, _address
    found: list[SocketRecord] = []
    add = found.append
    for data, starts in _bodies(datagrams, f"sock_diag {protocol}", _INET.size):
        for start in starts:
            (_, _, _, _, _, family, state, timer, retransmits, source_port, target_port, source, target, interface, cookie,
             expires, received, sending, uid, inode) = unpack(data, start)  # fmt: skip
            add(make(SocketRecord, (
                protocol,
                "ipv4" if family == AF_INET else "ipv6",
                kind,
                states.get(state) or str(state),
                address(family, source),
                ntohs(source_port),
                address(family, target) if target_port else None,
                ntohs(target_port) if target_port else None,
                None,
                inode or None,
                None,
                cookie,
                # Without an inode there is no struct socket, and the uid says 0 for "nobody's".
                uid if inode else None,
                received,
                sending,
                TIMERS.get(timer) if timer else None,
                expires if timer else None,
                retransmits,
                _interface(interface) if interface else None,
                net_namespace,
                None,
                None,
            )))  # fmt: skip
    return found


def parse_unix(datagrams: Iterable[bytes], net_namespace: int | None) -> list[SocketRecord]:
    """The sockets of a unix_diag answer. Raises Unsupported, OSError, Malformed."""
    messages = ((data, start) for data, starts in _bodies(datagrams, "sock_diag unix", 16 + _UNIX.size) for start in starts)
    found = []
    for data, start in messages:
        _, kind, state, _, inode, cookie = _UNIX.unpack_from(data, start + 16)
        end = start + _LENGTH_AND_TYPE.unpack_from(data, start)[0]
        parts = dict(_attributes(data, start + 16 + _UNIX.size, end))
        name, queues = parts.get(0), parts.get(4)
        peer, uid = parts.get(2), parts.get(7)
        received, sending = _TWO_UINT32.unpack(queues) if queues and len(queues) == 8 else (None, None)
        found.append(
            SocketRecord(
                "unix",
                "unix",
                UNIX_TYPES.get(kind, str(kind)),
                OTHER_STATES.get(state, str(state)),
                path=unix_path(name) if name else None,
                inode=inode or None,
                peer_inode=(_UINT32.unpack(peer)[0] or None) if peer and len(peer) == 4 else None,
                cookie=cookie,
                uid=_UINT32.unpack(uid)[0] if uid and len(uid) == 4 else None,
                receive_queue=received,
                send_queue=sending,
                net_namespace=net_namespace,
            )
        )
    return found


def unix_path(name: bytes) -> str:
    """The name of a unix socket as /proc/net/unix has it: NULs of an abstract name are '@', and it starts with one."""
    if not name.startswith(b"\0"):
        name = name.split(b"\0", 1)[0]
    return name.replace(b"\0", b"@").decode("utf-8", "backslashreplace")


def _attributes(data: bytes, start: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Netlink attributes: number and payload."""
    while start + 4 <= end:
        length, number = _ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            raise Malformed(f"an attribute of {length} bytes in {end - start}")
        yield number & 0x3FFF, data[start + 4 : start + length]
        start += (length + 3) & ~3
