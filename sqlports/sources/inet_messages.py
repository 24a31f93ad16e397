"""The answer of inet_diag as a whole: columns of it are taken out in one go when they are wanted, rows when they are."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Container, Sequence
from functools import cached_property, lru_cache
from itertools import chain
from operator import attrgetter
from socket import ntohs
from typing import Any

from sqlports.sources import states
from sqlports.sources.collector import paused_collector
from sqlports.sources.inet_sockets import InetSocket, Raw, RawSocket
from sqlports.sources.owners import Held, Owner, owner
from sqlports.sources.sock_diag import HEADER
from sqlports.sources.sockets import Listing, Socket

# nlmsghdr and inet_diag_msg.
LEAST = HEADER + 72


@lru_cache(maxsize=64)
def _layout(length: int, step: int) -> struct.Struct:
    """nlmsghdr, inet_diag_msg and attributes of a message of this length: ports in network order, the family left out."""
    return struct.Struct(f"={HEADER}x xBBB HH 16s16s IQ IIIII {length - LEAST}s{step - length}x")


@lru_cache(maxsize=64)
def _fields(step: int) -> struct.Struct:
    """Ports, addresses, uid and inode alone."""
    return struct.Struct(f"={HEADER + 4}x HH 16s16s 24x II {step - LEAST}x")


@lru_cache(maxsize=64)
def _cookie(step: int) -> struct.Struct:
    """The cookie alone."""
    return struct.Struct(f"={HEADER + 44}xQ{step - HEADER - 52}x")


class Addresses(dict[bytes, str]):
    """Addresses as text, by what the kernel writes in 16 bytes."""

    def __init__(self, family: int, size: int) -> None:
        super().__init__()
        self.family = family
        self.size = size

    def __missing__(self, raw: bytes) -> str:
        if len(self) > 1 << 16:
            self.clear()
        text = self[raw] = socket.inet_ntop(self.family, raw[: self.size])
        return text


_ADDRESSES = {"ipv4": Addresses(socket.AF_INET, 4), "ipv6": Addresses(socket.AF_INET6, 16)}
_PROTOCOLS = ("tcp", "udp", "udplite", "raw", "sctp", "mptcp")
_STATES = {name: [states.numbers(name).get(number) or str(number) for number in range(256)] for name in _PROTOCOLS}


class Messages(Sequence[Socket]):
    """The sockets of an answer: runs of messages of one length, as the kernel gave them.

    A column of thousands is unpacked together in a fraction of the time that it takes one by one, and a row is made an object
    only when it is looked at as such.
    """

    def __init__(self, listing: Listing, blocks: list[tuple[bytes, int, int]]) -> None:
        self.listing = listing
        self.blocks = blocks
        self.states = b"".join([block[HEADER + 1 :: step] for block, _, step in blocks])
        self._made: dict[int, InetSocket] = {}
        self._make = RawSocket if listing.protocol == "raw" else InetSocket
        listing.at_end.append(self._made.clear)

    def __len__(self) -> int:
        return len(self.states)

    def __getitem__(self, number: Any) -> Any:
        """A socket: the same object whenever it is asked for."""
        found = self._made.get(number)
        if found is None:
            if not 0 <= number < len(self.states):
                raise IndexError(number)
            found = self._made[number] = self._make(self, number)
        return found

    def column(self, path: str) -> Sequence[Any] | None:
        """All values of a column, by its path in a row; None for one that is to be asked of the rows."""
        find = _COLUMNS.get(path)
        if find is None or self._make is RawSocket:
            return None
        with paused_collector():
            return find(self)

    def once(self) -> Sequence[Socket]:
        """The sockets, each once. A dump is no atomic look: one that moves in the kernel's table may come twice."""
        cookies = self.cookie
        if len(set(cookies)) == len(cookies):
            return self
        return list(dict(zip(reversed(cookies), reversed(self), strict=True)).values())[::-1]

    @cached_property
    def raws(self) -> list[Raw]:
        """The messages taken apart, for what is wanted of one or another."""
        found: list[Any] = []
        for block, length, step in self.blocks:
            found.extend(_layout(length, step).iter_unpack(block))
        return found

    @cached_property
    def fields(self) -> Sequence[Sequence[Any]]:
        """What is wanted most, as columns: source port, target port, source, target, uid, inode."""
        rows = chain.from_iterable(_fields(step).iter_unpack(block) for block, _, step in self.blocks)
        return list(zip(*rows, strict=True)) or [()] * 6

    @cached_property
    def cookie(self) -> list[int]:
        """By which the kernel knows them."""
        return [cookie for block, _, step in self.blocks for (cookie,) in _cookie(step).iter_unpack(block)]

    @cached_property
    def state(self) -> list[str]:
        """The names of their states."""
        return list(map(_STATES[self.listing.protocol].__getitem__, self.states))

    @cached_property
    def local_port(self) -> list[int | None]:
        """In the machine's order."""
        return [port or None for port in map(ntohs, self.fields[0])]

    @cached_property
    def remote_port(self) -> list[int | None]:
        """In the machine's order."""
        return [port or None for port in map(ntohs, self.fields[1])]

    @cached_property
    def local_address(self) -> list[str]:
        """As text."""
        return list(map(_ADDRESSES[self.listing.family].__getitem__, self.fields[2]))

    @cached_property
    def remote_address(self) -> list[str | None]:
        """As text; None without a remote port."""
        addresses = _ADDRESSES[self.listing.family]
        return [addresses[target] if port else None for port, target in zip(self.fields[1], self.fields[3], strict=True)]

    @cached_property
    def uid(self) -> list[int | None]:
        """Without a struct socket it says 0 for "nobody's"."""
        return [uid if inode else None for uid, inode in zip(self.fields[4], self.fields[5], strict=True)]

    @cached_property
    def inode(self) -> list[int | None]:
        """None for 0, which is no struct socket."""
        return [inode or None for inode in self.fields[5]]

    @cached_property
    def _held(self) -> tuple[list[str], list[Held | None], Container[str | None]]:
        """For each socket the link of its descriptors and a process that holds it; which links are held by more."""
        if not any(self.inode):
            return self.constant(""), self.constant(None), ()
        links = [f"socket:[{inode}]" for inode in self.inode]
        return (links, *self.listing.network.holders().of(links))

    def unclaimed(self) -> list[Socket]:
        """Those that could be held and are not."""
        _, held, _ = self._held
        return [self[number] for number, one in enumerate(held) if one is None and self.inode[number] is not None]

    @cached_property
    def _others(self) -> dict[int, Owner]:
        """By number, the owners of those that not one process holds."""
        links, held, shared = self._held
        numbers = [number for number, one in enumerate(held) if one is None or links[number] in shared]
        return {number: owner(self[number]) for number in numbers}

    def owners(self, name: str) -> list[Any]:
        """A field of Owner of all of them."""
        links, held, _ = self._held
        found: list[Any]
        if name == "pid":
            found = [one.pid if one else None for one in held]
        elif name == "fd":
            found = [one.descriptors[link] if one else None for one, link in zip(held, links, strict=True)]
        else:
            found = self.constant(1 if name == "owners" else "owned")
        for number, other in self._others.items():
            found[number] = getattr(other, name)
        return found

    def constant(self, value: Any) -> list[Any]:
        """A column of one value."""
        return [value] * len(self)


def _of_owner(name: str) -> Callable[[Messages], Sequence[Any]]:
    return lambda messages: messages.owners(name)


def _of_listing(name: str) -> Callable[[Messages], Sequence[Any]]:
    get = attrgetter(f"listing.{name}")
    return lambda messages: messages.constant(get(messages))


_NAMES = ("state", "local_address", "local_port", "remote_address", "remote_port", "inode", "uid", "cookie")
_COLUMNS: dict[str, Callable[[Messages], Sequence[Any]]] = {
    **{name: attrgetter(name) for name in _NAMES},
    **{f"owner.{name}": _of_owner(name) for name in Owner._fields},
    **{name: _of_listing(name) for name in ("protocol", "family", "type", "net_namespace")},
}
