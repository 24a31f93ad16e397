"""A TOML text as people write it: all its faults in one go, and the line of each of its statements."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

# Whoever has made more mistakes has named another kind of file.
_MOST_FAULTS = 20
# What a TOML text is made of, where its brackets and lines are to be told from those in strings and comments.
_PIECE = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}' + r"|'''.*?'{3,5}" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'|#[^\n]*|[^\"'#\[\]{}\n]+|.",
    re.DOTALL,
)
_PLACE = re.compile(r" ?\(at (?:line (\d+), column \d+|end of document)\)$")
_KEY = re.compile(r"\s*\[*\s*(\"[^\"]*\"|'[^']*'|[\w.-]+)")


class Fault(NamedTuple):
    """What is wrong: in which line, from 1, and of which key ('' for none)."""

    line: int
    key: str
    message: str


def parse(text: str) -> tuple[str, dict[str, Any], list[Fault]]:
    """The values of a text, its faults as TOML, and the text without the lines that have them."""
    lines = text.split("\n")
    faults: list[Fault] = []
    while len(faults) < _MOST_FAULTS:
        rest = "\n".join(lines)
        try:
            return rest, tomllib.loads(rest), faults
        except tomllib.TOMLDecodeError as error:
            found = _PLACE.search(str(error))
            message = _PLACE.sub("", str(error))
            line = int(found[1]) if found and found[1] else _unended(rest)
        except (ValueError, RecursionError):
            # A number of thousands of digits, brackets within a thousand others.
            return rest, {}, [*faults, Fault(1, "", "it is beyond what can be read as TOML")]
        key = _KEY.match(lines[line - 1])
        faults.append(Fault(line, key[1].strip("\"'") if key else "", f"{message[:1].lower()}{message[1:]}"))
        if not lines[line - 1] or not (found and found[1]):
            break
        lines[line - 1] = ""
    return "", {}, faults


def _unended(text: str) -> int:
    """The line where begins what has no end: a string, or a bracket."""
    opened: list[int] = []
    for piece in _PIECE.finditer(text):
        if piece[0] in ("'", '"'):
            opened = [piece.start()]
            break
        if piece[0] in ("[", "{"):
            opened.append(piece.start())
        elif piece[0] in ("]", "}") and opened:
            opened.pop()
    return text.count("\n", 0, opened[0] if opened else len(text)) + 1


def pieces(text: str) -> Iterator[str]:
    """What a valid text is made of: strings, comments, brackets, ends of lines, and what is between them."""
    return (piece[0] for piece in _PIECE.finditer(text))


def statements(text: str) -> Iterator[tuple[int, str]]:
    """Each statement of a valid text and the line where it begins."""
    depth, line, begun, statement = 0, 1, 1, ""
    for piece in pieces(text + "\n"):
        if piece == "\n" and not depth:
            if statement.strip():
                yield begun, statement.strip()
            begun, statement = line + 1, ""
        else:
            depth += (piece in ("[", "{")) - (piece in ("]", "}"))
            statement += "" if piece.startswith("#") else piece
        line += piece.count("\n")
