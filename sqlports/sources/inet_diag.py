"""Asking for TCP, UDP, raw, SCTP and MPTCP sockets over netlink (include/uapi/linux/inet_diag.h)."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence

from sqlports.sources import sock_diag
from sqlports.sources.inet_messages import LEAST, Messages
from sqlports.sources.inet_sockets import CONG, INFO, SKMEMINFO, TCLASS, TOS
from sqlports.sources.sock_diag import attribute
from sqlports.sources.sockets import Listing, Socket

FAMILIES = {"ipv4": 2, "ipv6": 10}
PROTOCOLS = {"tcp": 6, "udp": 17, "sctp": 132, "udplite": 136, "raw": 255, "mptcp": 262}

_REQ_BYTECODE, _REQ_PROTOCOL = 1, 3
# The parts of a socket that are told only on request, as bits of idiag_ext.
_EXTENSIONS = {"info": 1 << (INFO - 1) | 1 << (CONG - 1) | 1 << (TOS - 1) | 1 << (TCLASS - 1), "memory": 1 << (SKMEMINFO - 1)}


def request(listing: Listing, mask: int, code: bytes = b"") -> bytes:
    """A dump of one family and protocol: inet_diag_req_v2, with a filter and the extensions for the listing's parts."""
    protocol = PROTOCOLS[listing.protocol]
    wanted = sum(_EXTENSIONS.get(part, 0) for part in listing.parts)
    body = struct.pack("=BBBBI", FAMILIES[listing.family], protocol if protocol < 256 else 0, wanted, 0, mask) + bytes(48)
    if protocol > 255:
        body += attribute(_REQ_PROTOCOL, struct.pack("=I", protocol))
    if code:
        body += attribute(_REQ_BYTECODE, code)
    return sock_diag.message(body)


def parse(datagrams: Iterable[bytes], listing: Listing, strict: bool = True) -> Sequence[Socket]:
    """The sockets of an answer, each once. Raises what sock_diag.runs does."""
    runs = sock_diag.runs(datagrams, f"sock_diag {listing.protocol}", LEAST, strict)
    return Messages(listing, list(runs)).once()
