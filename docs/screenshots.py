"""Makes the pictures of the terminal, docs/screens/*.svg: `make screenshots`, as root, on Linux.

Each scene is typed at a real prompt in a pseudo-terminal, on the small machine of stage.py, and drawn as it looks.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from itertools import groupby
from pathlib import Path

from pyte.screens import Char
from rich.console import Console
from rich.style import Style
from rich.text import Text

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.terminal import Terminal  # noqa: E402

TAB, ENTER = "\t", "\r"


def completion(terminal: Terminal) -> None:
    """The completion of columns, with what each means."""
    terminal.send("SELECT name, local_port FROM sockets JOIN processes USING (pid) WHERE sta")
    terminal.shows("TEXT")


def values(terminal: Terminal) -> None:
    """The completion of values."""
    terminal.send("SELECT pid, local_port FROM sockets WHERE state = '")
    terminal.shows("LISTEN")


def table(terminal: Terminal) -> None:
    """A table that fits, with types."""
    terminal.send("SELECT protocol, address, port, scope, pid, name, owners FROM listeners ORDER BY port;" + ENTER)
    terminal.shows("postgres")
    terminal.shows(r"sqlports>.*\n*\Z|sqlports>")


SCENES: tuple[tuple[Callable[[Terminal], None], int, int], ...] = ((completion, 100, 18), (values, 100, 16), (table, 100, 20))


def drawn(terminal: Terminal, title: str) -> str:
    """The screen as SVG."""
    screen = terminal.screen
    text = Text(no_wrap=True)
    for number in range(screen.lines):
        cells = (screen.buffer[number][column] for column in range(screen.columns))
        for style, alike in groupby(cells, _style):
            text.append("".join(cell.data for cell in alike), style)
        text.append("\n")
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=screen.columns, file=nowhere, force_terminal=True, color_system="truecolor")
        console.print(text, end="")
        return console.export_svg(title=title)


def _style(cell: Char) -> Style:
    fore, back = (None if name == "default" else _colour(name) for name in (cell.fg, cell.bg))
    kinds = {"bold": cell.bold, "italic": cell.italics, "underline": cell.underscore, "reverse": cell.reverse}
    return Style(color=fore, bgcolor=back, **{kind: True for kind, on in kinds.items() if on})


def _colour(name: str) -> str:
    names = {"brown": "yellow", "brightbrown": "bright_yellow"}
    if len(name) == 6 and set(name) <= set("0123456789abcdef"):
        return f"#{name}"
    return names.get(name, name.replace("bright", "bright_"))


def main() -> None:
    """Play every scene, or those named."""
    (HERE / "screens").mkdir(exist_ok=True)
    for scene, columns, lines in SCENES:
        if sys.argv[1:] and scene.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as home:
            own = {"HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home, "TERM": "xterm-256color"}
            environment = {**os.environ, **own, "PROMPT_TOOLKIT_NO_CPR": "1", "COLORTERM": "truecolor"}
            terminal = Terminal(environment, columns=columns, lines=lines)
            try:
                terminal.prompt()
                scene(terminal)
                (HERE / "screens" / f"{scene.__name__}.svg").write_text(drawn(terminal, "sqlports"), encoding="utf-8")
            finally:
                terminal.close()


if __name__ == "__main__":
    main()
