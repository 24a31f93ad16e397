"""Netlink sockets over netlink (include/uapi/linux/netlink_diag.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from sqlports.sources import sock_diag
from sqlports.sources.inet_sockets import memory_of
from sqlports.sources.records import SocketRecord
from sqlports.sources.sockets import Listing, RecordSocket, Socket
from sqlports.sources.unix_diag import TYPES

AF_NETLINK = 16
MEMINFO = 0
_SHOW_MEMINFO = 0x1
_ALL_PROTOCOLS = 255

# netlink_diag_msg: family, type, protocol, state, portid, dst_portid, dst_group, inode, cookie.
_MESSAGE = struct.Struct("=BBBBIIIIQ")

# include/uapi/linux/netlink.h
_PROTOCOLS = (
    "route", "unused", "usersock", "firewall", "sock_diag", "nflog", "xfrm", "selinux", "iscsi", "audit", "fib_lookup",
    "connector", "netfilter", "ip6_fw", "dnrtmsg", "kobject_uevent", "generic", "", "scsitransport", "ecryptfs", "rdma",
    "crypto", "smc",
)  # fmt: skip


def request(listing: Listing) -> bytes:
    """A dump of netlink sockets of all protocols: netlink_diag_req."""
    show = _SHOW_MEMINFO if "memory" in listing.parts else 0
    return sock_diag.message(struct.pack("=BBHIIII", AF_NETLINK, _ALL_PROTOCOLS, 0, 0, show, 0, 0))


def parse(datagrams: Iterable[bytes], listing: Listing, strict: bool = True) -> list[Socket]:
    """The sockets of an answer, each once. Raises what sock_diag.runs does."""
    found: dict[int, Socket] = {}
    for data in sock_diag.messages(datagrams, "sock_diag netlink", sock_diag.HEADER + _MESSAGE.size, strict):
        _, kind, protocol, state, portid, _, _, inode, cookie = _MESSAGE.unpack_from(data)
        parts = dict(sock_diag.attributes(data, _MESSAGE.size))
        record = SocketRecord(
            TYPES.get(kind, str(kind)),
            # NETLINK_CONNECTED is 1.
            "ESTABLISHED" if state == 1 else "UNCONNECTED",
            subprotocol=netlink_protocol(protocol),
            # The kernel's own end is 0.
            ident=portid,
            inode=inode or None,
            cookie=cookie,
        )
        found.setdefault(cookie, RecordSocket(record, listing, memory=memory_of(parts.get(MEMINFO))))
    return list(found.values())


def netlink_protocol(number: int) -> str:
    """The name of a netlink protocol, its number where it has none."""
    return (_PROTOCOLS[number] if number < len(_PROTOCOLS) else "") or str(number)
