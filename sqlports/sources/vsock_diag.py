"""Sockets between a virtual machine and its host over netlink (include/uapi/linux/vm_sockets_diag.h, vsock(7))."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from sqlports.sources import sock_diag
from sqlports.sources.inet_sockets import shut
from sqlports.sources.records import SocketRecord
from sqlports.sources.sockets import Listing, RecordSocket, Socket
from sqlports.sources.states import OTHER_STATES
from sqlports.sources.unix_diag import TYPES

AF_VSOCK = 40
_ANY = 0xFFFFFFFF

# vsock_diag_msg: family, type, state, shutdown, source cid and port, target cid and port, inode, cookie.
_MESSAGE = struct.Struct("=BBBBIIIIIQ")


def request(listing: Listing, mask: int) -> bytes:
    """A dump of vsock sockets: vsock_diag_req."""
    return sock_diag.message(struct.pack("=BBHIIIII", AF_VSOCK, 0, 0, mask, 0, 0, 0, 0))


def parse(datagrams: Iterable[bytes], listing: Listing, strict: bool = True) -> list[Socket]:
    """The sockets of an answer, each once. An address is a context id. Raises what sock_diag.runs does."""
    found: dict[int, Socket] = {}
    for data in sock_diag.messages(datagrams, "sock_diag vsock", sock_diag.HEADER + _MESSAGE.size, strict):
        _, kind, state, closed, cid, port, remote_cid, remote_port, inode, cookie = _MESSAGE.unpack_from(data)
        has_remote = _ANY not in (remote_port, remote_cid)
        record = SocketRecord(
            TYPES.get(kind, str(kind)),
            OTHER_STATES.get(state, str(state)),
            local_address="any" if cid == _ANY else str(cid),
            local_port=None if port == _ANY else port,
            remote_address=str(remote_cid) if has_remote else None,
            remote_port=remote_port if has_remote else None,
            inode=inode or None,
            cookie=cookie,
            shutdown=shut(bytes((closed,))),
        )
        found.setdefault(cookie, RecordSocket(record, listing))
    return list(found.values())
