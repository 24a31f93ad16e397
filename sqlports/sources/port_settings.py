"""The kernel's own port ranges, which every network namespace has for itself (ip-sysctl.rst). IPv6 goes by the same."""

from __future__ import annotations

from collections.abc import Callable

from sqlports.sources import procfs
from sqlports.sources.namespaces import Namespace
from sqlports.sources.records import PortSettings, Unsupported

_FILES = ("ip_local_port_range", "ip_local_reserved_ports", "ip_unprivileged_port_start")


def of(namespace: Namespace, read: Callable[[str], bytes], live: bool) -> PortSettings:
    """The settings of a namespace. `read` reads a file below /proc, `live` tells whether the kernel makes that.

    Raises OSError: EPERM where the namespace may not be entered. Raises Unsupported where there are no such files.
    """
    # The kernel shows a thread those of the namespace that the thread is in, whosever /proc it reads.
    if live and not namespace.here:
        return namespace.inside(lambda: _settings(read))
    return _settings(read)


def _settings(read: Callable[[str], bytes]) -> PortSettings:
    found: list[bytes | None] = []
    for name in _FILES:
        try:
            found.append(read(f"sys/net/ipv4/{name}"))
        except FileNotFoundError:
            found.append(None)
    if found == [None] * len(_FILES):
        raise Unsupported("/proc/sys/net/ipv4", "there are no such files: the kernel's port ranges are not known")
    return procfs.port_settings(*found)
