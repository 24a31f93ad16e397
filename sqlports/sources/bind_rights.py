"""What the kernel asks of who binds, beside a port that is free: an address of its own, an interface that is, a privilege."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from sqlports.ports.binding import BLOCKS, Address, Ruling
from sqlports.sources.namespaces import Namespace, whole_file
from sqlports.sources.records import Unsupported
from sqlports.sources.sock_diag import HEADER

T = TypeVar("T")

CAP_NET_BIND_SERVICE = 10
# ioctl_ns(2): the user namespace that owns another; EPERM where that is not one's own or below it.
NS_GET_USERNS = 0xB701

NETLINK_ROUTE = 0
RTM_NEWROUTE, RTM_GETROUTE, NLM_F_REQUEST, NLMSG_ERROR = 24, 26, 1, 2
RTA_DST = 1
# rtnetlink(7) and ipv6.h, as /proc/net/if_inet6 has them: an address that duplicates are looked for of cannot be bound yet.
IFA_F_OPTIMISTIC, IFA_F_TENTATIVE = 0x04, 0x40
SCOPE_HOST, SCOPE_LINK = 0x10, 0x20
# Types of a route (rtnetlink(7)) to an address that may be bound: RTN_LOCAL, RTN_BROADCAST, RTN_MULTICAST.
_OWN = {2, 3, 5}

_NOT_KNOWN = Ruling(None, "Whether this machine has the address is not known: it may not be asked there.")


def place(
    namespace: Namespace, address: Address, interface: str | None, v6only: bool, protocol: str
) -> tuple[str, Ruling] | None:
    """The obstacle that is in an address or an interface, whatever the port, and what is to be said of it; None for none."""
    for name, is_scope in ((address.scope, True), (interface, False)):
        if name and interface_name(namespace, name, is_scope) == "":
            return "interface", Ruling(BLOCKS, f"There is no interface {name!a} there.")
    mine = interface_name(namespace, address.link, True) if address.link else interface_name(namespace, interface)
    if v6only and len(address.raw) == 16 and address.v4 is not None:
        return "address", Ruling(BLOCKS, "A socket that takes no IPv4 (IPV6_V6ONLY) cannot have an IPv4 address.")
    if address.is_any:
        return None
    is_multicast = len(address.raw) == 16 and address.raw[0] == 0xFF
    if is_multicast and protocol == "tcp":
        return "address", Ruling(BLOCKS, "TCP cannot be bound to an IPv6 multicast address.")
    if address.is_of_a_link and not mine:
        return "address", Ruling(BLOCKS, "An address of one link needs its interface: fe80::1%eth0.")
    if is_multicast:
        return None
    found = _asked(namespace, lambda: _is_own(address, mine))
    if found is None:
        return "address", _NOT_KNOWN
    if found:
        return None
    return "address", Ruling(BLOCKS, "This machine has no such address there; IP_FREEBIND (ip(7)) would bind it all the same.")


def interface_name(namespace: Namespace, name: str | None, is_scope: bool = False) -> str | None:
    """The name by which the kernel tells of an interface, which may be asked for by another of its names (ip-link(8), altname),
    or as a scope by its number; '' where there is none such. Where that cannot be asked, what was given."""
    return _asked(namespace, partial(_interface_name, name, is_scope), name) if name else None


def may_bind_any(namespace: Namespace, uid: int | None) -> bool:
    """Whether a user may bind a port below ip_unprivileged_port_start (capabilities(7)): of oneself by what one has, of others
    root alone."""
    if not hasattr(os, "geteuid") or uid != os.geteuid():
        return uid == 0
    return bool(_asked(namespace, _is_privileged, uid == 0))


def _asked(namespace: Namespace, ask: Callable[[], T], otherwise: T | None = None) -> T | None:
    """What is found in a namespace; `otherwise` where it cannot be asked in it."""
    if not sys.platform.startswith("linux"):
        return otherwise
    with suppress(OSError, Unsupported):
        return ask() if namespace.here else namespace.inside(ask)
    return otherwise


def _is_privileged() -> bool:
    """Whether this process has the capability in the user namespace to which the thread's network namespace belongs."""
    import fcntl

    status = whole_file("/proc/thread-self/status")
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith(b"CapEff:")), b"0")
    if not int(effective, 16) >> CAP_NET_BIND_SERVICE & 1:
        return False
    network = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.close(fcntl.ioctl(network, NS_GET_USERNS))
    except PermissionError:
        return False
    finally:
        os.close(network)
    return True


def _interface_name(name: str, is_scope: bool) -> str:
    with suppress(OSError):
        if is_scope and name.isdecimal() and len(name) < 10:
            return socket.if_indextoname(int(name))
    try:
        return socket.if_indextoname(socket.if_nametoindex(name))
    except (OSError, UnicodeEncodeError, ValueError):
        return ""


def _is_own(address: Address, interface: str | None) -> bool:
    """Whether the address may be bound as one of this machine's, or because the kernel binds any."""
    version = "ipv6" if address.v4 is None else "ipv4"
    with suppress(OSError):
        if whole_file(f"/proc/sys/net/{version}/ip_nonlocal_bind").strip() != b"0":
            return True
    if address.v4 is None:
        return _has_ipv6(address.raw, interface)
    # Nobody's own, and bound routed or not (__inet_dev_addr_type of net/ipv4/fib_frontend.c).
    return 224 <= address.v4[0] < 240 or address.v4 == b"\xff" * 4 or _route(address.v4) in _OWN


def _has_ipv6(raw: bytes, interface: str | None) -> bool:
    """Whether an interface has an IPv6 address, an interface that is named if the address is of a link or of the machine only
    (__ipv6_chk_addr_and_flags of net/ipv6/addrconf.c). A route to itself does not make it one, as it does in IPv4."""
    lines: list[bytes] = []
    with suppress(FileNotFoundError):  # there is no IPv6
        lines = whole_file("/proc/thread-self/net/if_inet6").splitlines()
    for line in lines:
        text, _, _, scope, flags, name = line.split()
        is_tried = int(flags, 16) & (IFA_F_TENTATIVE | IFA_F_OPTIMISTIC) == IFA_F_TENTATIVE
        is_there = not interface or not int(scope, 16) & (SCOPE_HOST | SCOPE_LINK) or os.fsdecode(name) == interface
        if is_there and not is_tried and bytes.fromhex(text.decode()) == raw:
            return True
    return False


def _route(raw: bytes) -> int | None:
    """The type of the route to an IPv4 address; None for no route. Raises OSError where the kernel cannot be asked."""
    body = struct.pack("=BBBBBBBBIHH4s", socket.AF_INET, 32, 0, 0, 0, 0, 0, 0, 0, 8, RTA_DST, raw)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, NETLINK_ROUTE) as netlink:
        netlink.settimeout(1)
        netlink.sendto(struct.pack("=IHHII", HEADER + len(body), RTM_GETROUTE, NLM_F_REQUEST, 1, 0) + body, (0, 0))
        answer = netlink.recv(1 << 16)
    _, kind = struct.unpack_from("=IH", answer)
    if kind == NLMSG_ERROR:
        number = -struct.unpack_from("=i", answer, HEADER)[0]
        if number in (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EACCES, errno.EINVAL, errno.ENODEV):
            return None
        raise OSError(number, os.strerror(number))
    return answer[HEADER + 7] if kind == RTM_NEWROUTE else None
