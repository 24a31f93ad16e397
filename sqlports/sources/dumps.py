"""The sockets of a look, dumped when they are asked for: each state of each protocol at most once."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from sqlports.sources.collector import paused_collector
from sqlports.sources.records import SocketRecord, Unsupported
from sqlports.sources.sock_diag import STATES
from sqlports.sources.subjects import Socket

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot

KINDS = (("ipv4", "tcp"), ("ipv6", "tcp"), ("ipv4", "udp"), ("ipv6", "udp"), ("unix", "unix"))

ByState = dict[str | None, list[Socket]]


class Dumps:
    """What was dumped so far, by kind (family and protocol) and state."""

    def __init__(self, system: Snapshot) -> None:
        self.system = system
        self._kinds: dict[tuple[str, str], tuple[ByState, set[str]]] = {}

    def sockets(self, protocols: frozenset[str] | None, states: frozenset[str] | None) -> Iterator[Socket]:
        """The sockets of these protocols and states, or of all; one whose state is not known is in all only."""
        for kind in KINDS:
            if protocols is not None and kind[1] not in protocols:
                continue
            found, dumped = self._kinds.setdefault(kind, ({}, set()))
            lacking = (STATES if states is None else states & STATES) - dumped
            if lacking:
                dumped |= lacking
                self._dump(kind, frozenset(lacking), found)
            # In the order of states, so that every cursor of a statement meets them in the same.
            wanted = sorted(found, key=str) if states is None else sorted(states & STATES)
            yield from chain.from_iterable(found.get(state, ()) for state in wanted)

    def dumped(self) -> Iterator[Socket]:
        """The sockets of all dumps so far."""
        return chain.from_iterable(sockets for found, _ in self._kinds.values() for sockets in found.values())

    def _dump(self, kind: tuple[str, str], states: frozenset[str], found: ByState) -> None:
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
            # A dump is no atomic look: a socket that moves in the kernel's table may come twice, one that changes its
            # state between two dumps in both.
            seen = {socket.kernel.cookie for sockets in found.values() for socket in sockets}
            stateless = found.get(None)
            for record in records:
                state, cookie = record.state, record.cookie
                if cookie is not None:
                    if cookie in seen:
                        continue
                    seen.add(cookie)
                if state in found:
                    if state is None and stateless is not None:
                        continue
                    found[state].append(Socket(record, system))
                else:
                    found[state] = [Socket(record, system)]

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
