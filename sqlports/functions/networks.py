"""Addresses as osquery has them, the Community ID of a flow, names of addresses, and addresses in their order."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from sqlports.errors import QueryError
from sqlports.functions import Host, Value, collation, function

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network


@function("address")
def inet_aton(ip: Value) -> int | None:
    """An address of IPv4 as a number; NULL for none."""
    from ipaddress import IPv4Address

    try:
        return int(IPv4Address(ip)) if isinstance(ip, str) else None
    except ValueError:
        return None


@function("address")
def in_cidr_block(network: Value, ip: Value) -> int:
    """1 where the address lies in the network ('10.0.0.0/8'), 0 where not; ip_in() takes NULL and several networks."""
    if not isinstance(network, str):
        raise QueryError("in_cidr_block: CIDR must be a string")
    if not isinstance(ip, str):
        raise QueryError("in_cidr_block: IP address must be a string")
    from ipaddress import ip_address

    try:
        address = ip_address(ip.partition("%")[0])
    except ValueError:
        raise QueryError(f"in_cidr_block: IP address cannot be parsed: {ip[:64]!r}") from None
    found = _network(network)
    if found is None or found.version != address.version:
        raise QueryError(f"in_cidr_block: CIDR for IP address v{address.version} cannot be parsed: {network[:64]!r}")
    return int(address in found)


@function("address")
def community_id_v1(
    source: Value, destination: Value, source_port: Value, destination_port: Value, protocol: Value, seed: Value = 0
) -> str | None:
    """The Community ID of a flow, by which Zeek and Suricata name it; NULL where an argument makes none."""
    try:
        return community_id_v1_strict(source, destination, source_port, destination_port, protocol, seed)
    except QueryError:
        return None


@function("address")
def community_id_v1_strict(
    source: Value, destination: Value, source_port: Value, destination_port: Value, protocol: Value, seed: Value = 0
) -> str:
    """The Community ID of a flow; an error where an argument makes none. Ports are NULL where a protocol has none."""
    from sqlports.functions import community_id

    return community_id.of_flow(source, destination, source_port, destination_port, protocol, seed)


@function("address", host=True, deterministic=False)
def reverse_dns(host: Host, ip: Value) -> str | None:
    """The name of an address, as name servers tell; NULL for none, or none in time. An error where it is not permitted."""
    if not host.reverse_dns:
        raise QueryError(
            "reverse_dns: name servers are not asked",
            hint="--reverse-dns permits it, at the prompt .set reverse_dns true, in Python engine.reverse_dns = True",
        )
    from sqlports.functions import names

    return names.of_address(ip, host) if isinstance(ip, str) else None


@collation
def ip(left: str, right: str) -> int:
    """Addresses by their numbers, IPv4 before IPv6, and what is no address before both."""
    one, other = _place(left), _place(right)
    return (one > other) - (one < other)


@lru_cache(256)
def _network(text: str) -> IPv4Network | IPv6Network | None:
    from ipaddress import ip_network

    try:
        return ip_network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


@lru_cache(16384)
def _place(text: str) -> tuple[int, int, str]:
    from ipaddress import IPv6Address, ip_address

    plain, _, scope = text.partition("%")
    try:
        found = ip_address(plain)
    except ValueError:
        return 0, 0, text
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (4, int(mapped), scope) if mapped else (found.version, int(found), scope)
