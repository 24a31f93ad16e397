"""The colours of what is typed: SQL as SQLite has it, and the prompt's own commands. They come from pygments, where it is."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import apsw

from sqlports.shell import dot
from sqlports.shell.completion import LONGEST
from sqlports.shell.completion.tokens import Token, tokens
from sqlports.shell.dots import commands
from sqlports.shell.names import Names

if TYPE_CHECKING:
    from prompt_toolkit.lexers import Lexer
    from prompt_toolkit.styles import BaseStyle

# Pygments' names for the kinds, and their colours: each has four times the light of black and a quarter of white's (contrast
# as WCAG 2 has it), so that it can be read on both.
COLOURS = {
    "Keyword": "bold #9a5fc9",
    "Name.Class": "#00868b",
    "Name.Attribute": "#3b7dd8",
    "Name.Function": "#b06a00",
    "Name.Builtin": "bold #00868b",
    "Name.Variable": "#c0559a",
    "Literal.String": "#3f8f29",
    "Literal.Number": "#c2593f",
    "Comment": "italic #7a7a7a",
    "Error": "underline #d43f3a",
}
_NAMES_OF_TABLES_FOLLOW = {"FROM", "JOIN", "INTO", "UPDATE", "TABLE", "VIEW"}
_KINDS = {
    "text": "Literal.String",
    "number": "Literal.Number",
    "parameter": "Name.Variable",
    "mark": "Punctuation",
    "gap": "Text",
}


def lexer(names: Names) -> Lexer | None:
    """What tells the pieces of an input by their kinds, knowing the tables and columns; None where there are no colours."""
    if not _possible():
        return None
    from prompt_toolkit.lexers import PygmentsLexer
    from pygments.lexer import Lexer as OfPygments
    from pygments.token import string_to_tokentype

    class Sql(OfPygments):
        """SQL as SQLite has it, and the prompt's own commands."""

        name = "sqlports"

        def get_tokens_unprocessed(self, text: str) -> Iterator[tuple[int, Any, str]]:
            for start, kind, piece in pieces(text, names):
                yield start, string_to_tokentype(kind), piece

    return PygmentsLexer(Sql, sync_from_start=True)


def style() -> BaseStyle | None:
    """The colours of the kinds; None where there are no colours."""
    if not _possible():
        return None
    from prompt_toolkit.styles import style_from_pygments_dict
    from pygments.token import string_to_tokentype

    return style_from_pygments_dict({string_to_tokentype(kind): colour for kind, colour in COLOURS.items()})


def pieces(text: str, names: Names) -> Iterator[tuple[int, str, str]]:
    """An input's pieces: where each begins, its kind as pygments names it, and its text. Together they are the whole input."""
    if len(text) > LONGEST:
        yield 0, "Text", text
        return
    command = text.split(maxsplit=1)[0] if text.lstrip().startswith(".") or dot.command_in(text) else ""
    if not command:
        yield from _sql(text, 0, names)
        return
    end = text.index(command) + len(command)
    name = "." + command.rstrip(";").lower().removeprefix(".")
    begun = [found for known, found in commands().items() if known.startswith(name)]
    yield 0, "Name.Builtin" if begun else "Error", text[:end]
    # A command may be shortened.
    meant = next((found for found in begun if found.name == name), begun[0] if begun else None)
    if meant and "sql" in meant.choices:
        yield from _sql(text[end:], end, names)
    elif text[end:]:
        yield end, "Text", text[end:]


def _sql(text: str, offset: int, names: Names) -> Iterator[tuple[int, str, str]]:
    known = names.kinds()
    found = tokens(text)
    solid = [token for token in found if token.kind != "gap"]
    # What stands before and behind each, so that a name can be told by its place.
    beside = {
        token.start: (before.text if before else "", behind.text if behind else "")
        for before, token, behind in zip([None, *solid], solid, [*solid[1:], None], strict=False)
    }
    for token in found:
        yield token.start + offset, _kind(token, *beside.get(token.start, ("", "")), known), token.text


def _kind(token: Token, before: str, behind: str, names: Mapping[str, Collection[str]]) -> str:
    if token.kind == "gap" and not token.text.isspace():
        return "Comment"
    if token.kind == "open":
        return {"'": "Literal.String", "/": "Comment"}.get(token.text[0], "Name")
    if token.kind not in ("word", "quoted"):
        return _KINDS[token.kind]
    known = names.get(token.name.lower(), ())
    if behind == "(" and "function" in known:
        return "Name.Function"
    if before != "." and token.kind == "word" and token.text.upper() in apsw.keywords:
        return "Keyword"
    if behind == "." or ("table" in known and (before.upper() in _NAMES_OF_TABLES_FOLLOW or "column" not in known)):
        return "Name.Class"
    return "Name.Attribute" if "column" in known else "Name"


@cache
def _installed() -> bool:
    try:
        import pygments  # noqa: F401 whether it is there
    except ImportError:
        return False
    return True


def _possible() -> bool:
    return _installed() and not os.environ.get("NO_COLOR")
