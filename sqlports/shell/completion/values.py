"""The texts that a column can be compared with, where it has only a few."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from sqlports.shell.completion.scope import Scope
from sqlports.shell.completion.tokens import Token
from sqlports.shell.names import Names, usage

_COMPARING = {"=", "IS", "LIKE", "GLOB"}
_TWO = {("=", "="), ("!", "="), ("<", ">"), ("IS", "NOT")}


def choices(before: Sequence[Token], scope: Scope, names: Names) -> Iterator[tuple[str, str]]:
    """The texts that may stand behind these tokens, the usual first: of the column that is compared there, with its name."""
    owner, name = compared(before)
    if not name:
        return
    owners = [owner] if owner else [alias for alias, _ in scope.visible()]
    found: dict[str, None] = {}
    for one in owners:
        for column in scope.columns_of(one, names):
            if column.name.lower() == name.lower():
                found.update(dict.fromkeys(column.choices))
    usual = usage()
    there = _listed(before)
    for value in sorted((value for value in found if value not in there), key=lambda value: -usual[written(value)]):
        yield value, name


def _listed(before: Sequence[Token]) -> set[str]:
    """The texts that a list has already."""
    texts = (token.text[1:-1].replace("''", "'") for token in takewhile(lambda token: token.text != "(", reversed(before)))
    return set(texts) if before and before[-1].text == "," else set()


def compared(tokens: Sequence[Token]) -> tuple[str, str]:
    """The table that a column is said to be of, and the column, that is compared with what comes next; '' for none."""
    before = list(tokens)
    if not before:
        return "", ""
    last = before.pop()
    if last.text in ("(", ","):
        while last.text != "(":
            # Only values stand between the parentheses of such a list.
            if not before or (last.kind not in ("text", "number") and last.text not in (",", "NULL")):
                return "", ""
            last = before.pop()
        if not before or before.pop().text.upper() != "IN":
            return "", ""
    elif last.text.upper() == "WHEN":
        return _of_case(before)
    elif before and (before[-1].text.upper(), last.text.upper()) in _TWO:
        before.pop()
    elif last.text.upper() not in _COMPARING:
        return "", ""
    if before and before[-1].text.upper() == "NOT":
        before.pop()
    return _column(before)


def _of_case(before: list[Token]) -> tuple[str, str]:
    """The column behind the CASE that a WHEN belongs to."""
    ended = 0
    for at in range(len(before) - 1, -1, -1):
        word = before[at].text.upper()
        ended += word == "END"
        if word == "CASE":
            if not ended:
                first = before[at + 1 : at + 4]
                return _column(first) if first[1:2] and first[1].text == "." else _column(first[:1])
            ended -= 1
    return "", ""


def _column(before: Sequence[Token]) -> tuple[str, str]:
    """The column that stands at the end of these."""
    if not before or before[-1].kind not in ("word", "quoted"):
        return "", ""
    if len(before) > 2 and before[-2].text == ".":
        return before[-3].name, before[-1].name
    return "", before[-1].name


def written(value: str) -> str:
    """The value as SQL writes it."""
    return "'" + value.replace("'", "''") + "'"
