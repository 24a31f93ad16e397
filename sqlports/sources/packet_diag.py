"""Packet sockets, which see what passes an interface, over netlink (include/uapi/linux/packet_diag.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterable

from sqlports.sources import sock_diag
from sqlports.sources.inet_sockets import memory_of, number
from sqlports.sources.records import SocketRecord
from sqlports.sources.sockets import Listing, RecordSocket, Socket
from sqlports.sources.unix_diag import TYPES

AF_PACKET = 17
INFO, MEMBERSHIPS, UID, MEMINFO = 0, 1, 5, 6
_SHOW_INFO, _SHOW_MEMBERSHIPS, _SHOW_MEMINFO = 0x1, 0x2, 0x10

# packet_diag_msg: family, type, protocol, inode, cookie.
_MESSAGE = struct.Struct("=BBHIQ")
# packet_diag_mclist: interface, count, type, length of the address, address; of type PACKET_MR_PROMISC (packet(7)).
_MEMBERSHIP = struct.Struct("=IIHH32x")
_PROMISCUOUS = 1

# include/uapi/linux/if_ether.h
_ETHERTYPES = {
    0x0003: "all", 0x0800: "ip", 0x0806: "arp", 0x8035: "rarp", 0x8100: "802.1q", 0x86DD: "ipv6", 0x8863: "pppoe_discovery",
    0x8864: "pppoe", 0x888E: "eapol", 0x88CC: "lldp", 0x88F7: "ptp", 0x0004: "802.2",
}  # fmt: skip


def request(listing: Listing) -> bytes:
    """A dump of packet sockets: packet_diag_req."""
    show = _SHOW_INFO | _SHOW_MEMBERSHIPS | (_SHOW_MEMINFO if "memory" in listing.parts else 0)
    return sock_diag.message(struct.pack("=BBHIIII", AF_PACKET, 0, 0, 0, show, 0, 0))


def parse(datagrams: Iterable[bytes], listing: Listing, strict: bool = True) -> list[Socket]:
    """The sockets of an answer, each once. Raises what sock_diag.runs does."""
    found: dict[int, Socket] = {}
    for data in sock_diag.messages(datagrams, "sock_diag packet", sock_diag.HEADER + _MESSAGE.size, strict):
        _, kind, protocol, inode, cookie = _MESSAGE.unpack_from(data)
        parts = dict(sock_diag.attributes(data, _MESSAGE.size))
        index = number(parts.get(INFO))
        record = SocketRecord(
            TYPES.get(kind, str(kind)),
            "UNCONNECTED",
            subprotocol=ethertype(protocol),
            inode=inode or None,
            cookie=cookie,
            uid=number(parts.get(UID)),
            interface=listing.namespace.interface(index) if index else None,
            options="promiscuous" if _is_promiscuous(parts.get(MEMBERSHIPS, b"")) else None,
        )
        found.setdefault(cookie, RecordSocket(record, listing, memory=memory_of(parts.get(MEMINFO))))
    return list(found.values())


def _is_promiscuous(memberships: bytes) -> bool:
    """Whether the socket has an interface take in what is meant for others, too."""
    whole = len(memberships) - len(memberships) % _MEMBERSHIP.size
    return any(kind == _PROMISCUOUS for _, _, kind, _ in _MEMBERSHIP.iter_unpack(memberships[:whole]))


def ethertype(number: int) -> str | None:
    """The name of a protocol over Ethernet, its number in hexadecimal where it has none; None for 0, which hears nothing."""
    return _ETHERTYPES.get(number, f"0x{number:04x}") if number else None
