"""Makes the pictures of the terminal, docs/screens/*.svg: `make screenshots`, as root, on Linux.

Each scene is typed at a real prompt in a pseudo-terminal, on the small machine of stage.py, and drawn as it looks.
"""

from __future__ import annotations

import os
import socket
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from xml.sax.saxutils import escape

from pyte.screens import Char

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from tests.terminal import Terminal  # noqa: E402

ENTER = "\r"

# Of a letter's box, of where its foot is, and of the rim, in pixels.
WIDE, HIGH, DOWN, EDGE = 8.4, 19, 14, 14
PAPER, INK = "#1e2229", "#d7dae0"
COLOURS = {
    "black": "#3b414d",
    "red": "#e06c75",
    "green": "#98c379",
    "brown": "#e5c07b",
    "blue": "#61afef",
    "magenta": "#c678dd",
    "cyan": "#56b6c2",
    "white": "#d7dae0",
}


def completion(terminal: Terminal) -> None:
    """What relates to a table, and what each has."""
    terminal.send("SELECT name, local_port FROM sockets s JOIN ")
    terminal.shows("port_registry USING")


def values(terminal: Terminal) -> None:
    """The values of a column."""
    terminal.send("SELECT pid, local_port FROM sockets WHERE state = '")
    terminal.shows("CLOSE_WAIT")


def table(terminal: Terminal) -> None:
    """A table that fits, with types, and a mistake."""
    terminal.send("SELECT protocol, address, port, scope, pid, name, owners FROM listeners ORDER BY port;" + ENTER)
    terminal.shows("8 rows")
    terminal.send("SELECT name FROM processes WHERE state = 'running';" + ENTER)
    terminal.shows("is never")


def watch(terminal: Terminal) -> None:
    """What came, went and changed."""
    terminal.send(
        ".watch 1 SELECT local_port, state, remote_port, pid FROM sockets WHERE protocol = 'tcp' AND local_port < 9000" + ENTER
    )
    terminal.shows("every 1 s")
    with socket.create_server(("127.0.0.1", 8080)), socket.create_connection(("127.0.0.1", 8000)):
        terminal.shows(r"\+[1-9]")


def explain(terminal: Terminal) -> None:
    """A plan in words."""
    terminal.send(
        ".explain SELECT p.name FROM sockets s JOIN processes p USING (pid) WHERE s.state = 'LISTEN' AND s.port < 1024" + ENTER
    )
    terminal.shows("of each row reads")


SCENES: tuple[tuple[Callable[[Terminal], None], int, int], ...] = (
    (completion, 100, 16),
    (values, 100, 14),
    (table, 100, 21),
    (watch, 100, 16),
    (explain, 100, 14),
)


def settle(terminal: Terminal) -> None:
    """Wait until nothing more is drawn."""
    with suppress(TimeoutError):
        while True:
            terminal.expect("(?s).+", seconds=0.4)


def drawn(terminal: Terminal) -> str:
    """The screen as SVG: a text for each run of letters that look alike, a rectangle behind those with a ground."""
    screen = terminal.screen
    parts = []
    for number in range(screen.lines):
        column = 0
        for look, alike in groupby((screen.buffer[number][place] for place in range(screen.columns)), _look):
            text = "".join(cell.data for cell in alike)
            ink, ground, weight = look
            if ground:
                parts.append(
                    _tag("rect", x=column * WIDE, y=number * HIGH, width=len(text) * WIDE + 0.2, height=HIGH, fill=ground)
                )
            shown = text.strip()
            if shown:
                # What a space at the beginning becomes is every viewer's own idea.
                start = column + len(text) - len(text.lstrip())
                place = {"x": start * WIDE, "y": number * HIGH + DOWN, "textLength": len(shown) * WIDE}
                parts.append(_tag("text", escape(shown.replace(" ", "\xa0")), **place, fill=ink, font_weight=weight))
            column += len(text)
    width, height = screen.columns * WIDE + 2 * EDGE, screen.lines * HIGH + 2 * EDGE
    frame = _tag("rect", width=width, height=height, rx=8, fill=PAPER)
    body = f'<g transform="translate({EDGE} {EDGE})">\n' + "\n".join(parts) + "\n</g>"
    font = 'font-family="ui-monospace, Menlo, DejaVu Sans Mono, Consolas, monospace" font-size="14"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" {font}>\n{frame}\n{body}\n</svg>\n'


def _tag(name: str, inside: str = "", **attributes: object) -> str:
    given = "".join(f' {key.replace("_", "-")}="{value}"' for key, value in attributes.items() if value)
    return f"<{name}{given}>{inside}</{name}>" if inside else f"<{name}{given}/>"


def _look(cell: Char) -> tuple[str, str | None, str]:
    """The colours of a letter and of its ground, None for the paper's own, and its weight."""
    ink, ground = _colour(cell.fg, INK), None if cell.bg == "default" else _colour(cell.bg, PAPER)
    if cell.reverse:
        ink, ground = ground or PAPER, ink
    return ink, ground, "bold" if cell.bold else ""


def _colour(name: str, default: str) -> str:
    if len(name) == 6 and set(name) <= set("0123456789abcdef"):
        return f"#{name}"
    return COLOURS.get(name.replace("bright", ""), default)


def main() -> None:
    """Play every scene, or those named."""
    (HERE / "screens").mkdir(exist_ok=True)
    for scene, columns, lines in SCENES:
        if sys.argv[1:] and scene.__name__ not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as home:
            own = {"HOME": home, "XDG_STATE_HOME": home, "XDG_CONFIG_HOME": home, "TERM": "xterm-256color"}
            environment = {**os.environ, **own, "COLORTERM": "truecolor"}
            terminal = Terminal(environment, columns=columns, lines=lines)
            try:
                terminal.prompt()
                scene(terminal)
                settle(terminal)
                (HERE / "screens" / f"{scene.__name__}.svg").write_text(drawn(terminal), encoding="utf-8")
            finally:
                terminal.close()


if __name__ == "__main__":
    main()
