"""The rows of inet_diag's lists: what the kernel said of a TCP, UDP, raw, SCTP or MPTCP socket, taken apart when wanted."""

from __future__ import annotations

import socket
import struct
import sys
from functools import lru_cache
from operator import attrgetter
from socket import ntohs
from typing import TYPE_CHECKING, Any

from sqlports.sources import tcp_info
from sqlports.sources.records import Memory
from sqlports.sources.sock_diag import attributes
from sqlports.sources.sockets import Socket
from sqlports.sources.tcp_info import TcpInfo

if TYPE_CHECKING:
    from sqlports.sources.inet_messages import Messages

SHUT = {1: "receive", 2: "send", 3: "both"}
TIMERS = {1: "retransmit", 2: "keepalive", 3: "timewait", 4: "probe", 5: "delayed_ack"}

# INET_DIAG_* numbers of what an answer tells of a socket.
INFO, CONG, TOS, TCLASS, SKMEMINFO, SHUTDOWN, PROTOCOL, SKV6ONLY, MARK, ULP_INFO, CGROUP_ID, SOCKOPT = (
    2, 4, 5, 6, 7, 8, 10, 11, 15, 19, 21, 22,
)  # fmt: skip

_MEMORY = struct.Struct("=9I")

# The bits of the two bytes of INET_DIAG_SOCKOPT (struct inet_diag_sockopt), lowest first.
_OPTIONS = (
    "recverr", "is_icsk", "freebind", "hdrincl", "mc_loop", "transparent", "mc_all", "nodefrag",
    "bind_address_no_port", "recverr_rfc4884", "defer_connect",
)  # fmt: skip
# Whether it is a connection's socket is no option, and the defaults say nothing.
_UNSAID = {"is_icsk", "mc_loop", "mc_all"}

# State, timer, retransmits, source port, target port, source, target, interface, cookie, expires, receive queue, send queue,
# uid, inode, attributes.
Raw = tuple[int, int, int, int, int, bytes, bytes, int, int, int, int, int, int, int, bytes]


class InetSocket(Socket):
    """One socket of an answer."""

    __slots__ = ("messages", "number")

    def __init__(self, messages: Messages, number: int) -> None:
        self.messages = messages
        self.number = number

    listing: Any = property(attrgetter("messages.listing"))
    type: Any = property(attrgetter("listing.type"))
    path = abstract = ident = peer_inode = pid = fd = None

    @property
    def subprotocol(self) -> str | None:
        """Only a raw socket has one."""
        return None

    @property
    def raw(self) -> Raw:
        """What the kernel said of it."""
        return self.messages.raws[self.number]

    @property
    def state(self) -> str:
        return self.messages.state[self.number]

    @property
    def local_address(self) -> str | None:
        return self.messages.local_address[self.number]

    @property
    def local_port(self) -> int | None:
        return self.messages.local_port[self.number]

    @property
    def remote_address(self) -> str | None:
        return self.messages.remote_address[self.number]

    @property
    def remote_port(self) -> int | None:
        return self.messages.remote_port[self.number]

    @property
    def inode(self) -> int | None:
        return self.messages.inode[self.number]

    @property
    def uid(self) -> int | None:
        return self.messages.uid[self.number]

    @property
    def cookie(self) -> int | None:
        return self.messages.cookie[self.number]

    @property
    def _is_listener(self) -> bool:
        return self.raw[0] == 10

    @property
    def receive_queue(self) -> int | None:
        return None if self._is_listener else self.raw[10]

    @property
    def send_queue(self) -> int | None:
        return None if self._is_listener else self.raw[11]

    @property
    def backlog(self) -> int | None:
        return self.raw[10] if self._is_listener else None

    @property
    def backlog_limit(self) -> int | None:
        return self.raw[11] if self._is_listener else None

    @property
    def timer(self) -> str | None:
        return TIMERS.get(self.raw[1])

    @property
    def timer_expires(self) -> int | None:
        return self.raw[9] if self.raw[1] else None

    @property
    def retransmits(self) -> int | None:
        return None if self._is_listener else self.raw[2]

    @property
    def interface(self) -> str | None:
        index = self.raw[7]
        return self.listing.namespace.interface(index) if index else None

    @property
    def attributes(self) -> dict[int, bytes]:
        """What came behind the fixed part."""
        return dict(attributes(self.raw[14]))

    @property
    def shutdown(self) -> str | None:
        return shut(self.attributes.get(SHUTDOWN))

    @property
    def v6only(self) -> int | None:
        found = self.attributes.get(SKV6ONLY)
        return found[0] if found else None

    @property
    def mark(self) -> int | None:
        return number(self.attributes.get(MARK))

    @property
    def cgroup_id(self) -> int | None:
        found = self.attributes.get(CGROUP_ID)
        return int.from_bytes(found, sys.byteorder) if found and len(found) == 8 else None

    @property
    def options(self) -> str | None:
        found = self.attributes.get(SOCKOPT)
        bits = int.from_bytes(found[:2], "little") if found else 0
        return "|".join(name for bit, name in enumerate(_OPTIONS) if bits >> bit & 1 and name not in _UNSAID) or None

    def told(self, part: str) -> Any:
        found = self.attributes
        if part == "memory":
            return memory_of(found.get(SKMEMINFO))
        return self._info(found) if part == "info" else None

    def _info(self, found: dict[int, bytes]) -> TcpInfo | None:
        tos = found.get(TOS) or found.get(TCLASS)
        if self.listing.family == "ipv6":
            tos = found.get(TCLASS) or tos
        known = {
            "congestion": found[CONG].rstrip(b"\0").decode("ascii", "replace") if CONG in found else None,
            "ulp": _ulp(found.get(ULP_INFO)),
            "tos": tos[0] if tos else None,
        }
        # Of a listener the kernel fills in the backlog alone, and other protocols have structures of their own.
        if INFO in found and self.listing.protocol == "tcp" and not self._is_listener:
            return tcp_info.parse(found[INFO], **known)  # type: ignore[arg-type]
        return TcpInfo(**known) if any(value is not None for value in known.values()) else None  # type: ignore[arg-type]


class RawSocket(InetSocket):
    """What is in the place of the port is the number of the IP protocol."""

    __slots__ = ()

    @property
    def local_port(self) -> int | None:
        return None

    @property
    def remote_port(self) -> int | None:
        return None

    @property
    def remote_address(self) -> str | None:
        raw = self.raw[6]
        return None if not any(raw) else address(self.family, raw)

    @property
    def subprotocol(self) -> str | None:
        """The name of that protocol."""
        return ip_protocol(number(self.attributes.get(PROTOCOL)) or ntohs(self.raw[3]))


def address(family: str, raw: bytes) -> str:
    """An address as text, out of the 16 bytes that hold either kind."""
    return socket.inet_ntop(socket.AF_INET6, raw) if family == "ipv6" else socket.inet_ntop(socket.AF_INET, raw[:4])


def memory_of(found: bytes | None) -> Memory | None:
    """What SK_MEMINFO says (include/uapi/linux/sock_diag.h)."""
    return Memory(*_MEMORY.unpack_from(found)) if found and len(found) >= _MEMORY.size else None


def shut(found: bytes | None) -> str | None:
    """Which directions were shut down: RCV_SHUTDOWN is 1, SEND_SHUTDOWN 2."""
    return SHUT.get(found[0] & 3) if found else None


def number(found: bytes | None) -> int | None:
    """An unsigned number in the machine's order, of one to four bytes."""
    return int.from_bytes(found[:4], sys.byteorder) if found else None


@lru_cache(maxsize=256)
def ip_protocol(protocol: int) -> str:
    """The name of an IP protocol (protocols(5)), its number where it has none."""
    for name, value in vars(socket).items():
        if name.startswith("IPPROTO_") and value == protocol and name != "IPPROTO_IP":
            return name.removeprefix("IPPROTO_").lower()
    return str(protocol)


def _ulp(found: bytes | None) -> str | None:
    """The upper layer protocol of a TCP socket: INET_ULP_INFO_NAME is 1."""
    if not found:
        return None
    name = dict(attributes(found)).get(1)
    return name.rstrip(b"\0").decode("ascii", "replace") if name else None
