"""The prompt of osqueryi: lines that are typed, with a history and the names of tables."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any, TextIO

from sqlports import colour, own_files
from sqlports.osqueryi import dots, reading
from sqlports.osqueryi.shell import Shell
from sqlports.session import named
from sqlports.shell.history import History
from sqlports.shell.repl import find_screen

PROMPT = "osquery> "
MORE = "    ...> "


def loop(shell: Shell) -> int:
    """Read and run until the end; returns the exit status. Raises OSError when the terminal is gone."""
    screen = find_screen()
    path = own_files.private_path("XDG_STATE_HOME", ".local/state", "osqueryi_history") or os.devnull
    with contextlib.closing(History(path)) as history, _unhurt():
        if history.fault:
            shell.tell(history.fault)
        typed = _Typed(shell, history, screen)
        bold, plain = ("\x1b[1m", "\x1b[0m") if colour.wanted("auto", sys.stdout) else ("", "")
        print(f"Using a {bold}virtual database{plain}. Need help, type '.help'", flush=True)
        return reading.run(shell, typed.read, is_typed=True)


class _Typed:
    """Reads lines: with an editor, or plainly where the terminal knows none."""

    def __init__(self, shell: Shell, history: History, screen: TextIO | None) -> None:
        self.shell = shell
        self.history = history
        self._read: Callable[[str], str] = _plainly
        if screen is not None:
            with contextlib.suppress(Exception):
                self._read = _editor(shell, history.entries, screen)

    def read(self, more: bool) -> str | None:
        """The next line; None at the end. Raises KeyboardInterrupt, OSError."""
        prompt = MORE if more else PROMPT
        try:
            line = self._read(prompt)
        except EOFError:
            return None
        except Exception as error:
            # A bug of the editor's, or a terminal beyond it: what it cannot read may still be read plainly.
            if self._read is _plainly:
                raise
            self._read = _plainly
            self.shell.tell(f"without the editor from now on: {named(error)}")
            return self.read(more)
        line = line.encode("utf-8", "replace").decode()
        self.history.add(line)
        return line


def _plainly(prompt: str) -> str:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print(prompt, end="", file=sys.stderr, flush=True)
        return input()
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        raise
    finally:
        signal.signal(signal.SIGINT, before)


def _editor(shell: Shell, entries: list[str], screen: TextIO) -> Callable[[str], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.output import create_output

    class Tables(Completer):
        """The names of tables, and of commands at the beginning of a line."""

        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            before = document.text_before_cursor
            word = before.split(" ")[-1].rpartition("(")[2].rpartition(",")[2]
            names: list[Any] = dots.tables(shell)
            if before.startswith(".") and " " not in before:
                word, names = before, [f".{command.name}" for command in dots.COMMANDS if command.doc]
            for name in names if word else ():
                if name.startswith(word):
                    yield Completion(name, start_position=-len(word))

    session: PromptSession[str] = PromptSession(
        completer=Tables(),
        complete_while_typing=False,
        history=InMemoryHistory(entries),
        enable_suspend=True,
        output=create_output(screen),
    )
    # Ctrl-C is a key here: a signal may come when the editor has just ended.
    return lambda prompt: session.prompt(prompt, handle_sigint=False)


@contextlib.contextmanager
def _unhurt() -> Iterator[None]:
    """While this lasts, Ctrl-C does nothing but where somebody heeds it: the editor, and who runs statements."""
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
