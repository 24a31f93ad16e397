"""Unix sockets over netlink (include/uapi/linux/unix_diag.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

from sqlports.sources import sock_diag
from sqlports.sources.inet_sockets import memory_of, number, shut
from sqlports.sources.records import SocketRecord
from sqlports.sources.sockets import Listing, RecordSocket, Socket
from sqlports.sources.states import OTHER_STATES

AF_UNIX = 1
TYPES = {1: "stream", 2: "datagram", 3: "raw", 5: "seqpacket"}

NAME, PEER, RQLEN, MEMINFO, SHUTDOWN, UID = 0, 2, 4, 5, 6, 7
_SHOW_NAME, _SHOW_PEER, _SHOW_RQLEN, _SHOW_MEMINFO, _SHOW_UID = 0x1, 0x4, 0x10, 0x20, 0x40

_ALL_STATES = 0xFFFFFFFF

# unix_diag_msg: family, type, state, a gap, inode, cookie.
_MESSAGE = struct.Struct("=BBBxIQ")
_STATES = [OTHER_STATES.get(state) or str(state) for state in range(256)]
_DATAGRAM = 2
_ESTABLISHED, _CLOSED = 1, 7
_TWO = struct.Struct("=II")


def request(listing: Listing) -> bytes:
    """A dump of unix sockets with name, peer, queue lengths and uid: unix_diag_req."""
    show = _SHOW_NAME | _SHOW_PEER | _SHOW_RQLEN | _SHOW_UID | (_SHOW_MEMINFO if "memory" in listing.parts else 0)
    return sock_diag.message(struct.pack("=BBHIIIII", AF_UNIX, 0, 0, _ALL_STATES, 0, show, 0, 0))


class UnixSocket(RecordSocket):
    """A unix socket that keeps what the kernel said, and takes apart the rest of it when that is wanted."""

    __slots__ = ("cookie", "data", "inode", "state")

    def __init__(self, data: bytes, listing: Listing) -> None:
        _, kind, state, inode, self.cookie = _MESSAGE.unpack_from(data)
        if kind == _DATAGRAM and state == _ESTABLISHED and PEER not in dict(sock_diag.attributes(data, _MESSAGE.size)):
            # Somebody connected to it, once: it has no peer for that.
            state = _CLOSED
        self.state = _STATES[state]
        self.inode = inode or None
        self.data = data
        self.listing = listing

    def __getattr__(self, name: str) -> Any:
        """What was not asked for yet."""
        if name in ("record", "parts"):
            self._unpack()
            return getattr(self, name)
        return super().__getattr__(name)

    def _unpack(self) -> None:
        found = dict(sock_diag.attributes(self.data, _MESSAGE.size))
        queues = found.get(RQLEN, b"")
        received, sending = _TWO.unpack(queues) if len(queues) == _TWO.size else (None, None)
        name, kind = found.get(NAME), self.data[1]
        listens = self.state == "LISTEN"
        self.parts = {"memory": memory_of(found.get(MEMINFO))}
        self.record = SocketRecord(
            TYPES.get(kind, str(kind)),
            path=path(name) if name else None,
            abstract=int(name.startswith(b"\0")) if name else None,
            peer_inode=number(found.get(PEER)) or None,
            uid=number(found.get(UID)),
            receive_queue=None if listens else received,
            send_queue=None if listens else sending,
            backlog=received if listens else None,
            backlog_limit=sending if listens else None,
            shutdown=shut(found.get(SHUTDOWN)),
        )


def parse(datagrams: Iterable[bytes], listing: Listing, strict: bool = True) -> list[Socket]:
    """The sockets of an answer, each once. Raises what sock_diag.runs does."""
    found: dict[int, Socket] = {}
    for data in sock_diag.messages(datagrams, "sock_diag unix", sock_diag.HEADER + _MESSAGE.size, strict):
        socket = UnixSocket(data, listing)
        found.setdefault(socket.cookie, socket)
    return list(found.values())


def path(name: bytes) -> str:
    """The name of a unix socket as /proc/net/unix has it: NULs of an abstract name are '@', and it starts with one."""
    if not name.startswith(b"\0"):
        name = name.split(b"\0", 1)[0]
    return name.replace(b"\0", b"@").decode("utf-8", "backslashreplace")
