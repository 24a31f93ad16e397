"""Answers of sock_diag as tests make them: messages on literal bytes, and lists to read them for."""

from __future__ import annotations

import socket
import struct
from collections.abc import Sequence

from sqlports.sources import (
    inet_diag,
)
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import Memory
from sqlports.sources.sock_diag import attribute
from sqlports.sources.sockets import KINDS, Listing, Socket

HERE = Namespace("/proc", own="/proc/self/net")
SOCKET, ERROR, DONE_TYPE = 20, 2, 3
INTERRUPTED = 0x10

# INET_DIAG_* of include/uapi/linux/inet_diag.h.
INFO, CONG, TOS, TCLASS, SKMEMINFO, SHUTDOWN, PROTOCOL, SKV6ONLY, MARK, ULP_INFO, CGROUP_ID, SOCKOPT = (
    2, 4, 5, 6, 7, 8, 10, 11, 15, 19, 21, 22,
)  # fmt: skip
MEMORY = Memory(1, 2, 3, 4, 5, 6, 7, 8, 9)
MEMINFO_BYTES = struct.pack("=9I", *MEMORY)


def listing(family: str, protocol: str, *parts: str) -> Listing:
    [kind] = [kind for kind in KINDS if (kind.family, kind.protocol) == (family, protocol)]
    return Listing(None, kind, HERE, frozenset(parts))  # type: ignore[arg-type]


TCP, TCP6, UDP, RAW = listing("ipv4", "tcp"), listing("ipv6", "tcp"), listing("ipv4", "udp"), listing("ipv4", "raw")
UNIX, PACKET, NETLINK = listing("unix", "unix"), listing("packet", "packet"), listing("netlink", "netlink")
VSOCK = listing("vsock", "vsock")


def message(body: bytes, kind: int = SOCKET, flags: int = 2, length: int | None = None) -> bytes:
    """A netlink message, padded to a multiple of four."""
    size = 16 + len(body)
    return (struct.pack("=IHHII", size if length is None else length, kind, flags, 1, 0) + body).ljust((size + 3) & ~3, b"\0")


def number(value: int) -> bytes:
    return struct.pack("=i", value)


DONE = message(number(0), DONE_TYPE)


def inet(
    state: int = 10,
    local: tuple[str, int] = ("127.0.0.1", 80),
    remote: tuple[str, int] = ("0.0.0.0", 0),
    inode: int = 777,
    uid: int = 1000,
    timer: int = 0,
    cookie: int = 5,
    tail: bytes = b"",
    interface: int = 0,
    queues: tuple[int, int] = (1, 128),
    flags: int = 2,
) -> bytes:
    family = socket.AF_INET6 if ":" in local[0] else socket.AF_INET
    addresses = b"".join(socket.inet_pton(family, host).ljust(16, b"\0") for host, _ in (local, remote))
    body = struct.pack("=BBBB", 2 if family == socket.AF_INET else 10, state, timer, 3)
    body += struct.pack(">HH", local[1], remote[1]) + addresses
    body += struct.pack("=IQ", interface, cookie) + struct.pack("=IIIII", 2500, *queues, uid, inode) + tail
    return message(body, flags=flags)


def unix(
    name: bytes | None = None,
    *,
    kind: int = 1,
    state: int = 10,
    inode: int = 9,
    peer: int = 0,
    cookie: int = 33,
    tail: bytes = b"",
) -> bytes:
    body = struct.pack("=BBBBIQ", 1, kind, state, 0, inode, cookie)
    body += attribute(0, name) if name is not None else b""
    body += attribute(2, struct.pack("=I", peer)) if peer else b""
    return message(body + attribute(4, struct.pack("=II", 1, 16)) + attribute(7, struct.pack("=I", 1000)) + tail)


def packet(kind: int = 3, protocol: int = 3, inode: int = 9, cookie: int = 33, tail: bytes = b"") -> bytes:
    return message(struct.pack("=BBHIQ", 17, kind, protocol, inode, cookie) + tail)


def netlink(kind: int = 3, protocol: int = 0, state: int = 0, ident: int = 4711, cookie: int = 33, tail: bytes = b"") -> bytes:
    return message(struct.pack("=BBBBIIIIQ", 16, kind, protocol, state, ident, 0, 0, 9, cookie) + tail)


ANY = 0xFFFFFFFF


def vsock(
    kind: int = 1, state: int = 10, closed: int = 0, local: tuple[int, int] = (2, 1024), remote: tuple[int, int] = (ANY, ANY)
) -> bytes:
    return message(struct.pack("=BBBBIIIIIQ", 40, kind, state, closed, *local, *remote, 9, 33))


def one(data: bytes, of: Listing = TCP) -> Socket:
    [row] = inet_diag.parse([data + DONE], of)
    return row


def only(rows: Sequence[Socket]) -> Socket:
    [row] = rows
    return row
