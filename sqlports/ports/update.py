"""`sqlports registry`: which list of assigned ports is in use, and IANA's file in its stead."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from argparse import Namespace
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from sqlports.cells import safe
from sqlports.errors import Error, told
from sqlports.ports import assigned, iana_csv
from sqlports.ports.assigned import Assigned
from sqlports.session import complain, when_killed

if TYPE_CHECKING:
    from sqlports.engine import Engine

USAGE = "sqlports registry, sqlports registry update FILE.csv (- is standard input), sqlports registry forget"
COLUMNS = ("origin", "path", "date", "names", "ports", "sources")
# IANA's file has a little more than one megabyte.
LARGEST = 64 << 20
FIRST_FEW = 5

Named = dict[tuple[int, str], list[str]]


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    words = options.sql[1:]
    if words and options.mode != "table":
        return f"what sqlports registry {words[0]} does is told as text: it has no --{options.mode}"
    if list(words) in ([], ["forget"]) or (len(words) == 2 and words[0] == "update" and words[1]):
        return None
    return f"the registry has update FILE.csv and forget: {USAGE}"


def run(engine: Engine, options: Namespace) -> None:
    """Do what the words say, and write what there is to say. Raises Error and OSError; nothing is changed then."""
    from sqlports import modes
    from sqlports.output import Output

    words = options.sql[1:]
    output = Output(options.output, options.mode)
    if not words:
        # One row is read better down than across.
        modes.write(COLUMNS, [facts(_used())], "line" if options.mode == "table" else options.mode, output)
    else:
        for line in update(words[1]) if words[0] == "update" else forget():
            output.write(f"{safe(line)}\n")
    output.close()


def _used() -> Assigned:
    """The list in use; what is wrong with the user's own copy is said."""
    return assigned.load(lambda path, error: complain(told(error) if isinstance(error, OSError) else str(error)))


def facts(used: Assigned) -> tuple[Any, ...]:
    """A list as a row of COLUMNS: a name is one of a port of a protocol, `ports` are those that have one."""
    named = [entry for entry in used if entry.service]
    return (
        "shipped" if used.origin == assigned.SHIPPED else "own copy",
        assigned.LIST if used.origin == assigned.SHIPPED else used.origin,
        _date(used),
        len(named),
        len({entry.port for entry in named}),
        " ".join(remark for remark in used.remarks if remark.startswith("From ")) or None,
    )


def _date(used: Assigned) -> str | None:
    """The day as of which a list is, as it says."""
    dates = (remark.removeprefix("As of ").removesuffix(".") for remark in used.remarks if remark.startswith("As of "))
    return next(dates, None)


def update(path: str) -> list[str]:
    """Make IANA's file the list in use; says what that changes. Raises Error for a file that is not the whole registry."""
    place = _place()
    data = _read(path)
    try:
        rows = list(iana_csv.rows(data))
        names = iana_csv.names(rows)
        iana_csv.whole(names, data.count(b"\n"))
        iana_csv.whole_beside(rows, names, assigned.shipped())
    except iana_csv.Unusable as error:
        raise Error(f"{path}: {error}; the list in use stays") from None
    remarks = (*iana_csv.as_of(rows), "From IANA's service-names-port-numbers.csv, by `sqlports registry update`.")
    text = iana_csv.listed(names, remarks).encode()
    if len(text) > assigned.LARGEST:
        raise Error(f"{path}: more than {assigned.LARGEST} bytes come of it; the list in use stays")
    former, made = _used(), Assigned(text, place)
    before, now = _named(former), _named(made)
    _keep(place, text)
    count = sum(map(len, now.values()))
    older = [f"it is older than the list before: as of {_date(made)}, not {_date(former)}"]
    return [
        f"{place}: {count} names of {len({port for port, _ in now})} ports",
        *(older if (_date(made) or "") < (_date(former) or "") else []),
        *_changes(before, now),
    ]


def forget() -> list[str]:
    """Remove the user's own copy; says what is used now."""
    place = _place()
    try:
        os.unlink(place)
    except (FileNotFoundError, NotADirectoryError):
        return [f"there is no copy in {place}: the list that came with sqlports is in use"]
    return [f"{place} is removed: the list that came with sqlports is in use"]


def _place() -> str:
    place = assigned.own_copy()
    if place is None:
        raise Error("there is no home directory to keep a list in: XDG_DATA_HOME may say another")
    return place


def _read(path: str) -> bytes:
    """The bytes of a file, or of standard input. Raises Error for what has no end, and OSError."""
    if path == "-":
        if sys.stdin is None:
            raise Error("standard input is closed")
        data = sys.stdin.buffer.read(LARGEST + 1)
    else:
        with open(path, "rb", opener=assigned.open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise Error(f"{path}: not a file; - takes the registry from standard input")
            data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        line = data.count(b"\n", 0, LARGEST) + 1
        raise Error(
            f"{path}: line {line}: this is too large for the registry, {LARGEST >> 20} MB and more; the list in use stays"
        )
    return data


def _named(names: Iterable[assigned.Entry]) -> Named:
    found: Named = {}
    for entry in names:
        if entry.service:
            found.setdefault((entry.port, entry.protocol), []).append(entry.service)
    return found


def _changes(before: Named, now: Named) -> list[str]:
    """What became of the names: how many, and the first few of them."""
    changes: dict[str, list[str]] = {"added": [], "gone": [], "renamed": []}
    for port, protocol in sorted({*before, *now}):
        old, new = before.get((port, protocol), []), now.get((port, protocol), [])
        gone, added = [name for name in old if name not in new], [name for name in new if name not in old]
        if len(gone) == len(added) == 1:
            changes["renamed"].append(f"{port}/{protocol} {gone[0]} to {added[0]}")
            continue
        changes["added"] += [f"{port}/{protocol} {name}" for name in added]
        changes["gone"] += [f"{port}/{protocol} {name}" for name in gone]
    said = []
    for what, which in changes.items():
        more = f", and {len(which) - FIRST_FEW} more" if len(which) > FIRST_FEW else ""
        said.append(f"{what}: {len(which)}" + (f" ({safe(', '.join(which[:FIRST_FEW]))}{more})" if which else ""))
    return said


def _keep(place: str, text: bytes) -> None:
    """Put a file in its place when it is whole: what was there before survives a failure. Raises OSError."""
    directory = os.path.dirname(place)
    os.makedirs(directory, mode=0o700, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=".registry-", dir=directory)

    def abandon() -> None:
        with contextlib.suppress(OSError):
            os.unlink(beside)

    with when_killed(abandon):
        try:
            with open(descriptor, "wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            # Names of ports are no secret, and a file that only its owner reads would be none for what he runs as another.
            os.chmod(beside, 0o644)
            os.replace(beside, place)
        except OSError as error:
            abandon()
            raise OSError(error.errno, error.strerror, place) from None
    if sys.platform != "win32":
        directory_descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(directory_descriptor)
        finally:
            os.close(directory_descriptor)
