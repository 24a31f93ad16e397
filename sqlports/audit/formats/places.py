"""Where an audit's file is, as services that show code take it: below a folder that they know, the same on each machine."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote

import sqlports

# The folder that a checkout has; the root of the files; where this program is installed.
WORK, ROOT, PROGRAM = "%SRCROOT%", "%FILESYSTEM%", "%SQLPORTS%"


class Place(NamedTuple):
    """A file: its path below a base (one of WORK, ROOT, PROGRAM), with `/` between its parts."""

    base: str
    path: str

    @property
    def uri(self) -> str:
        """A relative reference (RFC 3986); bytes that are not UTF-8 are encoded as they are."""
        # A first part with a colon would be a scheme, and two slashes a host: quote() leaves neither.
        return quote(os.fsencode(self.path), safe="/~") or "."


def of(path: str, work: str) -> Place:
    """Where a file is: one that came with the program, one below `work`, or any other."""
    return _of(path, work, os.getcwd())


@lru_cache(maxsize=1024)
def _of(path: str, work: str, here: str) -> Place:
    try:
        real = os.path.realpath(os.path.join(here, path))
    except (OSError, ValueError):
        return Place(WORK, path.lstrip("/"))
    shipped = _below(real, _packs())
    if shipped is not None:
        return Place(PROGRAM, f"sqlports/audit/packs/{shipped}")
    inside = _below(real, work)
    if inside is not None:
        return Place(WORK, inside)
    return Place(ROOT, real.replace(os.sep, "/").lstrip("/"))


def work_tree() -> str:
    """The folder of the git work tree that this process is in; the current folder where it is in none."""
    here = folder = os.path.realpath(os.getcwd())
    while not os.path.lexists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return here
        folder = parent
    return folder


def bases(work: str) -> dict[str, str]:
    """The address of each base, with a slash at its end."""
    folders = {WORK: work, ROOT: "", PROGRAM: os.path.dirname(_program())}
    return {name: _address(folder) for name, folder in folders.items()}


def _address(folder: str) -> str:
    """A folder as a file: URI."""
    path = quote(os.fsencode(folder.replace(os.sep, "/")), safe="/~").strip("/")
    return f"file:///{path}/" if path else "file:///"


def _program() -> str:
    return os.path.dirname(os.path.realpath(sqlports.__file__))


def _packs() -> str:
    return os.path.join(_program(), "audit", "packs")


def _below(path: str, folder: str) -> str | None:
    """A path from a folder on; None for one that is not below it."""
    lead = folder.rstrip(os.sep) + os.sep
    return path[len(lead) :].replace(os.sep, "/") if path.startswith(lead) else None
