"""The comparisons of a statement: which name is compared with which values, as its words tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import apsw

from sqlports.script import Token

_EQUAL = {"=", "==", "<>", "!=", "IS"}
_ORDER = {"<", "<=", ">", ">="}
# What may stand before a comparison, and behind one: otherwise what is compared is more than a name and a value.
_BEFORE = {"(", ",", "AND", "OR", "NOT", "WHERE", "ON", "HAVING", "WHEN", "THEN", "ELSE", "SELECT", "DISTINCT", "CASE", "BY"}
_BEHIND = {")", ",", ";", "AND", "OR", "THEN", "GROUP", "ORDER", "LIMIT", "HAVING", "WINDOW", "END", "ELSE", "AS", "WHERE"}
_BEHIND |= {"UNION", "EXCEPT", "INTERSECT", "JOIN", "LEFT", "INNER", "CROSS", "FULL", "RIGHT", "NATURAL"}


class Comparison(NamedTuple):
    """A comparison of a column with values: who the column is said to be of, its name, the values, where in the text it stands.

    `is_order` tells < and the like from = and IN.
    """

    whose: str
    name: str
    values: tuple[Any, ...]
    start: int
    end: int
    is_order: bool


def comparisons(words: list[Token], values: Any) -> Iterator[Comparison]:
    """The comparisons of a name with a value, or with a list of values."""
    for number, word in enumerate(words):
        sign = word.word or word.text
        if sign == "IN" or sign in _EQUAL | _ORDER:
            left = number - 1 if sign != "IN" or words[number - 1].word != "NOT" else number - 2
            right = number + 2 if sign == "IS" and number + 1 < len(words) and words[number + 1].word == "NOT" else number + 1
            name = _name_before(words, left)
            if name is not None:
                read = _list(words, right, values) if sign == "IN" else _value(words, right, values)
                first, last = name, read[1] if read else right
            else:
                name, backwards = _name_behind(words, right), _value(words, left, values)
                read = backwards if sign != "IN" and name is not None else None
                first, last = left, name if name is not None else right
            if read is None or name is None or not (_stands(words, first - 1, _BEFORE) and _stands(words, last + 1, _BEHIND)):
                continue
            operand = words[min(first, name) : left + 1] if first == name else words[right : last + 1]
            *whose, column = [plain(one) for one in operand if one.text != "."]
            yield Comparison(
                whose[-1] if whose else "", column, tuple(read[0]), words[first].start, words[last].end, sign in _ORDER
            )


def _name_before(words: list[Token], last: int) -> int | None:
    """Where the name begins that ends there: `state`, `s.state`; None where there is none."""
    if last < 0 or not _is_name(words[last]):
        return None
    return last - 2 if last > 1 and words[last - 1].text == "." and _is_name(words[last - 2]) else last


def _name_behind(words: list[Token], first: int) -> int | None:
    """Where the name ends that begins there."""
    if first >= len(words) or not _is_name(words[first]):
        return None
    return first + 2 if first + 2 < len(words) and words[first + 1].text == "." and _is_name(words[first + 2]) else first


def _is_name(word: Token) -> bool:
    return word.kind == "quoted" or (word.kind == "name" and word.word not in _BEFORE | _BEHIND | {"NULL", "IN", "IS"})


def plain(word: Token) -> str:
    return word.text.strip('"`[]').lower()


def _stands(words: list[Token], at: int, signs: set[str]) -> bool:
    return at < 0 or at >= len(words) or (words[at].word or words[at].text) in signs


def _value(words: list[Token], at: int, values: Any) -> tuple[list[Any], int] | None:
    """The value that stands there, in a list, and where; None for what is no value that is known."""
    if not 0 <= at < len(words):
        return None
    word = words[at]
    if word.kind == "text" and word.text[0] == "'":
        return [word.text[1:-1].replace("''", "'")], at
    if word.kind == "number" and word.text.isdecimal():
        return [int(word.text)], at
    if word.kind == "parameter" and isinstance(values, Mapping) and isinstance(values.get(word.text[1:]), (str, int)):
        return [values[word.text[1:]]], at
    return None


def _list(words: list[Token], at: int, values: Any) -> tuple[list[Any], int] | None:
    """The values of a list in brackets, and where it ends."""
    found: list[Any] = []
    while at < len(words) and words[at].text in ("(", ","):
        read = _value(words, at + 1, values)
        if read is None:
            return None
        found += read[0]
        at += 2
    return (found, at) if found and at < len(words) and words[at].text == ")" else None


def is_given(before: Token, word: Token) -> bool:
    """Whether a word is a name that is given to what stands before it."""
    if word.kind not in ("name", "quoted") or word.word in _BEFORE | _BEHIND | apsw.keywords:
        return False
    if before.kind == "name":
        return before.word == "AS" or before.word not in apsw.keywords
    return before.text == ")" or before.kind in ("text", "quoted", "number")
