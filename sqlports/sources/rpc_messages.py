"""What is said to rpcbind, and what it answers: RPC (RFC 5531) in XDR (RFC 4506), for the procedure DUMP (RFC 1833)."""

from __future__ import annotations

import struct
from typing import NamedTuple

from sqlports.sources.procfs import text

# RFC 1833: the program, and its procedure that lists all registrations, in each of its versions.
_RPCBIND, _DUMP = 100000, 4
# RFC 5531, section 9: message types, the version of RPC, and how a reply says what became of the call.
_CALL, _REPLY, _RPC_VERSION = 0, 1, 2
_ACCEPTED, _SUCCESS, _NO_PROGRAM, _OTHER_VERSIONS, _NO_PROCEDURE = 0, 0, 1, 2, 3
# RFC 5531, section 11: a record is fragments, each with its length before it, where this bit marks the last.
LAST = 0x80000000
# More registrations than these nobody has.
MANY = 10000
# The longest credentials (RFC 5531, section 8.2).
_LONGEST_VERIFIER = 400

# What a network identifier stands for (RFC 5665, section 5.1, and what libtirpc calls a unix socket).
_NETIDS = {
    "tcp": ("tcp", "ipv4"),
    "tcp6": ("tcp", "ipv6"),
    "udp": ("udp", "ipv4"),
    "udp6": ("udp", "ipv6"),
    "sctp": ("sctp", "ipv4"),
    "sctp6": ("sctp", "ipv6"),
    "rdma": ("rdma", "ipv4"),
    "rdma6": ("rdma", "ipv6"),
    "local": ("unix", "unix"),
    "unix": ("unix", "unix"),
}
PROTOCOLS = tuple(dict.fromkeys(protocol for protocol, _ in _NETIDS.values()))
FAMILIES = tuple(dict.fromkeys(family for _, family in _NETIDS.values()))
# The same of version 2, which has the numbers of IP.
_PROTOCOLS = {6: "tcp", 17: "udp"}


class NotSpoken(Exception):
    """The version is not answered; another may be."""


class Registration(NamedTuple):
    """A program that is registered with rpcbind. Version 2 does not tell `netid`, `universal_address` and `owner`.

    protocol, family, address, port   what these stand for; None for what they do not tell
    """

    program: int
    version: int
    netid: str | None
    universal_address: str | None
    owner: str | None
    protocol: str | None
    family: str | None
    address: str | None
    port: int | None


def call(version: int) -> bytes:
    """The record that asks for all registrations, in a version of the protocol (4, 3 or 2), which is its number too."""
    message = struct.pack(">10I", version, _CALL, _RPC_VERSION, _RPCBIND, version, _DUMP, 0, 0, 0, 0)
    return struct.pack(">I", LAST | len(message)) + message


def registrations(message: bytes, version: int) -> list[Registration]:
    """What a reply to that says, its fragments put together. Raises NotSpoken; ValueError for what is no such reply."""
    reader = _Reader(message)
    if reader.number() != version or reader.number() != _REPLY:
        raise ValueError("its answer is to no question of ours")
    if reader.number() != _ACCEPTED:
        raise ValueError("it denies the call")
    reader.number()
    reader.opaque(_LONGEST_VERIFIER)
    status = reader.number()
    if status in (_NO_PROGRAM, _OTHER_VERSIONS, _NO_PROCEDURE):
        raise NotSpoken
    if status != _SUCCESS:
        raise ValueError(f"it fails with status {status}")
    one = _mapping if version == 2 else _binding
    found: list[Registration] = []
    while reader.more():
        if len(found) == MANY:
            raise ValueError(f"it has more than {MANY} registrations")
        found.append(one(reader))
    return found


class _Reader:
    """Takes XDR from a message, piece by piece. Every method raises ValueError where it ends before."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._at = 0

    def number(self) -> int:
        return int.from_bytes(self._take(4), "big")

    def more(self) -> bool:
        """Whether an element of a list follows."""
        number = self.number()
        if number > 1:
            raise ValueError(f"its list goes on with {number}, which is neither yes nor no")
        return number == 1

    def opaque(self, longest: int) -> bytes:
        """Bytes of a length that is told before, filled up to four."""
        length = self.number()
        if length > longest:
            raise ValueError(f"{length} bytes are too long")
        return self._take(length + -length % 4)[:length]

    def text(self) -> str:
        return text(self.opaque(len(self._message)))

    def _take(self, length: int) -> bytes:
        taken = self._message[self._at : self._at + length]
        if len(taken) < length:
            raise ValueError("its answer ends too early")
        self._at += length
        return taken


def _binding(reader: _Reader) -> Registration:
    """One registration of versions 3 and 4."""
    program, version = reader.number(), reader.number()
    netid, universal, owner = reader.text(), reader.text(), reader.text()
    protocol, family = _NETIDS.get(netid, (None, None))
    return Registration(program, version, netid, universal, owner, protocol, family, *_place(universal, family))


def _mapping(reader: _Reader) -> Registration:
    """One registration of version 2, which knows IPv4 only."""
    program, version, protocol, port = (reader.number() for _ in range(4))
    port_or_none = port if port < 1 << 16 else None
    return Registration(program, version, None, None, None, _PROTOCOLS.get(protocol), "ipv4", None, port_or_none)


def _place(universal: str, family: str | None) -> tuple[str | None, int | None]:
    """The address and port of a universal address (RFC 5665, section 5.2.3): `127.0.0.1.0.111` is port 111."""
    if family == "unix":
        return universal, None
    if family is None:
        return None, None
    import socket

    address, *port = universal.rsplit(".", 2)
    number = socket.AF_INET if family == "ipv4" else socket.AF_INET6
    try:
        high, low = (int(part) if part.isascii() and part.isdigit() and len(part) < 4 else 256 for part in port)
        address = socket.inet_ntop(number, socket.inet_pton(number, address))
    except (OSError, ValueError):
        return None, None
    return (address, high << 8 | low) if high < 256 and low < 256 else (None, None)
