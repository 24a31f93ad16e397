"""The Community ID of a flow, version 1: https://github.com/corelight/community-id-spec."""

from __future__ import annotations

import hashlib
import struct
from binascii import b2a_base64
from ipaddress import ip_address
from typing import TYPE_CHECKING

from sqlports.errors import QueryError

if TYPE_CHECKING:
    from sqlports.functions import Value

_ICMP, _ICMP6 = 1, 58
# Types of ICMP that are asked and answered: the answer's stands for the other port. Other types go one way, with their code.
_ANSWERS = {
    _ICMP: {8: 0, 0: 8, 10: 9, 9: 10, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17},
    _ICMP6: {
        128: 129,
        129: 128,
        130: 131,
        131: 130,
        133: 134,
        134: 133,
        135: 136,
        136: 135,
        139: 140,
        140: 139,
        144: 145,
        145: 144,
    },
}
# Of these a port is asked for: ICMP's type and code, TCP, UDP, SCTP.
_WITH_PORTS = (_ICMP, 6, 17, _ICMP6, 132)


def of_flow(
    source: Value, destination: Value, source_port: Value, destination_port: Value, protocol: Value, seed: Value = 0
) -> str:
    """Raises QueryError for what no flow has."""
    if not isinstance(seed, int):
        raise _wrong("seed must be an integer")
    if not -0x8000 <= seed <= 0xFFFF:
        raise _wrong("seed must fit in 2 bytes")
    if not isinstance(source, str) or not isinstance(destination, str):
        raise _wrong("IPs must be strings")
    near, far = _address(source, "saddr"), _address(destination, "daddr")
    if not isinstance(protocol, int):
        raise _wrong("protocol must be an integer")
    if not 0 <= protocol <= 0xFF:
        raise _wrong("protocol must fit in 1 byte")
    ports = _ports(source_port, destination_port, protocol)
    two_way = True
    if protocol in _ANSWERS and ports:
        answer = _ANSWERS[protocol].get(ports[0])
        two_way = answer is not None
        ports = (ports[0], ports[1] if answer is None else answer)
    # An address of IPv4 comes before any of IPv6.
    if two_way and (len(far), far, ports[1:]) < (len(near), near, ports[:1]):
        near, far, ports = far, near, ports[::-1]
    flow = struct.pack("!H", seed & 0xFFFF) + near + far + bytes((protocol, 0)) + struct.pack(f"!{len(ports)}H", *ports)
    return "1:" + b2a_base64(hashlib.sha1(flow, usedforsecurity=False).digest(), newline=False).decode()


def _ports(source: Value, destination: Value, protocol: int) -> tuple[int, ...]:
    if source is None and destination is None and protocol not in _WITH_PORTS:
        return ()
    if not isinstance(source, int) or not isinstance(destination, int):
        raise _wrong("ports must be integers")
    if not 0 <= min(source, destination) <= max(source, destination) <= 0xFFFF:
        raise _wrong("ports must fit in 2 bytes")
    return source, destination


def _address(text: str, name: str) -> bytes:
    try:
        return ip_address(text.partition("%")[0]).packed
    except ValueError:
        raise _wrong(f"{name} cannot be parsed as IP") from None


def _wrong(why: str) -> QueryError:
    return QueryError(f"community_id_v1_strict: Community ID {why}")
