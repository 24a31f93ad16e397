"""Filters that the kernel runs over its list of sockets: the bytecode of inet_diag (include/uapi/linux/inet_diag.h).

An operation says how far to go on when it holds and when it does not, in bytes. To land on the end accepts a socket, to
jump beyond it refuses it. Only operations that all kernels have are used: equal is at least and at most.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable

from sqlports.sources.region import Ports, Region

JMP, S_GE, S_LE, D_GE, D_LE, AUTO, S_COND, D_COND, CGROUP_COND = 1, 2, 3, 4, 5, 6, 7, 8, 13

# More alternatives than this are left to us: the kernel would go through them for every socket.
MANY = 64

_OP = struct.Struct("=BBH")
_OP_SIZE = 4
# A condition by a test of its own, without the jumps: its operations, each with its operand behind it.
Test = list[tuple[int, bytes]]


def compiled(region: Region) -> bytes:
    """The filter for a region; empty for none. It may let through more than the region, never less."""
    sections = [
        _ports(region.local_ports, S_GE, S_LE),
        _ports(region.remote_ports, D_GE, D_LE),
        _addresses(region.local_addresses, S_COND),
        _addresses(region.remote_addresses, D_COND),
        _cgroups(region.cgroups),
    ]
    code = b""
    # From the last to the first, so that the distance to the end is known.
    for section in reversed([section for section in sections if section]):
        code = _any(section, len(code)) + code
    return code


def autobound() -> bytes:
    """The filter for sockets whose port the kernel chose."""
    return _OP.pack(AUTO, _OP_SIZE, 2 * _OP_SIZE)


def _any(tests: list[Test], after: int) -> bytes:
    """Code that goes on when one of the tests holds and refuses when none does; `after` bytes of code follow it."""
    code = b""
    for test in reversed(tests):
        last = not code
        # What follows a test that holds: nothing for the last one, for the others a jump over the rest.
        jump = b"" if last else _OP.pack(JMP, _OP_SIZE, len(code) + _OP_SIZE)
        code = _all(test, len(jump), 0 if last else None, len(code), after) + jump + code
    return code


def _all(test: Test, jump: int, last: int | None, rest: int, after: int) -> bytes:
    """The operations of one test; where one does not hold, on to the next test, or out when this is the last."""
    code = b""
    for number, operand in reversed(test):
        size = _OP_SIZE + len(operand)
        behind = size + len(code) + jump
        code = _OP.pack(number, size, behind if last is None else behind + rest + after + _OP_SIZE) + operand + code
    return code


def _ports(ports: Ports | None, least: int, most: int) -> list[Test]:
    if ports is None:
        return []
    spans = [(port, port) for port in sorted(ports)] if isinstance(ports, frozenset) else [(ports[0] or 0, ports[1])]
    if len(spans) > MANY:
        spans = [(spans[0][0], spans[-1][1])]
    return [[(least, _port(low)), (most, _port(65535 if high is None else high))] for low, high in spans]


def _port(number: int) -> bytes:
    """The operand of a port operation: one more operation, with the port where the jump would be."""
    return _OP.pack(0, 0, min(max(number, 0), 65535))


def _addresses(addresses: frozenset[str] | None, condition: int) -> list[Test]:
    if addresses is None or len(addresses) > MANY:
        return []
    tests: list[Test] = []
    for address in sorted(addresses):
        for family in (socket.AF_INET, socket.AF_INET6):
            try:
                raw = socket.inet_pton(family, address)
            except (OSError, ValueError):
                continue  # no address of this family, or of none
            tests.append([(condition, struct.pack("=BBHi", family, len(raw) * 8, 0, -1) + raw)])
    return tests


def _cgroups(cgroups: Iterable[int] | None) -> list[Test]:
    found = sorted(number for number in cgroups or () if 0 <= number < 1 << 64)
    return [[(CGROUP_COND, struct.pack("=Q", number))] for number in found] if 0 < len(found) <= MANY else []
