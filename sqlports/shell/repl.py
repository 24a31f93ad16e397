"""The prompt: reads SQL and dot commands from a terminal, runs them, and lives on whatever comes of them."""

from __future__ import annotations

import codecs
import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from io import TextIOWrapper
from typing import TYPE_CHECKING, TextIO

from sqlports import __version__, progress
from sqlports.cells import cut
from sqlports.session import named, when_killed
from sqlports.shell import dot
from sqlports.shell.dots import Leave
from sqlports.shell.history import History, history_path

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell

PROMPT = "sqlports> "
MORE = "     ...> "
BANNER = f"sqlports {__version__}: SQL ends with a semicolon, .help tells more, Ctrl-D leaves"


def loop(shell: Shell) -> int:
    """Read and run until the end; returns the exit status. Raises OSError when the terminal is gone."""
    screen = find_screen()
    with (
        contextlib.closing(shell),
        contextlib.closing(History(history_path() if shell.settings.history else os.devnull)) as history,
        _sane_when_killed(screen),
        when_killed(shell.abandon),
        _unhurt(),
        contextlib.ExitStack() as quiet,
    ):
        _hear_utf8()
        read = make_reader(shell, history.entries, screen)
        quiet.enter_context(progress.unseen())
        shell.tell(BANNER)
        while True:
            if history.fault:
                shell.tell(history.fault)
                history.fault = None
            try:
                text = read()
            except KeyboardInterrupt:
                continue
            except EOFError:
                return shell.leave()
            except Exception as error:
                # A bug of the editor's, or a terminal beyond it: what it cannot read may still be read plainly.
                if read is read_plain:
                    raise
                quiet.close()
                read = read_plain
                shell.tell(f"without the editor from now on: {named(error)}")
                continue
            if not _is_text(shell, text):
                continue
            history.add(text)
            try:
                _run(shell, text)
            except KeyboardInterrupt:
                continue
            except Leave:
                return shell.leave()


def _hear_utf8() -> None:
    """Where the terminal's encoding is ASCII, take what is typed beyond that for UTF-8. What is no text is kept, to be told."""
    if isinstance(sys.stdin, TextIOWrapper):
        encoding = "utf-8" if codecs.lookup(sys.stdin.encoding).name == "ascii" else None
        sys.stdin.reconfigure(encoding=encoding, errors="surrogateescape")


def _is_text(shell: Shell, text: str) -> bool:
    """Whether all that was typed is text; says so if not."""
    try:
        return bool(text.encode()) or not text
    except UnicodeEncodeError as error:
        shell.tell(f"nothing was run: byte 0x{ord(text[error.start]) & 0xFF:02x} is no {sys.stdin.encoding.upper()}")
        return False


def _run(shell: Shell, text: str) -> None:
    """Run what was typed or pasted. Raises Leave, and BrokenPipeError when nobody reads the output."""
    for piece, dropped in dot.pieces(text):
        meant = dot.meant(piece)
        if dropped:
            shell.tell(f"dropped, since it had no end: {cut(' '.join(dropped.split()), 60)}")
        if meant:
            shell.tell(f"{meant.split()[0][1:]} is no statement, but a command: {meant}")
        else:
            shell.handle(piece)


@contextlib.contextmanager
def _unhurt() -> Iterator[None]:
    """While this lasts, Ctrl-C does nothing but where somebody heeds it: the editor, and who runs statements."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def read_plain() -> str:
    """The next input, its lines as the terminal gives them. Raises EOFError, KeyboardInterrupt and OSError."""
    text = _read_line(PROMPT)
    while dot.unfinished(text):
        text += "\n" + _read_line(MORE)
    return text


def _read_line(prompt: str) -> str:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(prompt, end="", file=sys.stderr, flush=True)
        return input()
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def find_screen() -> TextIO | None:
    """The terminal that an editor can draw on. Not always standard output, which may be a file and takes only data."""
    # What readline too takes for a terminal that cannot move its cursor.
    if os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and sys.platform != "win32":
        return None
    return next((stream for stream in (sys.stdout, sys.stderr) if stream is not None and stream.isatty()), None)


def make_reader(shell: Shell, entries: list[str], screen: TextIO | None) -> Callable[[], str]:
    """What reads the next input: an editor that knows earlier ones, `read_plain` where there can be none."""
    # With no prompt_toolkit, or no console that it knows, a prompt without comfort is still a prompt.
    with contextlib.suppress(Exception):
        return _editor(shell, entries, screen) if screen else read_plain
    return read_plain


def _editor(shell: Shell, entries: list[str], screen: TextIO) -> Callable[[], str]:
    from sqlports.shell.editor import make_editor

    return make_editor(shell, entries, screen)


@contextlib.contextmanager
def _sane_when_killed(screen: TextIO | None) -> Iterator[None]:
    """While this lasts, a signal that ends the process leaves the terminal as it is now. An editor may draw on `screen`."""
    if sys.platform == "win32":
        yield
        return
    import termios

    attributes = termios.tcgetattr(0)

    def tidy() -> None:
        with contextlib.suppress(OSError, termios.error):
            if screen:
                # No marks around pasted text, a cursor that is seen and of the terminal's own shape, a new line.
                os.write(screen.fileno(), b"\x1b[?2004l\x1b[0 q\x1b[?25h\r\n")
            termios.tcsetattr(0, termios.TCSANOW, attributes)

    with when_killed(tidy):
        yield
