"""What can go wrong with a query, and how it is said."""

from __future__ import annotations

import re
from typing import NamedTuple

from sqlports.cells import safe, width


class Error(Exception):
    """The parent of everything sqlports raises on purpose."""


class QueryError(Error):
    """The query is wrong or failed.

    message  why
    place    where in the script; None when that is not known
    hint     what was probably meant, or what to do; None for nothing
    """

    def __init__(self, message: str, place: Place | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place
        self.hint = hint

    def __str__(self) -> str:
        parts = [self.message]
        if self.hint:
            parts[0] += f" ({self.hint})"
        if self.place:
            parts += self.place.lines()
        return "\n".join(parts)


class Unbound(QueryError):
    """Names in the query have no value.

    names  which, sorted
    """

    def __init__(self, names: list[str]) -> None:
        super().__init__("no value for " + ", ".join(f":{name}" for name in names))
        self.names = names


class Refused(QueryError):
    """The query would change something, and the engine is read-only."""


class SourceError(Error):
    """What the system said cannot be understood: a bug here, or something that only looks like the system."""


class Stopped(Exception):
    """Raised through a source's loop to end it."""


class QueryTimeout(Error):
    """The query ran longer than it was allowed to."""


class Interrupted(Error):
    """The query was stopped by `Engine.interrupt`."""


# How much of a long line is shown around the point.
WIDTH = 72


class Place(NamedTuple):
    """A point in a script: the number of its line (from 1), the line, and how many characters stand before the point."""

    line: int
    text: str
    before: int

    def lines(self) -> list[str]:
        """The line and a caret below the point; a long line is shown around it."""
        start = max(0, self.before - WIDTH // 2) if len(self.text) > WIDTH else 0
        shown = self.text[start : start + WIDTH]
        lead = f"line {self.line}: " + ("…" if start else "")
        return [lead + safe(shown), " " * (width(lead) + width(safe(self.text[start : self.before]))) + "^"]


def told(error: OSError) -> str:
    """An error of the system as people read it."""
    return f"{file_name(error.filename)}: {error.strerror}" if error.filename else error.strerror or str(error)


def file_name(name: object) -> str:
    """The name of a file in one line, what is not UTF-8 as its bytes (`\\xff`)."""
    return safe(re.sub("[\udc80-\udcff]", lambda found: f"\\x{ord(found[0]) - 0xDC00:02x}", str(name)))


def place(script: str, offset: int) -> Place:
    """The place of a character in a script."""
    start = script.rfind("\n", 0, offset) + 1
    end = script.find("\n", offset)
    text = script[start : end if end >= 0 else len(script)].rstrip("\r")
    return Place(script.count("\n", 0, start) + 1, text, offset - start)


_MISSING = re.compile(r"no such (table|column|function|collation sequence)(?:: | : )(.+?)(?: - should this.*)?$")


def missing(message: str) -> tuple[str, str] | None:
    """What SQLite says is not there: its kind ('table', 'column', 'function') and its name; None for other messages."""
    found = _MISSING.search(message)
    return (found[1], found[2].strip('"')) if found else None


def nearest(name: str, names: list[str]) -> str | None:
    """The name that was probably meant."""
    import difflib

    longer = sorted(
        {known for known in names if name.strip(".") and known.startswith(name.lower())}, key=lambda known: (len(known), known)
    )
    if longer:
        return longer[0]
    close = difflib.get_close_matches(name.lower(), sorted(set(names)), n=1, cutoff=0.6)
    return close[0] if close else None
