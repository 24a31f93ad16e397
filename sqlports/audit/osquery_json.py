r"""JSON as osquery reads it from its files, and in which line of the file each thing stands.

It takes away a backslash and the line feed behind it, wherever they are, then all lines that begin with # or //, and has the
rest parsed strictly: no other comments, no comma behind the last. So does this: a file that osquery refuses is not in order.
(osquery 5: stripConfigComments() in osquery/config/config.cpp, JSON::fromString() in osquery/utils/json/json.cpp.)
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any, NamedTuple

from sqlports.cells import safe
from sqlports.errors import Error

# How deep osquery takes a configuration (kMaxConfigDepth).
DEEPEST = 32

_CONTINUED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"^[ \t\r\f\v]*(?:#|//)[^\n]*", re.MULTILINE)
_SPACE = re.compile(r"[ \t\r\n]*")
_TEXT = re.compile(r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?(?![\w.])")
_WORD = re.compile(r"(true|false|null)(?!\w)")
_WORDS = {"true": True, "false": False, "null": None}
_ESCAPE = re.compile(r"\\(?:[\"\\/bfnrt]|u[0-9a-fA-F]{4})|(\\)|([\x00-\x1f])")


class Broken(Error):
    """It is no JSON. `line` is where, from 1, and the message has the column."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"broken JSON in column {column}: {message}")
        self.line = line


class Value(NamedTuple):
    """A value and the line it begins in. `value` is a tuple of Values for a list, of Members for an object."""

    kind: str
    value: Any
    line: int

    @property
    def plain(self) -> Any:
        """It as Python has it; of two members of one name the first, which is the one that osquery takes."""
        if self.kind == "list":
            return [item.plain for item in self.value]
        if self.kind == "object":
            return {member.name: member.value.plain for member in reversed(self.value)}
        return self.value


class Member(NamedTuple):
    """A member of an object, and the line that its name is in."""

    name: str
    value: Value
    line: int


def parse(text: str) -> Value:
    """What a file's text holds. Raises Broken."""
    return _Reader(text).whole()


class _Reader:
    """A text without comments and continuations, with how far each part of it was moved, and the place that is read next."""

    def __init__(self, text: str) -> None:
        self.starts, self.moved = [0], [0]
        for found in _CONTINUED.finditer(text):
            self.starts.append(found.start() - self.moved[-1])
            self.moved.append(self.moved[-1] + len(found[0]))
        self.breaks = [found.start() for found in re.finditer("\n", text)]
        self.text = _COMMENT.sub(lambda found: " " * len(found[0]), _CONTINUED.sub("", text))
        self.at = 0

    def place(self, at: int) -> tuple[int, int]:
        """The line and the column in the file, both from 1."""
        real = at + self.moved[bisect_right(self.starts, at) - 1]
        line = bisect_right(self.breaks, real - 1) if real else 0
        return line + 1, real - (self.breaks[line - 1] if line else -1)

    def broken(self, message: str, at: int | None = None) -> Broken:
        at = self.at if at is None else at
        if self.text.startswith(("//", "/*"), at):
            message = "osquery takes no comments but lines that begin with # or //"
        elif at >= len(self.text):
            message = f"the file ends where {message}"
        return Broken(*self.place(at), message)

    def next(self) -> str:
        """The next character that is no space; '' at the end."""
        space = _SPACE.match(self.text, self.at)
        self.at = space.end() if space else self.at
        return self.text[self.at : self.at + 1]

    def whole(self) -> Value:
        value = self.value(0)
        if self.next():
            raise self.broken("something stands behind the end")
        return value

    def value(self, depth: int) -> Value:
        sign = self.next()
        line = self.place(self.at)[0]
        if depth >= DEEPEST:
            raise self.broken(f"more than {DEEPEST} levels of lists and objects")
        if sign == "{":
            return Value("object", self.many("}", depth), line)
        if sign == "[":
            return Value("list", self.many("]", depth), line)
        if sign == '"':
            return Value("text", self.string(), line)
        if word := _WORD.match(self.text, self.at):
            self.at = word.end()
            return Value("nothing" if word[0] == "null" else "boolean", _WORDS[word[0]], line)
        if number := _NUMBER.match(self.text, self.at):
            whole = not number[1] and not number[2] and len(number[0]) < 19
            value = int(number[0]) if whole else float(number[0])
            if abs(value) == float("inf"):
                raise self.broken("this number is too large")
            self.at = number.end()
            return Value("number", value, line)
        raise self.broken("a value is expected")

    def many(self, end: str, depth: int) -> tuple[Any, ...]:
        """The members of an object, or the items of a list, and what closes it."""
        found: list[Any] = []
        self.at += 1
        if self.next() == end:
            self.at += 1
            return ()
        while True:
            if end == "]":
                found.append(self.value(depth + 1))
            else:
                found.append(self.member(depth))
            sign, at = self.next(), self.at
            if sign not in (",", end) or not sign:
                raise self.broken(f"a comma or {end} is expected")
            self.at += 1
            if sign == end:
                return tuple(found)
            if self.next() == end:
                raise self.broken(f"osquery takes no comma before {end}", at)

    def member(self, depth: int) -> Member:
        if self.next() != '"':
            raise self.broken("a name in double quotes is expected")
        line = self.place(self.at)[0]
        name = self.string()
        if self.next() != ":":
            raise self.broken(f"a colon is expected behind {safe(name)[:60]!r}")
        self.at += 1
        return Member(name, self.value(depth + 1), line)

    def string(self) -> str:
        found = _TEXT.match(self.text, self.at)
        if not found:
            raise self.broken("this text is not closed in its line; only a backslash at its end lets a line go on")
        for wrong in _ESCAPE.finditer(found[0]):
            if wrong[1] or wrong[2]:
                at = self.at + wrong.start()
                raise self.broken(
                    "this escape is none of JSON's" if wrong[1] else f"a text cannot have {wrong[2]!r} as it is", at
                )
        text: str = json.loads(found[0])
        if re.search("[\ud800-\udfff]", text):
            raise self.broken("this text has half a character (\\ud800 to \\udfff)")
        self.at = found.end()
        return text
