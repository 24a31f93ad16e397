"""A region of the sockets: what a search asks for, so that the kernel need not list all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sqlports.sources.states import STATES

if TYPE_CHECKING:
    from sqlports.sources.sockets import Socket

# Ports that are asked for: some, or a range (low, high) with None for an open side.
Ports = Any


class Region(NamedTuple):
    """Sockets in these states, and with one of these ports, addresses and cgroups; None is any.

    A region of states alone is `whole`.
    """

    states: frozenset[str] = STATES
    local_ports: Ports | None = None
    remote_ports: Ports | None = None
    local_addresses: frozenset[str] | None = None
    remote_addresses: frozenset[str] | None = None
    cgroups: frozenset[int] | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing but the state narrows it."""
        return self[1:] == _ANY

    def covers(self, other: Region) -> bool:
        """Whether all of another region is surely in this one."""
        return other.states <= self.states and all(
            mine is None or mine == its for mine, its in zip(self[1:], other[1:], strict=True)
        )

    def has(self, socket: Socket) -> bool:
        """Whether a socket is in it."""
        return (
            socket.state in self.states
            and (self.local_ports is None or socket.local_port in self.local_ports)
            and (self.remote_ports is None or socket.remote_port in self.remote_ports)
            and (self.local_addresses is None or socket.local_address in self.local_addresses)
            and (self.remote_addresses is None or socket.remote_address in self.remote_addresses)
            and (self.cgroups is None or socket.cgroup_id in self.cgroups)
        )

    def is_possible(self, family: str, ports: bool) -> bool:
        """Whether a socket of this family, which has ports or not, can be in it at all."""
        if not self.states or (not ports and (self.local_ports, self.remote_ports) != (None, None)):
            return False
        mark = _MARKS.get(family)
        for addresses in (self.local_addresses, self.remote_addresses):
            if addresses is not None and (mark is None or not any(mark in address for address in addresses)):
                return False
        return self.cgroups is None or family in ("ipv4", "ipv6")


_ANY = (None,) * 5
# What is in every address of a family; a vsock's is a number.
_MARKS = {"ipv4": ".", "ipv6": ":", "vsock": ""}
