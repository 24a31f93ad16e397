"""Patterns of LIKE and GLOB as patterns of paths: component by component, as osquery expands them.

`%` and `_` (GLOB: `*`, `?`, `[…]`) stand for what a name has, never for a slash. Two `%` where the pattern ends stand for all
that is below, too.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple


class Component(NamedTuple):
    """One component of a pattern.

    slashes  what stands before it, as many slashes as it has
    text     it as it was written; '' behind a slash at the end
    matches  which names it stands for; None where it stands for `text` alone
    """

    slashes: str
    text: str
    matches: re.Pattern[str] | None


class Pattern(NamedTuple):
    """A pattern of absolute paths; `recursive`: all below what the last component stands for, as well."""

    components: tuple[Component, ...]
    recursive: bool


@lru_cache(maxsize=256)
def parse(pattern: str, glob: bool) -> Pattern | None:
    """The pattern; None for one that does not begin with a slash."""
    if not pattern.startswith("/"):
        return None
    many, one = ("*", "?") if glob else ("%", "_")
    found = [
        Component(slashes, text, _expression(text, many, one, glob))
        for slashes, text in _SPLIT[glob].findall(pattern)
        if slashes
    ]
    # osquery: `/etc/%%` and `/etc/%%/`; of the latter the directories.
    last = next((component for component in reversed(found) if component.text), None)
    return Pattern(tuple(found), bool(last and last.text.endswith(many * 2)))


def literal(path: str) -> Pattern:
    """A path as a pattern that stands for itself alone."""
    return Pattern(tuple(Component(slashes, name, None) for slashes, name in _SPLIT[False].findall(path) if slashes), False)


# A slash inside the brackets of a GLOB is none between components.
_SPLIT = {False: re.compile(r"(/*)([^/]*)"), True: re.compile(r"(/*)((?:\[\^?+\]?+[^\]]*\]|[^/])*)")}
_SIGN = {False: re.compile(r".", re.DOTALL), True: re.compile(r"\[\^?+\]?+[^\]]*\]|.", re.DOTALL)}


def _expression(text: str, many: str, one: str, glob: bool) -> re.Pattern[str] | None:
    """What a component stands for. Each `%` is tried once and for all, so no name makes it slow."""
    signs = _SIGN[glob].findall(text)
    if not any(sign in (many, one) or (glob and sign.startswith("[")) for sign in signs):
        return None
    pieces = [""]
    for sign in signs:
        if sign == many:
            pieces.append("")
        elif sign == one:
            pieces[-1] += "."
        elif glob and len(sign) > 1:
            pieces[-1] += _set(sign)
        elif glob and sign == "[":
            pieces[-1] += r"(?!)"  # SQLite: a set that does not end matches nothing
        else:
            pieces[-1] += re.escape(sign)
    first, *middle = pieces
    if not middle:
        return re.compile(first, re.DOTALL)
    *middle, last = middle
    return re.compile(first + "".join(f"(?>.*?{piece})" for piece in middle if piece) + ".*" + last, re.DOTALL)


def _set(sign: str) -> str:
    """A set of GLOB as one of a regular expression, read as patternCompare of SQLite's func.c reads it."""
    inner = sign[1:-1]
    negated = inner.startswith("^")
    inner = inner.removeprefix("^")
    members: list[str] = []
    before = ""
    place = 0
    if inner.startswith("]"):
        members.append(re.escape("]"))
        place = 1
    while place < len(inner):
        character = inner[place]
        if character == "-" and before and place + 1 < len(inner):
            place += 1
            if before <= inner[place]:
                members.append(f"{re.escape(before)}-{re.escape(inner[place])}")
            before = ""
        else:
            members.append(re.escape(character))
            before = character
        place += 1
    return f"[{'^' if negated else ''}{''.join(members)}]"
