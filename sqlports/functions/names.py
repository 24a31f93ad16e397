"""The names of addresses, as this machine's resolver tells them: waited for so long and no longer, and asked once."""

from __future__ import annotations

import errno
import os
import socket
import time
from collections import OrderedDict
from ipaddress import ip_address
from typing import TYPE_CHECKING

from sqlports.functions.patience import within

if TYPE_CHECKING:
    from sqlports.functions import Host

# Seconds that one name is waited for; what may be lost so in a while, after which answers are no more waited for; the while.
PATIENCE = 2.0
ALL_PATIENCE = 6.0
_WHILE = 60.0

_KEPT = 16384

_known: OrderedDict[str, str | None] = OrderedDict()
_lost: list[tuple[float, float]] = []


def of_address(ip: str, host: Host) -> str | None:
    """None for what is no address or has no name; and where no answer came in time, which is counted as not read.

    An answer that comes late is there when the same is asked again.
    """
    if ip in _known:
        return _known[ip]
    try:
        ip_address(ip)
    except ValueError:
        return None
    now = time.monotonic()
    _lost[:] = [(when, seconds) for when, seconds in _lost if now - when < _WHILE]
    patience = min(PATIENCE, max(0.0, ALL_PATIENCE - sum(seconds for _, seconds in _lost)))
    try:
        within(patience, host.check, lambda: _look_up(ip))
        return _known.get(ip)
    except TimeoutError:
        _lost.append((now, patience))
        error: OSError = TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT))
    except OSError as failure:
        error = OSError(errno.EAGAIN, f"no name server answers: {failure.strerror}")
    if host.snapshot_now is not None:
        host.snapshot_now.refuse("reverse_dns", None, error)
    return None


def _look_up(ip: str) -> None:
    """Raises OSError where it could not be asked for."""
    try:
        name: str | None = socket.getnameinfo((ip, 0), socket.NI_NAMEREQD)[0]
    except socket.gaierror as error:
        if error.errno != socket.EAI_NONAME:
            raise
        name = None
    _known[ip] = name
    while len(_known) > _KEPT:
        _known.popitem(last=False)
