"""Saved queries: .sql files that have a name. Some come with the project, the user's own are in a folder of theirs.

A user's query is found before one of the same name that comes along. Its file runs by `-f` and in other shells too.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from typing import NamedTuple

from sqlports.errors import Error, QueryError, file_name, nearest, told
from sqlports.own_files import as_user, private_path, write_private
from sqlports.queries.parameters import Parameter

SHIPPED = os.path.dirname(os.path.abspath(__file__))
SUFFIX = ".sql"
# More than anybody writes, and less than what is in a folder by mistake.
LARGEST = 1 << 20


class SavedError(Error):
    """There is no such query, its file has faults, or it cannot be saved."""


class Query(NamedTuple):
    """A saved query.

    title       a sentence on what it tells
    details     more of that, in paragraphs; '' for none
    parameters  in the order of the header, then those that only the SQL names
    platforms   the systems it is made for, as sys.platform has them; none for all
    sql         the whole file
    own         whether it is the user's
    """

    name: str
    title: str
    details: str
    parameters: tuple[Parameter, ...]
    tags: tuple[str, ...]
    platforms: tuple[str, ...]
    sql: str
    path: str
    own: bool

    @property
    def usage(self) -> str:
        """Its parameters, as help shows them."""
        return " ".join(parameter.usage for parameter in self.parameters)


def folder() -> str | None:
    """Where the user's own queries are; None for who has no home."""
    return private_path("XDG_CONFIG_HOME", ".config", "queries")


def names() -> list[str]:
    """The names of all queries."""
    return sorted(_paths()[0])


def queries() -> tuple[list[Query], list[str]]:
    """All queries by name, and a sentence on each file, and on the folder, that cannot be used."""
    paths, faults = _paths()
    found = []
    for name, path in sorted(paths.items()):
        try:
            found.append(_query(name, path))
        except SavedError as error:
            faults.append(str(error))
    return found, faults


def find(name: str, lists: str = "sqlports run", runs: str = "-f") -> Query:
    """The query of a name. Raises SavedError when there is none, or when its file has faults.

    `lists` and `runs` are what lists the queries, and runs a file, where that is told.
    """
    paths, _ = _paths()
    if name in paths:
        return _query(name, paths[name])
    meant = nearest(name, list(paths))
    hint = f"did you mean {meant}?" if meant else f"{lists} lists them"
    if "/" in name or name.endswith(SUFFIX):
        hint = f"a file runs by {runs} {file_name(name)}"
    raise SavedError(f"no saved query has the name {file_name(name)} ({hint})")


def _query(name: str, path: str) -> Query:
    try:
        return read(text(path), name, path)
    except OSError as error:
        raise SavedError(told(error)) from None


def read(text: str, name: str, path: str) -> Query:
    """The query that a file's text is. Raises SavedError with all its faults."""
    from sqlports.queries import header, parameters
    from sqlports.script import split

    head = header.parse(text)
    faults = head.faults
    declared = parameters.of(head)
    title, details = head.one("title"), head.one("description")
    tags, platforms = head.words("tags"), head.words("platform")
    try:
        used = [name for statement in split(text) for name in statement.names]
        if not used and not any(True for _ in split(text)):
            faults.append(header.Fault(1, "there is no statement in it"))
    except QueryError as error:
        used = []
        faults.append(header.Fault(error.place.line if error.place else 1, error.message))
    for field in head.all("param"):
        word = field.value.split()[:1]
        if word and word[0] in {parameter.name for parameter in declared} - set(used):
            faults.append(header.Fault(field.line, f"param: its SQL has no :{word[0]}"))
    if faults:
        lines = "; ".join(f"line {fault.line}: {fault.message}" for fault in sorted(faults))
        raise SavedError(f"{file_name(path)}: {lines}")
    known = {parameter.name for parameter in declared}
    undeclared = tuple(Parameter(name, "any") for name in dict.fromkeys(used) if name not in known)
    if not title:
        title, details = _title(details or head.remark, name)
    own = os.path.dirname(path) != SHIPPED
    return Query(name, title, details, (*declared, *undeclared), tags, platforms, text, path, own)


def _title(text: str, name: str) -> tuple[str, str]:
    """The first sentence of a text, and the rest."""
    found = re.match(r"(.+?[.?!])(?:\s+(.*))?$", text, re.DOTALL)
    return (found[1], (found[2] or "").strip()) if found else (text or f"{name}{SUFFIX}, which says nothing of itself.", "")


class Kept(NamedTuple):
    """What saving came to: the file, whether one of the user's was replaced, whether one that comes along is hidden now."""

    path: str
    replaced: bool
    hides: bool


def save(name: str, sql: str) -> Kept:
    """Keep a query under a name, in a file of the user's alone. Raises SavedError, and OSError when it cannot be written."""
    if not is_name(name):
        raise SavedError(f"{name!r} is no name for a query: letters, digits, '-', '_' and '.', of which the first is none")
    place = folder()
    if place is None:
        raise SavedError("there is no home to keep it in: set XDG_CONFIG_HOME")
    path = os.path.join(place, name + SUFFIX)
    text = sql.strip() + "\n"
    read(text, name, path)
    kept = Kept(path, os.path.lexists(path), os.path.exists(os.path.join(SHIPPED, name + SUFFIX)))
    write_private(path, text.encode())
    return kept


def is_name(text: str) -> bool:
    """Whether a query may be called so."""
    return bool(re.fullmatch(r"[^\W_][\w.-]{0,63}", text))


def _paths() -> tuple[dict[str, str], list[str]]:
    """The file of each name, and a sentence on each name in the user's folder that is none, and on a folder that is closed."""
    found = {name.removesuffix(SUFFIX): os.path.join(SHIPPED, name) for name in os.listdir(SHIPPED) if name.endswith(SUFFIX)}
    place = folder()
    try:
        entries = _listed(place) if place else []
    except FileNotFoundError:
        return found, []
    except OSError as error:
        return found, [told(error)]
    faults = []
    for entry in sorted(entries):
        name = entry.removesuffix(SUFFIX)
        if not entry.endswith(SUFFIX) or entry.startswith("."):
            continue
        if is_name(name):
            found[name] = f"{place}/{entry}"
        else:
            faults.append(f"{file_name(place)}/{file_name(entry)}: no query can have this name")
    return found, faults


def _listed(place: str) -> list[str]:
    """The names in the user's folder. Raises OSError."""
    if sys.platform == "win32":
        return os.listdir(place)
    # With the rights of who uses this, as all that is theirs.
    _, descriptor = as_user(lambda: (None, os.open(place, os.O_RDONLY | os.O_DIRECTORY)))
    assert descriptor is not None
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


def text(path: str) -> str:
    """Raises OSError, also for what is no file of text."""
    # Not to wait for who writes to a pipe.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
    descriptor = os.open(path, flags) if os.path.dirname(path) == SHIPPED else as_user(lambda: (None, os.open(path, flags)))[1]
    assert descriptor is not None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is no file", path)
        data = b""
        while len(data) <= LARGEST and (more := os.read(descriptor, LARGEST + 1)):
            data += more
    finally:
        os.close(descriptor)
    if len(data) > LARGEST:
        raise OSError(errno.EFBIG, "it is larger than any query", path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise OSError(errno.EILSEQ, "it is not UTF-8", path) from None


def fits(query: Query) -> bool:
    """Whether a query is made for this system."""
    return not query.platforms or any(sys.platform.startswith(platform) for platform in query.platforms)
