"""Whether a socket stands in the way of bind(2) and listen(2), by the rules of Linux, given who has a port and who wants it.

TCP goes by inet_bind_conflict (net/ipv4/inet_connection_sock.c), UDP by udp_lib_lport_inuse (net/ipv4/udp.c), and both compare
addresses by inet_rcv_saddr_equal (the former file). Sockets of other network namespaces or protocols never meet. A port is
shared in two ways: both sockets set SO_REUSEADDR, and who has the port does not listen; or both set SO_REUSEPORT and are of
the same user, whom a socket in TIME_WAIT no longer has. What a socket set is told to nobody else, so that the most that can
be said is on what it depends. Who chose the port, the kernel or the program, makes no difference.

Not known here: a VRF (ip-vrf(8)), in which the same port and address may be had once more; and in which order the kernel
comes by the sockets of a port, for a bind that it once let in by SO_REUSEPORT it may let in again without looking at the rest.
"""

from __future__ import annotations

import socket
from typing import Any, NamedTuple

BLOCKS = "blocks"
UNLESS_ADDRESS = "blocks unless both set SO_REUSEADDR"
UNLESS_PORT = "blocks unless both set SO_REUSEPORT"
FREE = "does not block"
VERDICTS = (BLOCKS, UNLESS_ADDRESS, UNLESS_PORT, FREE)

_MAPPED = bytes(10) + b"\xff\xff"
_ANY4, _ANY6 = bytes(4), bytes(16)
# What stands in the IPv4 part of a socket with an IPv6 address (LOOPBACK4_IPV6 of include/net/ipv6.h).
_STAND_IN = bytes((127, 0, 0, 6))


class Address(NamedTuple):
    """An address as a socket has it: 4 bytes, or 16; `scope` is the interface that was named behind a '%'."""

    raw: bytes
    scope: str | None = None

    @property
    def v4(self) -> bytes | None:
        """The IPv4 address, of an IPv6 socket a mapped one; None for none."""
        if len(self.raw) == 4:
            return self.raw
        return self.raw[12:] if self.raw.startswith(_MAPPED) else None

    @property
    def is_any(self) -> bool:
        """Whether it stands for all addresses."""
        return self.raw == _ANY6 or self.v4 == _ANY4

    @property
    def is_of_a_link(self) -> bool:
        """Whether it is an IPv6 address that means something on one link only (RFC 4291, sections 2.5.6 and 2.7)."""
        if len(self.raw) != 16:
            return False
        return self.raw[1] & 0xC0 == 0x80 if self.raw[0] == 0xFE else self.raw[0] == 0xFF and self.raw[1] & 0xF in (1, 2)

    @property
    def link(self) -> str | None:
        """The interface that it binds a socket to: of another address the kernel passes over a scope."""
        return self.scope if self.is_of_a_link else None


class Binder(NamedTuple):
    """Who wants a port. The options are 1 or 0, and None where it may be either; `uid` None is any user."""

    address: Address
    v6only: bool = False
    interface: str | None = None
    reuse_address: int | None = None
    reuse_port: int | None = None
    uid: int | None = None


class Ruling(NamedTuple):
    """What is to be said of one thing that has a port: one of VERDICTS, None where it is not known, and why."""

    verdict: str | None
    why: str


def address(text: str) -> Address | None:
    """An address as inet_pton(3) reads it, with a scope behind an IPv6 one (RFC 4007); None for what is none."""
    host, percent, scope = text.partition("%")
    is_v6 = ":" in host
    if (percent and not (is_v6 and scope)) or not text.isascii() or "\0" in text:
        return None
    try:
        return Address(socket.inet_pton(socket.AF_INET6 if is_v6 else socket.AF_INET, host), scope or None)
    except OSError:
        return None


def ruling(holder: Any, uid: int | None, binder: Binder) -> Ruling:
    """Whether a holder of the port, a row of sockets, stands in the way of a binder of the same protocol and namespace.

    `uid` is its user; of a holder itself are asked `protocol`, `state`, `timer`, `local_address`, `v6only`, `interface`, and
    only where it listens and the binder has SO_REUSEPORT, `siblings`. What is not told is taken for what stands in the way.
    """
    if holder.state == "SYN_RECV":
        return Ruling(FREE, "A connection that is not complete yet has no port of its own: it is its listener's.")
    mine = binder.address.link or binder.interface
    if holder.interface and mine and holder.interface != mine:
        return Ruling(FREE, f"It is bound to another interface: {holder.interface}.")
    its = address(holder.local_address or "")
    meets = _meets(binder, its, holder.v6only, holder.protocol in ("udp", "udplite")) if its else True
    if meets is False:
        return Ruling(FREE, _apart(its, holder.v6only, binder))
    found = _shared(holder, uid, binder)
    if meets is None and found.verdict != FREE:
        return found._replace(why=f"{found.why} But it may be that it takes no IPv4: of a connection that is not told.")
    return found


def _meets(binder: Binder, its: Address, its_only: int | None, datagrams: bool) -> bool | None:
    """Whether two addresses are one, or one of them stands for the other too; None where v6only decides and is not known."""
    mine = binder.address
    if len(mine.raw) == 4 or (mine.v4 is not None and its.v4 is not None):
        theirs = its.v4 or (_ANY4 if its.is_any else _STAND_IN if mine.is_any or datagrams else None)
        if its_only or theirs is None or not (mine.is_any or theirs in (_ANY4, mine.v4)):
            return False
        # A socket that was bound to an IPv6 address has v6only by that; one that has it by a connection has not.
        return True if its.v4 or its_only is not None else None
    if mine.raw == _ANY6:
        return not (binder.v6only and its.v4 is not None)
    if its.raw == _ANY6:
        if mine.v4 is None:
            return True
        return None if its_only is None else not its_only
    return its.raw == mine.raw


def _apart(its: Address | None, its_only: int | None, binder: Binder) -> str:
    if its is not None and its_only and (binder.address.v4 is not None):
        return "It takes no IPv4."
    if binder.v6only and its is not None and its.v4 is not None:
        return "It is IPv4's, and the other takes no IPv4 (IPV6_V6ONLY)."
    return "It has another address."


def _shared(holder: Any, uid: int | None, binder: Binder) -> Ruling:
    """What is said of a holder whose address is in the way."""
    if holder.protocol not in ("tcp", "udp", "udplite"):
        return Ruling(BLOCKS, "It has the port; when this protocol shares one is not known here.")
    listens = holder.state in ("LISTEN", None)
    by_address = binder.reuse_address != 0 and not listens
    # What closes in FIN_WAIT2 and has no process waits its time like one in TIME_WAIT, and has no user either.
    same = holder.state == "TIME_WAIT" or holder.timer == "timewait" or binder.uid is None or uid == binder.uid
    by_port = binder.reuse_port != 0 and same
    if listens and by_port and binder.reuse_port and uid is not None and uid == binder.uid and holder.siblings:
        return Ruling(FREE, "Listeners of this user share the port by SO_REUSEPORT: one more is let in.")
    ways = " or ".join(["both set SO_REUSEADDR"] * by_address + ["both set SO_REUSEPORT"] * by_port)
    text = f"{_what(holder)}. "
    if ways:
        text += f"It lets others in where {ways} before they bind"
        text += "; SO_REUSEADDR does not help." if listens else "."
    else:
        text += (
            "Without SO_REUSEPORT nothing else is let in."
            if listens and same
            else "Nothing that may still be set would let another in."
        )
    if binder.reuse_port != 0 and not same:
        its = "its user is not known" if uid is None else f"it is user {uid}'s"
        text += f" SO_REUSEPORT shares a port within one user only, and {its}."
    return Ruling(UNLESS_ADDRESS if by_address else UNLESS_PORT if by_port else BLOCKS, text)


def _what(holder: Any) -> str:
    if holder.state == "LISTEN":
        return "It listens there"
    if holder.state is None:
        return "It has the port, in a state that is not known"
    if holder.state == "BOUND":
        return "It is bound there, and neither listens nor is connected"
    if holder.state == "TIME_WAIT":
        return "A connection that is over; the kernel keeps its port for a minute"
    if holder.state == "UNCONNECTED":
        return "It takes datagrams there"
    return "A connection has the port"
