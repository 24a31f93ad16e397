"""Regular expressions as osquery has them, ECMAScript's in std::regex, by Python's `re`.

What differs is translated: `.` is no end of a line, `$` is the end of the text alone, [[:alpha:]] and its like are known, [] is
nothing and [^] anything, \\d, \\w, \\s and \\b are of ASCII. They work on characters, std::regex on bytes. What ECMAScript has
not is as in Python: (?i) at the beginning, (?<=…), (?P<name>…).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple, TypeVar

from sqlports.errors import QueryError
from sqlports.functions.patience import heard

T = TypeVar("T")

# How long an expression may be, in bytes: osquery's is 256.
LONGEST = 4096

# How many characters an expression with one repetition at most may look through before somebody has to watch it.
_SHORT = 4096

_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "blank": r"\ \t",
    "cntrl": r"\x00-\x1f\x7f",
    "d": "0-9",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\x21-\x2f\x3a-\x40\x5b-\x60\x7b-\x7e",
    "s": r"\s",
    "space": r"\s",
    "upper": "A-Z",
    "w": r"\w",
    "xdigit": "0-9A-Fa-f",
}
# Escapes of Python that mean nothing, or another thing, in ECMAScript.
_FOREIGN = "AZaNU"
_BRACKET = re.compile(r"\[(?:\[[:.=][^\]]*[:.=]\]|\\.|[^\]\\])*+\]", re.DOTALL)
_MEMBER = re.compile(
    r"\[:(?P<kind>\w+):\]|\[[.=](?P<one>.)[.=]\]|(?P<set>\\[dDwWsS])|(?P<escape>\\(?:c[A-Za-z]|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.))"
    r"|(?P<plain>[^\\])",
    re.DOTALL,
)


class Expression(NamedTuple):
    """A compiled expression, and whether it may take very long: with two repetitions or alternatives, or more."""

    compiled: re.Pattern[str]
    may_take_long: bool

    def work(self, check: Callable[[], None], text: str, act: Callable[[re.Pattern[str]], T]) -> T:
        """What `act` finds with it in the text. Raises what `check` raises."""
        if self.may_take_long or len(text) > _SHORT:
            return heard(check, lambda: act(self.compiled))
        return act(self.compiled)


@lru_cache(256)
def expression(pattern: str, caller: str) -> Expression:
    """Raises QueryError, with the name of the function that was called."""
    if len(pattern.encode()) > LONGEST:
        raise QueryError(f"{caller}: Invalid regex: too big, max size is {LONGEST} bytes")
    try:
        compiled = re.compile(_translated(pattern), re.ASCII)
    except (re.error, OverflowError, RecursionError) as error:
        why = error.msg if isinstance(error, re.error) else "it is nested too deeply or repeats too often"
        raise QueryError(f"{caller}: Invalid regex: {why}") from None
    return Expression(compiled, sum(pattern.count(sign) for sign in "*+?{|") > 1)


def _translated(pattern: str) -> str:
    """As Python writes it. Raises re.error."""
    found, at = [], 0
    while at < len(pattern):
        sign = pattern[at]
        if sign == "\\":
            escape, at = _escape(pattern, at)
            found.append(escape)
            continue
        if sign == "[":
            bracket = _BRACKET.match(pattern, at)
            if bracket is None:
                raise re.error("a [ is not closed")
            found.append(_one_of(bracket[0]))
            at = bracket.end()
            continue
        found.append({".": r"[^\n\r]", "$": r"\Z"}.get(sign, sign))
        at += 1
    return "".join(found)


def _escape(pattern: str, at: int) -> tuple[str, int]:
    """What a backslash and the letters behind it are, and where it goes on."""
    letter = pattern[at + 1 : at + 2]
    if letter in _FOREIGN and letter:
        raise re.error(f"there is no \\{letter}")
    if letter == "0":
        return r"\x00", at + 2
    if letter == "c" and pattern[at + 2 : at + 3].isalpha() and pattern[at + 2].isascii():
        return f"\\x{ord(pattern[at + 2]) % 32:02x}", at + 3
    return pattern[at : at + 2], at + 2


def _one_of(bracket: str) -> str:
    """What stands in brackets. Raises re.error."""
    inverted = bracket.startswith("[^")
    inside = bracket[1 + inverted : -1]
    if not inside:
        return r"[\s\S]" if inverted else "(?!)"
    found = list(_MEMBER.finditer(inside))
    members, ranges, place = [_member(one) for one in found], "", 0
    while place < len(found):
        ranges += members[place]
        # A dash between two members is a range; anywhere else it is itself.
        if place + 2 < len(found) and found[place + 1]["plain"] == "-":
            ranges += f"-{members[place + 2]}"
            place += 2
        place += 1
    return f"[{'^' * inverted}{ranges}]"


def _member(found: re.Match[str]) -> str:
    if found["kind"]:
        if found["kind"] not in _CLASSES:
            raise re.error(f"there is no class {found['kind']!r}")
        return _CLASSES[found["kind"]]
    if found["set"]:
        return found["set"]
    escape = found["escape"]
    if escape:
        return escape if len(escape) > 3 else _escape(escape, 0)[0]
    return re.escape(found["one"] or found["plain"])
