"""The sockets of a look, dumped when they are asked for: each state of each protocol at most once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from sqlports.sources.collector import paused_collector
from sqlports.sources.records import SocketRecord, Unsupported
from sqlports.sources.sock_diag import STATES
from sqlports.sources.subjects import Socket

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot

KINDS = (("ipv4", "tcp"), ("ipv6", "tcp"), ("ipv4", "udp"), ("ipv6", "udp"), ("unix", "unix"))


class Dump(NamedTuple):
    """One dump: the states that it was asked for, and the sockets in the order they came."""

    states: frozenset[str]
    sockets: list[Socket]


class Dumps:
    """What was dumped so far, by kind (family and protocol)."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._kinds: dict[tuple[str, str], list[Dump]] = {}

    def sockets(self, protocols: frozenset[str] | None, states: frozenset[str] | None) -> Iterator[Socket]:
        """The sockets of these protocols and states, or of all; one whose state is not known is in all only."""
        kinds = [kind for kind in KINDS if protocols is None or kind[1] in protocols]
        # All before the first row: the walk that finds the owners comes once, and what is listed after it may have none.
        for kind in kinds:
            dumps = self._kinds.setdefault(kind, [])
            lacking = (STATES if states is None else states & STATES).difference(*(dump.states for dump in dumps))
            if lacking:
                dumps.append(Dump(lacking, self._dump(kind, lacking, dumps)))
        for kind in kinds:
            for dump in list(self._kinds[kind]):
                if states is None or dump.states <= states:
                    yield from dump.sockets
                else:
                    yield from (socket for socket in dump.sockets if socket.kernel.state in states)

    def close(self) -> None:
        """Give up the sockets."""
        self._kinds.clear()

    def dumped(self) -> Iterator[Socket]:
        """The sockets of all dumps so far."""
        return chain.from_iterable(dump.sockets for dumps in self._kinds.values() for dump in dumps)

    def _dump(self, kind: tuple[str, str], states: frozenset[str], earlier: list[Dump]) -> list[Socket]:
        family, protocol = kind
        system = self.system
        system.check()
        system.reads[f"{protocol} {family}"] += 1
        with paused_collector():
            try:
                records = system.backend.sockets(family, protocol, states)
            except Unsupported as error:
                system.refuse(error.source, None, error)
                records = self._listed(family, protocol, states)
            except OSError as error:
                system.refuse(f"sock_diag {protocol}", None, error)
                records = self._listed(family, protocol, states)
            return [Socket(record, system) for record in _once(records, earlier)]

    def _listed(self, family: str, protocol: str, states: frozenset[str]) -> list[SocketRecord]:
        """The second way to the sockets, where the platform has one."""
        listed = getattr(self.system.backend, "listed_sockets", None)
        if listed is None:
            return []
        try:
            found: list[SocketRecord] = listed(family, protocol, states)
        except Unsupported as error:
            self.system.refuse(error.source, None, error)
            return []
        except OSError as error:
            self.system.refuse(f"/proc/net/{protocol}", None, error)
            return []
        return found


def _once(records: list[SocketRecord], earlier: list[Dump]) -> Iterable[SocketRecord]:
    """The records without those that came before.

    A dump is no atomic look: a socket that moves in the kernel's table may come twice, and one that changes its state
    between two dumps in both. One without a state comes with every dump.
    """
    if earlier:
        records = [record for record in records if record.state is not None]
    seen = {socket.kernel.cookie for dump in earlier for socket in dump.sockets}
    cookies = {record.cookie for record in records}
    if len(cookies) == len(records) and seen.isdisjoint(cookies):
        return records
    return _without(records, seen - {None})


def _without(records: list[SocketRecord], seen: set[int | None]) -> Iterator[SocketRecord]:
    for record in records:
        if record.cookie is None or record.cookie not in seen:
            seen.add(record.cookie)
            yield record
