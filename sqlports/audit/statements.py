"""The SQL of an audit on its own, its parameters' defaults in their place."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sqlports.queries.parameters import Parameter
from sqlports.script import split, tokens


def statement(text: str) -> str:
    """The statement of a text from its first word to its last and a semicolon, no further set in than it need be."""
    found = next(iter(split(text)))
    words = tokens(found.sql)
    while words[-1].text == ";":
        words.pop()
    start = found.start + words[0].start
    margin = text[text.rfind("\n", 0, start) + 1 : start]
    first, *others = text[start : found.start + words[-1].end].split("\n")
    whole = any("\n" in word.text for word in words)
    if margin.isspace() and not whole and all(line.startswith(margin) or not line.strip() for line in others):
        others = [line.removeprefix(margin) for line in others]
    return "\n".join([first, *others]) + ";"


def with_defaults(sql: str, parameters: Iterable[Parameter]) -> str:
    """The SQL with its parameters' defaults in their place."""
    literals = {parameter.name: literal(parameter.default) for parameter in parameters if not parameter.required}
    parts, end = [], 0
    for token in tokens(sql):
        if token.kind == "parameter" and token.text[1:] in literals:
            # A word beside it would become one with the literal.
            before = "" if sql[token.start - 1 : token.start] in ("", " ", "\n", "\t", "\r", "(", ",") else " "
            after = "" if sql[token.end : token.end + 1] in ("", " ", "\n", "\t", "\r", ")", ",", ";") else " "
            parts += [sql[end : token.start], before, literals[token.text[1:]], after]
            end = token.end
    return "".join([*parts, sql[end:]])


def relations(sql: str) -> set[str]:
    """The tables and views that the SQL reads, in small letters, and whatever else stands where one may: names of its WITH."""
    found: set[str] = set()
    # Of each pair of brackets that is open, whether a FROM goes on in it.
    listed = [False]
    awaited = False
    for token in tokens(sql):
        if awaited and token.kind in ("name", "quoted"):
            found.add(re.sub(r'^["`\[]|["`\]]$', "", token.text).lower())
        if token.text == ")":
            listed[1:] = listed[1:-1]
        elif token.text == "(":
            listed.append(awaited)
        elif token.word in ("FROM", "JOIN"):
            listed[-1] = True
        elif token.word in ("SELECT", "WHERE", "GROUP", "HAVING", "ORDER", "LIMIT", "WINDOW", "UNION", "EXCEPT", "INTERSECT"):
            listed[-1] = False
        awaited = token.word in ("FROM", "JOIN") or (token.text in ("(", ",") and listed[-1])
    return found


def literal(value: str | int | float | None) -> str:
    """A parameter's value as SQL writes it."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    # Two minus signs would begin a comment.
    return f"({value!r})" if value < 0 else repr(value)


def declaration(parameter: Parameter) -> str:
    """A parameter as a header declares it: NAME TYPE [DEFAULT] [DOC]."""
    default = "" if parameter.required else literal(parameter.default).strip("()")
    if parameter.words and parameter.default is not None:
        default = str(parameter.default)
    elif isinstance(parameter.default, str):
        default = literal(parameter.default)
    return " ".join(filter(None, [parameter.name, "|".join(parameter.words) or parameter.type, default, parameter.doc]))
