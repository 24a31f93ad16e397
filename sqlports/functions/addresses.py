"""What an IP address is, and in which networks it lies.

Everywhere an address of IPv4 that is written as one of IPv6 (::ffff:192.0.2.1) is the address of IPv4, and a scope id
(fe80::1%eth0) is passed over. The special addresses are those of IANA's registries, as the module `ipaddress` has them.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlports.errors import QueryError
from sqlports.functions import Value, function

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address

# First and last address of networks that do not overlap, as numbers in their order, by the version of IP.
Spans = dict[int, tuple[list[int], list[int]]]


@function("address")
def ip_in(address: Value, networks: Value) -> int | None:
    """1 where the address lies in one of the networks ('10.0.0.0/8, ::1'), else 0; NULL for no address."""
    ip = _address(address)
    if ip is None or networks is None:
        return None
    from bisect import bisect_right

    firsts, lasts = _spans(networks if isinstance(networks, str) else repr(networks)).get(ip.version, ((), ()))
    number = int(ip)
    at = bisect_right(firsts, number) - 1
    return int(at >= 0 and number <= lasts[at])


@function("address")
def is_loopback(ip: Value) -> int | None:
    """1 for an address of the machine itself (127.0.0.0/8, ::1), 0 for another, NULL for no address."""
    found = _address(ip)
    return None if found is None else int(found.is_loopback)


@function("address")
def is_private(ip: Value) -> int | None:
    """1 for an address of a private network (10/8, 172.16/12, 192.168/16, fc00::/7), 0 for another, NULL for none."""
    return ip_in(ip, "10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7")


@function("address")
def is_global(ip: Value) -> int | None:
    """1 for an address that the whole Internet can reach, 0 for a private, special or multicast one, NULL for none."""
    found = _address(ip)
    return None if found is None else int(found.is_global and not found.is_multicast)


@lru_cache(16384)
def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import IPv6Address, ip_address

    try:
        ip = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(ip, IPv6Address) and ip.ipv4_mapped) or ip


def _address(value: Value) -> IPv4Address | IPv6Address | None:
    return _parsed(value) if isinstance(value, str) else None


@lru_cache(64)
def _spans(networks: str) -> Spans:
    """Raises QueryError, which names the one that is no network."""
    from ipaddress import IPv4Network, collapse_addresses, ip_network

    found: dict[int, list[Any]] = {4: [], 6: []}
    for word in networks.replace(",", " ").split():
        ip, slash, length = word.partition("/")
        try:
            network: Any = ip_network(ip.partition("%")[0] + slash + length, strict=False)
        except ValueError:
            raise QueryError(
                f"ip_in: {word!r} is no network", hint="networks are written as 10.0.0.0/8, 2001:db8::/32 or one address"
            ) from None
        mapped = network.version == 6 and network.prefixlen >= 96 and network.network_address.ipv4_mapped
        if mapped:
            network = IPv4Network((mapped, network.prefixlen - 96))
        found[network.version].append(network)
    spans = {}
    for version, listed in found.items():
        merged = list(collapse_addresses(listed))
        spans[version] = [int(one[0]) for one in merged], [int(one[-1]) for one in merged]
    return spans
