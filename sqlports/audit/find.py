"""From the words of the command to audits: those that come along, somebody's own, files, folders and osquery's packs."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

from sqlports.audit import audit as audits
from sqlports.audit import given, osquery_packs
from sqlports.audit.audit import Audit, BadFile
from sqlports.errors import file_name, nearest, told
from sqlports.own_files import private_path
from sqlports.queries import saved

SHIPPED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "packs")
SUFFIX = ".sql"
PACK_SUFFIXES = (".conf", ".json")
# Folders within folders: more is nobody's pack.
_DEEPEST = 16


class Unknown(Exception):
    """A word is the name of nothing."""


class Found(NamedTuple):
    """What words stand for: audits, osquery's packs with theirs, and what is wrong with files."""

    audits: list[Audit]
    packs: list[osquery_packs.Pack]
    faults: list[BadFile]


def folder() -> str | None:
    """Where the user's own audits are; None for who has no home."""
    return private_path("XDG_CONFIG_HOME", ".config", "audits")


def find(words: Sequence[str]) -> Found:
    """The audits of these paths and names; without any those that come along and the user's own.

    A path has a slash in it, ends in .sql, .conf or .json, or is there and no name. A name may be a pattern of ids. Raises
    Unknown for what is neither.
    """
    found = Found([], [], [])
    known: Found | None = None
    for word in words:
        if _is_path(word):
            _add(found, path(word))
            continue
        known = known or named()
        chosen = [one for one in known.audits if word in (one.id, one.pack) or fnmatchcase(one.id, word)]
        bad = [fault for fault in known.faults if _is_named(fault.path, word)]
        if chosen or bad:
            found.audits.extend(chosen)
            found.packs.extend(known.packs)
            found.faults.extend(bad)
        elif os.path.exists(word):
            # After the names: whatever lies in a folder like /tmp does not take the place of an audit.
            _add(found, path(word))
        else:
            raise Unknown(_unknown(word, known.audits))
    if not words:
        found = named()
    return _once(found)


def named() -> Found:
    """All that have a name: the user's own, and those that come along and have not the id of one of these."""
    shipped, own = path(SHIPPED), Found([], [], [])
    place = folder()
    if place and os.path.isdir(place):
        own = path(place, is_own=True)
    ids = {one.id for one in own.audits}
    return Found(own.audits + [one for one in shipped.audits if one.id not in ids], own.packs, shipped.faults + own.faults)


def path(place: str, is_own: bool = False) -> Found:
    """The audits of a file or a folder with all below it."""
    found = Found([], [], [])
    if os.path.isdir(place):
        for name in _below(place, found.faults, set()):
            _file(name, os.path.basename(os.path.dirname(os.path.abspath(name))), found, is_own, is_listed=True)
        if not (found.audits or found.packs or found.faults or is_own):
            found.faults.append(BadFile(place, None, f"no audit is in it: no file of it ends in {SUFFIX}"))
    else:
        _file(place, "", found, is_own)
    return found


def _below(place: str, faults: list[BadFile], seen: set[str], depth: int = 0) -> Iterator[str]:
    """The files with audits in a folder and in those within it, by name; what is hidden is left out.

    `seen` are the folders that were read: a link back to one leads to nothing new.
    """
    where = os.path.realpath(place)
    if where in seen:
        return
    seen.add(where)
    try:
        entries = sorted(os.scandir(place), key=lambda entry: entry.name)
    except OSError as error:
        faults.append(BadFile(place, None, told(error)))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if os.path.isdir(entry.path):
            if depth < _DEEPEST:
                yield from _below(entry.path, faults, seen, depth + 1)
            else:
                faults.append(BadFile(entry.path, None, f"it is more than {_DEEPEST} folders deep, and is not read"))
        elif entry.name.endswith((SUFFIX, ".conf")):
            yield entry.path


def _own(place: str) -> str | BadFile:
    """What is in a file of the user's own folder, read with that user's rights."""
    try:
        return saved.text(place)
    except OSError as error:
        return BadFile(place, None, error.strerror or str(error))


def _file(place: str, pack: str, found: Found, is_own: bool, is_listed: bool = False) -> None:
    name = os.path.basename(place)
    if is_listed and os.path.exists(place) and not os.path.isfile(place):
        # Nobody writes to a pipe that lies in a folder.
        found.faults.append(BadFile(place, None, "it is no file"))
        return
    text = _own(place) if is_own else given.text(place, saved.LARGEST)
    if isinstance(text, BadFile):
        found.faults.append(text)
        return
    if name.endswith(PACK_SUFFIXES):
        packs, faults = osquery_packs.read(text, name, place)
        found.packs.extend(packs)
        found.audits.extend(audit for one in packs for audit in one.audits)
        found.faults.extend(faults)
        return
    read = audits.read(text, name.removesuffix(SUFFIX), place, pack)
    found.faults.extend(read.faults)
    if read.audit:
        found.audits.append(read.audit)


def _is_path(word: str) -> bool:
    return "/" in word or word.endswith((SUFFIX, *PACK_SUFFIXES))


def _is_named(place: str, word: str) -> bool:
    """Whether a word means a file by the id or the pack that it has by its place."""
    name = os.path.basename(place).removesuffix(SUFFIX)
    return word == os.path.basename(os.path.dirname(place)) or fnmatchcase(name, word)


def _unknown(word: str, known: Iterable[Audit]) -> str:
    names = {name for one in known for name in (one.id, one.pack) if name}
    meant = nearest(word, sorted(names))
    return f"no audit or pack is called {word}: " + (f"did you mean {meant}?" if meant else "sqlports audit list has them")


def _add(found: Found, more: Found) -> None:
    found.audits.extend(more.audits)
    found.packs.extend(more.packs)
    found.faults.extend(more.faults)


def _once(found: Found) -> Found:
    """Each file once, however often it was named; two files of one id are a fault of the second."""
    by_id: dict[str, Audit] = {}
    faults = list(dict.fromkeys(found.faults))
    for one in found.audits:
        first = by_id.setdefault(one.id, one)
        if (os.path.realpath(first.path), first.line) != (os.path.realpath(one.path), one.line):
            # An id of osquery's is only unique within its pack.
            if one.foreign:
                _number(one, by_id)
                continue
            place = f"{file_name(first.path)}:{first.line}"
            faults.append(BadFile(one.path, one.line, f"a second audit {one.id}: the first is {place}"))
    return Found(list(by_id.values()), found.packs, faults)


def _number(one: Audit, by_id: dict[str, Audit]) -> None:
    """Add a query of osquery's under an id that no other has."""
    names = (f"{one.pack}.{one.id}{'' if count == 1 else f'.{count}'}" for count in itertools.count(1))
    for name in names:
        first = by_id.setdefault(name, one._replace(id=name))
        if (first.path, first.line) == (one.path, one.line):
            return
