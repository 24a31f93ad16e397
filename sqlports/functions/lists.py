"""Whether a value is in a list that is written as a text with commas, and the parts of a path.

Blanks around the words of a list do not count, nor does an empty word: an empty list has none.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sqlports.errors import QueryError
from sqlports.functions import Value, function

if TYPE_CHECKING:
    from re import Pattern


@function("list")
def listed(value: Value, words: Value) -> int | None:
    """1 where the value is in the list ('22, 5900-5909, python*'), else 0; NULL where one of both is NULL.

    A word may be a pattern, as GLOB has it. Of an integer, which is written without leading zeros, a word may be a range as
    well, and has to be a number where it is neither. Bytes are in no list.
    """
    if value is None or words is None:
        return None
    text = words if isinstance(words, str) else str(words)
    if isinstance(value, int):
        return int(any(low <= value <= high for low, high in _ranges(text)) or _words(text).have(str(value)))
    if isinstance(value, bytes):
        return 0
    return int(_words(text).have(value if isinstance(value, str) else repr(value)))


@function("list")
def below(path: Value, directories: Value) -> int | None:
    """1 where the path is one of the directories ('/usr, /opt') or below, else 0; NULL for no path.

    '//', '/./' and '/../' in the path are resolved as text: no link is followed.
    """
    if not isinstance(path, str) or directories is None:
        return None
    return int(f"{_plain(path)}/".startswith(_directories(directories if isinstance(directories, str) else str(directories))))


@function("list")
def basename(path: Value) -> str | None:
    """What stands behind the last / of a path; NULL for no text."""
    return path.rpartition("/")[2] if isinstance(path, str) else None


def _plain(path: str) -> str:
    if not path.startswith("/") or not ("//" in path or "/." in path):
        return path
    from posixpath import normpath

    return normpath(f"/{path.lstrip('/')}")


class _Words(NamedTuple):
    exact: frozenset[str]
    patterns: Pattern[str] | None

    def have(self, text: str) -> bool:
        return text in self.exact or (self.patterns is not None and self.patterns.fullmatch(text) is not None)


def _parted(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _is_pattern(word: str) -> bool:
    return any(sign in word for sign in "*?[")


@lru_cache(256)
def _words(text: str) -> _Words:
    import re

    words = _parted(text)
    patterns = "|".join(_expression(word) for word in words if _is_pattern(word))
    exact = frozenset(word for word in words if not _is_pattern(word))
    return _Words(exact, re.compile(patterns, re.DOTALL) if patterns else None)


@lru_cache(256)
def _ranges(text: str) -> tuple[tuple[int, int], ...]:
    """The ranges of a list of numbers. Raises QueryError, which names what is neither number, range nor pattern."""
    import re

    found = []
    for word in _parted(text):
        if _is_pattern(word):
            continue
        number = re.fullmatch("(-?[0-9]{1,19})(?:-([0-9]{1,19}))?", word)
        if number is None or (number[2] and int(number[2]) < int(number[1])):
            raise QueryError(f"listed: {word!r} is no number and no range", hint="write numbers as 22, 5900-5909")
        if number[2]:
            found.append((int(number[1]), int(number[2])))
    return tuple(found)


@lru_cache(256)
def _directories(text: str) -> tuple[str, ...]:
    return tuple(f"{word.rstrip('/')}/" for word in _parted(text))


def _expression(pattern: str) -> str:
    """GLOB's pattern as a regular expression. What is found behind a * is not looked for again, so that no text is slow."""
    import re

    parts, at = [""], 0
    while at < len(pattern):
        sign, at = pattern[at], at + 1
        if sign == "*":
            parts.append("")
        elif sign == "?":
            parts[-1] += "."
        elif sign == "[":
            one, at = _one_of(pattern, at)
            parts[-1] += one
        else:
            parts[-1] += re.escape(sign)
    first, *others = parts
    if not others:
        return first
    return first + "".join(f"(?>.*?{part})" for part in others[:-1] if part) + f".*{others[-1]}"


def _one_of(pattern: str, at: int) -> tuple[str, int]:
    """The expression for what stands in brackets from there, and where it goes on. What is not closed has nothing."""
    import re

    inverted = pattern.startswith("^", at)
    at += inverted
    # A ] that comes first is one of the letters.
    end = pattern.find("]", at + 1)
    if end < 0:
        return "(?!)", len(pattern)
    letters, found, before = pattern[at:end], "", ""
    place = 0
    if letters.startswith("]"):
        found, place = r"\]", 1
    while place < len(letters):
        letter, place = letters[place], place + 1
        if letter == "-" and before and place < len(letters):
            last, place = letters[place], place + 1
            found += f"{re.escape(before)}-{re.escape(last)}" if before <= last else ""
            before = ""
        else:
            found, before = found + re.escape(letter), letter
    return f"[{'^' * inverted}{found}]", end + 1
