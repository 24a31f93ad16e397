"""The lists of sockets of a Linux: over netlink where the kernel answers, from the files of /proc/net where it does not."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from sqlports.sources import (
    bytecode,
    inet_diag,
    netlink_diag,
    packet_diag,
    proc_net,
    sock_diag,
    states,
    unix_diag,
    vsock_diag,
)
from sqlports.sources.finder import Finder
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import Unsupported
from sqlports.sources.region import Region
from sqlports.sources.sockets import Listing, Socket

if TYPE_CHECKING:
    from sqlports.sources.copies import Copy

# How often a list that changed while it was given out is asked for again.
ATTEMPTS = 3

Parser = Callable[[Iterable[bytes], Listing, bool], Sequence[Socket]]


class SocketLists:
    """Lists sockets, namespace by namespace and kind by kind.

    Of a `copy` of a /proc the kernel is not asked: it would answer for this system, not for another's. `here` tells that
    /proc is of the system that this program is in. `refuse` is told what could not be listed.
    """

    def __init__(self, proc: str, here: bool, copy: Copy | None, refuse: Callable[[str, int | None, Exception], None]) -> None:
        self.asks = copy is None
        self.refuse = refuse
        self.finder = Finder(proc, here, copy, refuse)
        self._barred: set[Namespace] = set()

    def sockets(self, listing: Listing, region: Region) -> Sequence[Socket]:
        """The sockets of one kind in one namespace: all of the region, and maybe more. Raises OSError, Unsupported."""
        why: Exception | None = None
        if self.asks and listing.protocol != "icmp" and listing.namespace not in self._barred:
            try:
                return self._asked(listing, region)
            except (Unsupported, OSError) as error:
                why = error
                if isinstance(error, PermissionError) and not listing.namespace.mine:
                    self._bar(listing.namespace, error)
        found = self._listed(listing, region, why)
        if found and why and listing.namespace not in self._barred:
            source = f"sock_diag {listing.protocol}"
            reason = why.reason if isinstance(why, Unsupported) else os.strerror(getattr(why, "errno", 0) or 0)
            self.refuse(source, None, Unsupported(source, f"{reason}: listed from /proc/net, which tells less"))
        return found

    def autobound(self, listing: Listing) -> set[int]:
        """The cookies of the sockets of a list whose port the kernel chose. Raises OSError, Unsupported."""
        mask = states.mask(listing.protocol, states.STATES)
        request = inet_diag.request(listing, mask, bytecode.autobound())
        return {socket.cookie for socket in self._dump(listing, request, inet_diag.parse) if socket.cookie is not None}

    def _asked(self, listing: Listing, region: Region) -> Sequence[Socket]:
        mask = states.mask(listing.protocol, region.states)
        if listing.protocol in inet_diag.PROTOCOLS:
            code = b"" if region.whole else bytecode.compiled(region)
            found = self._dump(listing, inet_diag.request(listing, mask, code), inet_diag.parse)
            # These lists are given whatever states are asked for.
            exact = listing.protocol not in ("raw", "sctp")
        elif listing.protocol == "unix":
            found, exact = self._dump(listing, unix_diag.request(listing), unix_diag.parse), False
        elif listing.protocol == "packet":
            found, exact = self._dump(listing, packet_diag.request(listing), packet_diag.parse), False
        elif listing.protocol == "netlink":
            found = self._dump(listing, netlink_diag.request(listing), netlink_diag.parse)
            # All but the one that asks.
            ours = listing.namespace.netlink.getsockname()[0]
            found, exact = [one for one in found if one.ident != ours or one.subprotocol != "sock_diag"], False
        else:
            found, exact = self._dump(listing, vsock_diag.request(listing, mask), vsock_diag.parse), True
        return found if exact else [socket for socket in found if socket.state in region.states]

    def _dump(self, listing: Listing, request: bytes, parse: Parser) -> Sequence[Socket]:
        """Ask, and ask again while the kernel says that its list changed meanwhile; told when it always does."""
        namespace = listing.namespace
        for attempt in range(ATTEMPTS + 1):
            answer = partial(sock_diag.exchange, namespace.netlink, request)
            try:
                found = parse(answer(), listing, attempt < ATTEMPTS)
            except sock_diag.Changed:
                namespace.restart()
                continue
            except (Unsupported, OSError):
                raise  # which is a whole answer
            except BaseException:
                namespace.restart()
                raise
            if attempt == ATTEMPTS:
                source = f"sock_diag {listing.protocol}"
                self.refuse(source, None, Unsupported(source, "the list changed while it was read: some may be missing"))
            break
        return found

    def _listed(self, listing: Listing, region: Region, why: Exception | None) -> Sequence[Socket]:
        """The same from the files. Raises OSError, Unsupported."""
        name = proc_net.file(listing.family, listing.protocol)
        try:
            if name is None:
                raise FileNotFoundError
            data = listing.namespace.file(name)
        except FileNotFoundError:
            if isinstance(why, Unsupported):
                raise why from None
            if listing.namespace in self._barred:
                return []
            raise Unsupported(f"/proc/net/{name or listing.protocol}", "the kernel has no such file") from None
        found = proc_net.parse(data, listing)
        return [socket for socket in found if socket.state is None or socket.state in region.states]

    def _bar(self, namespace: Namespace, error: PermissionError) -> None:
        """Note a namespace that may not be entered; its files may still be read."""
        self._barred.add(namespace)
        if namespace.inode is None:
            return  # which was told when it was found
        if namespace.pids:
            self.refuse("/proc/PID/ns/net", namespace.pids[0], error)
        else:
            self.refuse(namespace.path or "network namespace", None, error)
