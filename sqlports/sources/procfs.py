"""The parsers of /proc: bytes in, records out, no I/O. Each is named after the file it reads (proc(5))."""

from __future__ import annotations

from sqlports.errors import SourceError
from sqlports.sources.records import PortSettings


class Unparsable(SourceError):
    """A file does not have the form the kernel documents. A bug here, or no /proc: `source` says which file."""

    def __init__(self, source: str, data: bytes) -> None:
        super().__init__(f"{source} cannot be parsed: {data[:80]!r}")
        self.source = source


def text(data: bytes) -> str:
    """Bytes as text: UTF-8, with what is not written as `\\xff`, so that nothing is lost and nothing fails."""
    return data.decode("utf-8", "backslashreplace")


def ranges(data: bytes) -> tuple[tuple[int, int], ...]:
    """A list of ports like `8080,9000-9010` of /proc/sys/net/ipv4/ip_local_reserved_ports."""
    try:
        parts = [part.split(b"-") for part in data.strip().split(b",") if part]
        return tuple(_range(part[0], part[-1]) for part in parts)
    except ValueError:
        raise Unparsable("/proc/sys/net/ipv4/ip_local_reserved_ports", data) from None


def _range(first: bytes, last: bytes) -> tuple[int, int]:
    """A range of ports. Raises ValueError."""
    low, high = int(first), int(last)
    if not 0 <= low <= high <= 65535:
        raise ValueError("no range of ports")
    return low, high


def port_settings(port_range: bytes | None, reserved: bytes | None, unprivileged: bytes | None) -> PortSettings:
    """The three files of /proc/sys/net/ipv4 that govern ports; None for one that is not there."""
    try:
        ephemeral = _range(*port_range.split()) if port_range else None
        start = _range(unprivileged, b"65535")[0] if unprivileged else None
    except (TypeError, ValueError):
        raise Unparsable("/proc/sys/net/ipv4", (port_range or b"") + (unprivileged or b"")) from None
    return PortSettings(ephemeral, ranges(reserved) if reserved else (), start)
