"""The clipboard of the terminal, wherever that is: an escape sequence carries text to it, OSC 52 of xterm's."""

from __future__ import annotations

import base64
import os
from typing import IO, Any

from sqlports.errors import Error

# What terminals take, in characters of base64: xterm and hterm no more.
MOST = 74_994
# screen takes strings of so many characters.
_PIECE = 512


def copy(text: str, terminal: IO[Any]) -> None:
    """Copy a text. Raises Error when it is too long or the terminal can do nothing, and OSError."""
    if os.environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        raise Error("this terminal has no clipboard")
    carried = base64.b64encode(text.encode("utf-8", "replace")).decode()
    if len(carried) > MOST:
        most, size = MOST // 4 * 3, len(text.encode("utf-8", "replace"))
        raise Error(f"{size:,} bytes are too many for a terminal's clipboard, which takes {most:,}: .once FILE takes all")
    terminal.flush()
    data = sequence(carried, "TMUX" in os.environ, "STY" in os.environ).encode()
    while data:
        data = data[os.write(terminal.fileno(), data) :]


def sequence(carried: str, tmux: bool = False, screen: bool = False) -> str:
    """The escape sequence for a text in base64, as the terminal takes it, or as what is in between passes it on."""
    plain = f"\x1b]52;c;{carried}\x07"
    if tmux:
        return "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    if screen:
        return "".join(f"\x1bP{plain[at : at + _PIECE]}\x1b\\" for at in range(0, len(plain), _PIECE))
    return plain
