"""SQL as the pieces that it is written in."""

from __future__ import annotations

import re
from typing import NamedTuple


class Token(NamedTuple):
    """A piece of SQL and where it is. Its kind is a group of _TOKEN; 'open' is a text, name or comment without its end."""

    kind: str
    text: str
    start: int
    end: int

    def holds(self, cursor: int) -> bool:
        """Whether the cursor is in this text, quoted name or comment."""
        if self.kind not in ("gap", "text", "quoted", "open") or self.text.isspace():
            return False
        endless = self.kind == "open" or self.text.startswith("--")
        return self.start < cursor < self.end or (cursor == self.end and endless)

    @property
    def name(self) -> str:
        """The name without its quotes."""
        return self.text[1:-1].replace('""', '"') if self.kind == "quoted" else self.text


_TOKEN = re.compile(
    r"(?P<gap>\s+|--[^\n]*|/\*.*?\*/)|(?P<text>'(?:[^']|'')*')|(?P<quoted>\"(?:[^\"]|\"\")*\"|`[^`]*`|\[[^\]]*\])"
    r"|(?P<open>(?:['\"`\[]|/\*).*)|(?P<number>\.?\d[\w.]*)|(?P<parameter>[?:@#$]\w*)|(?P<word>\w[\w$]*)|(?P<mark>.)",
    re.DOTALL,
)


def tokens(text: str) -> list[Token]:
    """All of a text, gaps too: each character is in one token."""
    return [Token(str(found.lastgroup), found[0], *found.span()) for found in _TOKEN.finditer(text)]
