"""Who is logged in, by the system's list of it."""

from __future__ import annotations

from sqlports.sources import small_files, utmp
from sqlports.sources.records import Unsupported
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.utmp import Login

_FILE = "/run/utmp"


def logins(system: Snapshot) -> list[Login]:
    """The records of the list, in its order. What cannot be read of it is counted."""
    return system.memo("logins", lambda: _logins(system))


def _logins(system: Snapshot) -> list[Login]:
    records: list[Login] = []
    for found, rest in system.ask(_FILE, _read):
        records += found
        if rest:
            system.refuse(_FILE, None, Unsupported(_FILE, f"the {rest} bytes at its end are no record"))
    return records


def _read(root: str) -> list[tuple[list[Login], int]]:
    try:
        return [utmp.parse(small_files.of_system(root, b"/run/utmp", b"/var/run/utmp"))]
    except FileNotFoundError:
        raise Unsupported(_FILE, "there is no such file: this system keeps no list of logins there") from None
