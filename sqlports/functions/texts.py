"""Texts taken apart: at characters, and by regular expressions, which `regular` reads."""

from __future__ import annotations

from sqlports.errors import QueryError
from sqlports.functions import Host, Value, function

# What isspace(3) says of in the C locale.
_BLANKS = " \t\n\v\f\r"
# The digit of each letter from a to z, 0 for those that sound no more than a vowel does.
_SOUNDS = "01230120022455012623010202"


@function("text")
def split(text: Value, characters: Value, index: Value) -> str | None:
    """The piece of that index, from 0, of a text that is cut at any of the characters; empty ones and blanks are left out."""
    if text is None or characters is None or index is None:
        return None
    from sqlports.functions import values

    if characters in ("", b""):
        raise QueryError("split: Invalid input to split function")
    cut = values.text(characters)
    pieces = values.text(text).translate(dict.fromkeys(map(ord, cut), cut[0])).split(cut[0])
    return _at([piece for one in pieces if (piece := one.strip(_BLANKS))], values.whole(index))


@function("text", host=True)
def regex_split(host: Host, text: Value, pattern: Value, index: Value) -> str | None:
    """The piece of that index, from 0, of a text that is cut where the regular expression matches; empty ones count."""
    if text is None or pattern is None or index is None:
        return None
    from sqlports.functions import values
    from sqlports.functions.regular import expression

    if pattern in ("", b""):
        raise QueryError("regex_split: Invalid input to split function")
    whole = values.text(text)
    cuts = expression(values.text(pattern), "regex_split").work(
        host.check, whole, lambda compiled: [found.span() for found in compiled.finditer(whole)]
    )
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(whole)]
    at = values.whole(index)
    return whole[starts[at] : ends[at]] if 0 <= at < len(starts) else None


@function("text", host=True)
def regex_match(host: Host, text: Value, pattern: Value, group: Value) -> str | None:
    """What the regular expression matches first: as a whole, group 0, or a group in brackets of it; NULL for no match."""
    if text is None or pattern is None or group is None:
        return None
    from sqlports.functions import values
    from sqlports.functions.regular import expression

    whole = values.text(text)
    found = expression(values.text(pattern), "regex_match").work(host.check, whole, lambda compiled: compiled.search(whole))
    # A group that took no part in the match is empty.
    return None if found is None else _at([found[0], *found.groups("")], values.whole(group))


@function("text", host=True)
def regexp(host: Host, pattern: Value, text: Value) -> int | None:
    """1 where the regular expression matches somewhere in the text, else 0; the same as text REGEXP pattern."""
    if text is None or pattern is None:
        return None
    from sqlports.functions import values
    from sqlports.functions.regular import expression

    whole = values.text(text)
    return expression(values.text(pattern), "regexp").work(
        host.check, whole, lambda compiled: int(compiled.search(whole) is not None)
    )


@function("text")
def soundex(text: Value) -> str:
    """How an English word sounds: a letter and three digits; '?000' for what has no letter."""
    from sqlports.functions import values

    word = "" if text is None else values.text(text)
    letters = word.lstrip("".join({letter for letter in word if not _is_letter(letter)})).lower()
    if not letters:
        return "?000"
    code, before = letters[0].upper(), _sound(letters[0])
    for letter in letters[1:]:
        sound = _sound(letter)
        if sound not in ("0", before):
            code += sound
        if len(code) == 4:
            break
        before = sound
    return code.ljust(4, "0")


def _at(pieces: list[str], index: int) -> str | None:
    return pieces[index] if 0 <= index < len(pieces) else None


def _is_letter(letter: str) -> bool:
    return letter.isascii() and letter.isalpha()


def _sound(letter: str) -> str:
    return _SOUNDS[ord(letter) - ord("a")] if _is_letter(letter) else "0"
