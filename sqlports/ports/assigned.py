"""What IANA assigns: the Service Name and Transport Protocol Port Number Registry (RFC 6335), as this package's list or as
the user's own copy of it.

A list is a text. Its first line tells its form, how many lines follow and their CRC-32; lines with '#' tell people where it is
from; each other line has five fields, separated by tabs, and is a name of one port:

    PORT  PROTOCOLS  STATUS  SERVICE  DESCRIPTION

PORT has five digits, so that the order of the lines is that of the ports, and a port is found without reading the others.
PROTOCOLS are joined by commas. Of several names that a protocol has for a port the first one is the primary. SERVICE and
DESCRIPTION are empty where there is none.
"""

from __future__ import annotations

import functools
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

LIST = os.path.join(os.path.dirname(__file__), "registry.tsv")
# The origin of that one.
SHIPPED = "IANA"

PROTOCOLS = ("tcp", "udp", "sctp", "dccp")
# A list of all ports with long descriptions is a tenth of this.
LARGEST = 8 << 20
# So many bytes are looked through one by one; for more ports than a few, all lines are found at once.
NEAR = 1024
FEW = 32

# What a list begins with.
FIRST = "# sqlports registry 1, {count} lines, crc32 {crc:08x}\n"


STATUSES = ("assigned", "reserved", "unassigned", "historic")


class Entry(NamedTuple):
    """One name of a port of one protocol, or that it has none.

    protocol     'tcp', 'udp', 'sctp' or 'dccp'
    service      the name; None for a port that is reserved, or in use without one
    status       'assigned'; 'reserved': kept by IANA; 'unassigned': nobody's; 'historic': a name out of use
    description  what the service is; None where the registry does not say
    is_primary   1 for the first name of a port and protocol, else 0
    """

    port: int
    protocol: str
    service: str | None
    status: str
    description: str | None
    is_primary: int


class Assigned:
    """A list, from its text as UTF-8. `origin` is 'IANA' for the one of this package, else the path of the user's own."""

    def __init__(self, data: bytes, origin: str) -> None:
        self.origin = origin
        self._data = data
        self._found: dict[int, dict[str, tuple[Entry, ...]]] = {}

    @property
    def remarks(self) -> list[str]:
        """What the list says of itself, for people."""
        return [line.removeprefix("# ") for line in self._data.decode().split("\n")[1:] if line.startswith("#")]

    def of(self, port: int) -> dict[str, tuple[Entry, ...]]:
        """The names of a port by protocol, the primary first; nothing where the list does not have the port."""
        found = self._found.get(port)
        if found is None:
            lines = self._near(b"\n%05d\t" % port) if len(self._found) < FEW else self._by_port.get(f"{port:05}")
            if lines is None:
                return _NOTHING
            found = self._found[port] = _entries(lines)
        return found

    def ports(self, service: str) -> set[int]:
        """The ports that have a name, as their first or another one. For the sake of one name the text is not split."""
        data, key, found = self._data, b"\t%s\t" % service.encode("utf-8", "surrogatepass"), set()
        place = data.find(key)
        while place >= 0:
            start = data.rfind(b"\n", 0, place) + 1
            if data[start : start + 1] != b"#":
                found.add(int(data[start : start + 5]))
            place = data.find(key, place + 1)
        return found

    def __iter__(self) -> Iterator[Entry]:
        """Every name, by port and protocol, the primary first."""
        for lines in self._by_port.values():
            for entries in _entries(lines).values():
                yield from entries

    @functools.cached_property
    def _by_port(self) -> dict[str, list[str]]:
        """All lines, by their first five characters."""
        found: dict[str, list[str]] = {}
        for line in self._data.decode().split("\n")[:-1]:
            if line[0] != "#":
                found.setdefault(line[:5], []).append(line)
        return found

    def _near(self, key: bytes) -> list[str]:
        """The lines that have a key before them. For the sake of a few ports the text is not split."""
        data = self._data
        low, high = 0, len(data)
        while high - low > NEAR:
            middle = data.rfind(b"\n", low + 1, (low + high) // 2)
            if middle < 0:
                break
            if data[middle : middle + len(key)] < key:
                low = middle
            else:
                high = middle
        start = data.find(key, low, high + len(key))
        if start < 0:
            return []
        end = data.find(b"\n", start + 1)
        while data.startswith(key, end):
            end = data.find(b"\n", end + 1)
        return data[start + 1 : end].decode().split("\n")


_NOTHING: dict[str, tuple[Entry, ...]] = {}
_new = tuple.__new__


def _entries(lines: Sequence[str]) -> dict[str, tuple[Entry, ...]]:
    """What the lines of one port say, by protocol in the order of PROTOCOLS."""
    found: dict[str, tuple[Entry, ...]] = {}
    for line in lines:
        number, protocols, status, service, description = line.split("\t")
        port = int(number)
        for protocol in protocols.split(","):
            before = found.get(protocol, ())
            # As Entry(…) does, in half the time.
            entry = _new(Entry, (port, protocol, service or None, status, description or None, 0 if before else 1))
            found[protocol] = (*before, entry)
    if len(lines) > 1:
        return {protocol: found[protocol] for protocol in PROTOCOLS if protocol in found}
    return found


@functools.cache
def shipped() -> Assigned:
    """The list of this package."""
    with open(LIST, "rb") as file:
        return Assigned(file.read(), SHIPPED)


def own_copy() -> str | None:
    """Where the user's own copy is, if there is one; None where nothing can be kept."""
    from sqlports.own_files import own_path

    return own_path("XDG_DATA_HOME", ".local/share", "registry.tsv")


def load(told: Callable[[str, Exception], None]) -> Assigned:
    """The user's own copy, or the list of this package where there is none.

    It never fails: of a copy that cannot be used `told` is given the path and the OSError or Unsupported that says why, and
    the list of this package is used.
    """
    from sqlports.sources.records import Unsupported

    path = own_copy()
    try:
        return _read(path) if path else shipped()
    except (FileNotFoundError, NotADirectoryError):
        return shipped()
    except (OSError, Unsupported) as error:
        told(_shown(path or ""), error)
        return shipped()


# The copy read last, and what told that file from others.
_last: tuple[tuple[object, ...], Assigned] | None = None


def _read(path: str) -> Assigned:
    """A copy. Raises OSError; Unsupported for one that is damaged or something else."""
    global _last  # noqa: PLW0603  one copy is kept, not one for each state that the file ever had
    from sqlports.sources.records import Unsupported

    with open(path, "rb", buffering=0, opener=open_at_once) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise Unsupported(_shown(path), "not a file")
        key = (path, status.st_mtime_ns, status.st_size, status.st_ino)
        if _last and _last[0] == key:
            return _last[1]
        data = file.read(LARGEST + 1)
    if len(data) > LARGEST or not is_sound(data):
        raise Unsupported(
            _shown(path), "damaged, or no list of ports: `sqlports registry update` makes it anew, `forget` removes it"
        )
    _last = key, Assigned(data, path)
    return _last[1]


def _shown(path: str) -> str:
    """A path as text that goes everywhere, whatever its bytes are."""
    from sqlports.sources.procfs import text

    return text(os.fsencode(path))


def open_at_once(path: str, flags: int) -> int:
    """As os.open; a pipe without a writer is opened too, where it would have to be waited for."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def is_sound(data: bytes) -> bool:
    """Whether a list is as it was written: whole, unchanged, and of this form."""
    import zlib

    first, _, body = data.partition(b"\n")
    return first + b"\n" == FIRST.format(count=body.count(b"\n"), crc=zlib.crc32(body)).encode() and body.endswith(b"\n")
