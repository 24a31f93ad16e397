"""A script of SQL: its statements, the parameters each needs, and the words it is made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apsw

from sqlports.errors import QueryError, Unbound, place


class Statement(NamedTuple):
    """One statement: its SQL, the script it stands in, and where; `bare` is the SQL without texts and comments (`blank`)."""

    sql: str
    script: str
    start: int
    bare: str

    @property
    def lists_only(self) -> bool:
        """Whether what stands behind each IN is a list of values, and no query or table."""
        return not _IN_QUERY.search(self.bare)

    @property
    def makes_view(self) -> bool:
        """Whether it makes a view, whose text becomes a part of later statements."""
        return bool(re.search(r"(?i)\bVIEW\b", self.bare))

    @property
    def names(self) -> list[str]:
        """The names of the parameters, as often as they stand there."""
        return _PARAMETER.findall(self.bare)

    def needed(self, parameters: Sequence[Any] | Mapping[str, Any]) -> Sequence[Any] | Mapping[str, Any]:
        """The parameters, with the defaults of the script's header. Raises QueryError, naming each, when others are needed."""
        if not isinstance(parameters, Mapping):
            return parameters
        if "?" in self.bare:
            raise QueryError("a parameter without a name has no value", hint="write :NAME instead of ?")
        names = sorted(set(self.names).difference(parameters))
        if names and "-- param" in self.script:
            from sqlports.queries.parameters import defaults

            parameters = {**defaults(self.script), **parameters}
            names = [name for name in names if name not in parameters]
        if names:
            raise Unbound(names)
        return parameters


def split(script: str) -> Iterator[Statement]:
    """The statements of a script. Their ends are where SQLite says so, not at every semicolon.

    Raises QueryError for a script with a character that no SQL has.
    """
    wrong = re.search("[\0\ud800-\udfff]", script)
    if wrong:
        raise QueryError(f"no SQL has the character {wrong[0]!r}", place(script, wrong.start()))
    start = end = 0
    while end < len(script):
        semicolon = script.find(";", end)
        end = semicolon + 1 if semicolon >= 0 else len(script)
        if semicolon < 0 or apsw.complete(script[start:end]):
            sql = script[start:end]
            if _tokens(sql):
                yield Statement(sql, script, start, blank(sql))
            start = end


class Token(NamedTuple):
    """A word of SQL and where it begins: 'text', 'quoted' (a quoted name), 'number', 'name', 'parameter', or 'sign'."""

    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)

    @property
    def word(self) -> str:
        """A name or keyword in capitals; '' for what is none."""
        return self.text.upper() if self.kind == "name" else ""


def tokens(sql: str) -> list[Token]:
    """The words of SQL without what stands between them. A text that is not closed is a sign and what follows it."""
    # Compiled when it is used, which at most statements it is not.
    matches = re.finditer(_TOKEN, sql, re.DOTALL)
    found = (Token(match.lastgroup or "sign", match[0], match.start()) for match in matches)
    return [token for token in found if token.kind != "nothing"]


_IN_QUERY = re.compile(r"(?i)\bIN\b(?!\s*\((?!\s*(?:(?:SELECT|WITH|VALUES)\b|\()))")

_PARAMETER = re.compile(r"[:@$]([A-Za-z_]\w*)")

# What may hide a name, a colon or a semicolon: texts, quoted names, comments.
_QUOTED = r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\]"
_COMMENT = r"--[^\n]*|/\*.*?(?:\*/|\Z)"
_SKIP = re.compile(rf"{_QUOTED}|{_COMMENT}", re.DOTALL)
_COMMENTS = re.compile(rf"({_QUOTED})|{_COMMENT}", re.DOTALL)


_TOKEN = (
    rf"(?P<nothing>\s+|{_COMMENT})|(?P<text>[xX]?'(?:[^']|'')*')|(?P<quoted>{_QUOTED})"
    r"|(?P<number>\.?\d[\w.]*(?:(?<=[eE])[+-]\d+)?)|(?P<name>[^\W\d][\w$]*)|(?P<parameter>[:@$#]\w+|\?\d*)"
    r"|(?P<sign><=|>=|<>|!=|==|\|\||<<|>>|->>?|.)"
)


def blank(sql: str) -> str:
    """The SQL with texts, quoted names and comments overwritten by spaces, all else where it was."""
    return _SKIP.sub(lambda found: " " * len(found[0]), sql)


def _tokens(sql: str) -> str:
    return _COMMENTS.sub(lambda found: found[1] or " ", sql).strip().strip(";").strip()


def distinct(columns: Sequence[str]) -> list[str]:
    """The column names with a second `pid` as `pid:1`, as SQLite itself tells them apart: two columns stay two."""
    found: list[str] = []
    for column in columns:
        name, number = column, 0
        while name in found:
            number += 1
            name = f"{column}:{number}"
        found.append(name)
    return found
