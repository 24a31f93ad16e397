"""sock_diag(7): asking the kernel for its lists of sockets over netlink. Requests, the exchange, and what every answer has.

The answer is for the network namespace in which the netlink socket was created. It needs no privilege. To ask for a family
may make the kernel load the module that can tell of it (inet_diag, unix_diag, …), as ss does.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Iterator

from sqlports.errors import SourceError
from sqlports.sources.records import Unsupported

NETLINK_SOCK_DIAG = 4
SOCK_DIAG_BY_FAMILY = 20
NLM_F_REQUEST, NLM_F_DUMP, NLM_F_DUMP_INTR = 0x1, 0x300, 0x10
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE = 1, 2, 3

# nlmsghdr: every message starts with it.
HEADER = 16

_ERRORS = {-2: "the kernel has no handler for it", -22: "the kernel does not know the request"}

# include/linux/err.h
_MAX_ERRNO = 4095

_REQUEST = struct.Struct("=IHHII")
_LENGTH_TYPE_FLAGS = struct.Struct("=IHH")
_ATTRIBUTE = struct.Struct("=HH")


class Malformed(SourceError):
    """The answer is cut off or is no netlink message."""


class Changed(Exception):
    """The kernel says that its list changed while it gave it out, so that sockets may be missing from it."""


def message(body: bytes) -> bytes:
    """A request for a dump."""
    return _REQUEST.pack(HEADER + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0) + body


def attribute(number: int, payload: bytes) -> bytes:
    """A netlink attribute, as a request or an answer carries it."""
    return (_ATTRIBUTE.pack(4 + len(payload), number) + payload).ljust((len(payload) + 7) & ~3, b"\0")


def connect() -> socket.socket:
    """A netlink socket of the network namespace that the calling thread is in. Raises Unsupported."""
    try:
        return socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_SOCK_DIAG)
    except (AttributeError, OSError) as error:
        raise Unsupported("sock_diag", f"no netlink socket: {error}") from None


def exchange(netlink: socket.socket, request: bytes) -> Iterator[bytes]:
    """Send a request and give the datagrams of the answer, for as long as they are asked for. Raises OSError, Malformed."""
    netlink.sendto(request, (0, 0))
    buffer = bytearray(1 << 16)
    while True:
        size, _, flags, _ = netlink.recvmsg_into([buffer])
        if flags & socket.MSG_TRUNC:
            raise Malformed("a netlink datagram is larger than 64 KiB")
        yield bytes(memoryview(buffer)[:size])


def runs(datagrams: Iterable[bytes], source: str, least: int, strict: bool = True) -> Iterator[tuple[bytes, int, int]]:
    """The sockets of an answer, in runs of messages of one length: their bytes, the length of each, and the step between.

    `least` is the length below which a message cannot be a socket. Raises Malformed; Unsupported or OSError for the kernel's
    refusals; and Changed, if `strict`. A refusal may stand in NLMSG_DONE as well as in NLMSG_ERROR: taking it for the end
    turns "unsupported" into "none".
    """
    unpack = _LENGTH_TYPE_FLAGS.unpack_from
    for data in datagrams:
        start, size = 0, len(data)
        while start < size:
            if size - start < HEADER:
                raise Malformed(f"{source}: {size - start} bytes left where a netlink header should be")
            length, kind, flags = unpack(data, start)
            if length < HEADER or start + length > size:
                raise Malformed(f"{source}: a netlink message of {length} bytes in {size - start}")
            if flags & NLM_F_DUMP_INTR and strict:
                raise Changed
            step = (length + 3) & ~3
            end = start + step
            if kind in (NLMSG_DONE, NLMSG_ERROR):
                _refusal(source, data[start + HEADER : min(start + HEADER + 4, start + length)])
                return
            if kind == SOCK_DIAG_BY_FAMILY:
                if length < least:
                    raise Malformed(f"{source}: a socket in {length} bytes")
                end = _run(data, start, length, step)
                yield data[start:end].ljust(end - start, b"\0"), length, step
            elif kind != NLMSG_NOOP:
                raise Malformed(f"{source}: a message of type {kind} among the sockets")
            start = end
    raise Malformed(f"{source}: the answer ends too early")


def _run(data: bytes, start: int, length: int, step: int) -> int:
    """Where the messages end that are of the length, type and flags of the first."""
    head, size = data[start : start + 8], len(data)
    # The padding of the last may lack.
    whole = max((size - start) // step, 1)
    end = start + whole * step
    # As a rule all are alike, and to count bytes is faster than to look at one message after the other.
    if all(data[start + at : end : step].count(head[at]) == whole for at in range(8)):
        return end
    end = start + step
    while end + length <= size and data.startswith(head, end):
        end += step
    return end


def messages(datagrams: Iterable[bytes], source: str, least: int, strict: bool = True) -> Iterator[bytes]:
    """The sockets of an answer, one by one, without their netlink headers. Raises what `runs` does."""
    for block, length, step in runs(datagrams, source, least, strict):
        for start in range(0, len(block), step):
            yield block[start + HEADER : start + length]


def _refusal(source: str, payload: bytes) -> None:
    """Raise what the end of an answer says, if it is no success."""
    error = struct.unpack("=i", payload)[0] if len(payload) == 4 else 1
    if not -_MAX_ERRNO <= error <= 0:
        raise Malformed(f"{source}: the answer ends with {payload!r}, which is no error number")
    if error in _ERRORS:
        raise Unsupported(source, _ERRORS[error])
    if error:
        raise OSError(-error, f"{source}: {os.strerror(-error)}")


def attributes(data: bytes, start: int = 0) -> Iterator[tuple[int, bytes]]:
    """The netlink attributes from `start` on: number and payload. Raises Malformed."""
    end = len(data)
    while start + 4 <= end:
        length, number = _ATTRIBUTE.unpack_from(data, start)
        if length < 4 or start + length > end:
            raise Malformed(f"an attribute of {length} bytes in {end - start}")
        yield number & 0x3FFF, data[start + 4 : start + length]
        start += (length + 3) & ~3
