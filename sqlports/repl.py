"""The prompt: reads SQL and dot commands from a terminal, runs them, and lives on whatever comes of them."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from sqlports import __version__, dot, render
from sqlports.cells import safe
from sqlports.errors import Error, Interrupted
from sqlports.history import History, history_path
from sqlports.names import Names
from sqlports.output import Output
from sqlports.session import Session, complain, named, remark, sane_when_killed, stoppable

if TYPE_CHECKING:
    from sqlports.engine import Engine

PROMPT = "sqlports> "
MORE = "     ...> "
# What shows values that a table had to cut.
WHOLE = ".mode line"
BANNER = f"sqlports {__version__}: SQL ends with a semicolon, .help tells more, Ctrl-D leaves"


class Repl:
    """A prompt over an engine.

    mode        how results are written; `.mode` changes it
    parameters  values for the names in statements
    limit       at most this many rows of each result
    names       what can be completed
    """

    def __init__(self, engine: Engine, mode: str, parameters: dict[str, Any] | None = None, limit: int | None = None) -> None:
        self.engine = engine
        self.mode = mode
        self.parameters = parameters or {}
        self.limit = limit
        self.names = Names(engine.connection)
        self._session = self._new_session()
        self._told: set[str] = set()

    def loop(self) -> int:
        """Read and run until the end; returns the exit status. Raises OSError when the terminal is gone."""
        screen = find_screen()
        with contextlib.closing(History(history_path())) as history, sane_when_killed(screen):
            read = make_reader(self.names, history.entries, screen)
            _tell(BANNER)
            while True:
                if history.fault:
                    _tell(history.fault)
                    history.fault = None
                try:
                    text = read()
                except KeyboardInterrupt:
                    continue
                except EOFError:
                    return 0
                except Exception as error:
                    # A bug of the editor's, or a terminal beyond it: what it cannot read may still be read plainly.
                    if read is read_plain:
                        raise
                    read = read_plain
                    _tell(f"without the editor from now on: {named(error)}")
                    continue
                history.add(text)
                try:
                    self.handle(text)
                except dot.Leave:
                    return 0

    def handle(self, text: str) -> None:
        """Run an input: a dot command or SQL. Raises Leave, and BrokenPipeError when nobody reads the output."""
        self._session = self._new_session()
        # What the terminal sent and is no text; SQLite takes none of it.
        text = text.encode("utf-8", "replace").decode()
        try:
            with stoppable(self.engine):
                command = dot.command_in(text)
                if command:
                    dot.run(self, command)
                else:
                    self._session.run(text, self.parameters)
        except (dot.Leave, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Interrupted):
            with contextlib.suppress(OSError):
                self._session.output.flush()
            # The terminal has shown ^C in that line.
            _tell("\ninterrupted")
        except Error as error:
            _tell(str(error))
        except Exception as error:
            # A bug in a table costs an answer, and not the prompt.
            _tell(named(error))
        finally:
            self._tell_hidden()

    @property
    def columns(self) -> int | None:
        """The width of the terminal; None where the output is none."""
        return self._session.output.columns

    def show(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write a result in the current mode."""
        written = render.write(columns, rows, self.mode, self._session.output)
        self._session.output.flush()
        remark(written, _tell, WHOLE)

    def write(self, text: str) -> None:
        """Write lines of text."""
        self._session.output.write("\n".join(safe(line) for line in text.split("\n")))
        self._session.output.flush()

    def _new_session(self) -> Session:
        # Each with its own output: the window may have another width by now.
        return Session(self.engine, self.mode, Output(None, self.mode), self.limit, tell=_tell, whole=WHOLE)

    def _tell_hidden(self) -> None:
        """Say what was not permitted, unless it was said before; the number of processes makes no difference."""
        for sentence in self._session.hidden():
            gist = re.sub(r"[\d,]+( process(es)?)?", "", sentence)
            if gist not in self._told:
                self._told.add(gist)
                _tell(sentence)


def _tell(message: str) -> None:
    complain(message, lead="")


def read_plain() -> str:
    """The next input, its lines as the terminal gives them. Raises EOFError, KeyboardInterrupt and OSError."""
    text = _read_line(PROMPT)
    while dot.unfinished(text):
        text += "\n" + _read_line(MORE)
    return text


def _read_line(prompt: str) -> str:
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="replace")
    print(prompt, end="", file=sys.stderr, flush=True)
    try:
        return input()
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
        raise


def find_screen() -> TextIO | None:
    """The terminal that an editor can draw on. Not always standard output, which may be a file and takes only data."""
    # What readline too takes for a terminal that cannot move its cursor.
    if os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and sys.platform != "win32":
        return None
    return next((stream for stream in (sys.stdout, sys.stderr) if stream is not None and stream.isatty()), None)


def make_reader(names: Names, entries: list[str], screen: TextIO | None) -> Callable[[], str]:
    """What reads the next input: an editor that knows earlier ones, `read_plain` where there can be none."""
    # With no prompt_toolkit, or no console that it knows, a prompt without comfort is still a prompt.
    with contextlib.suppress(Exception):
        return _make_editor(names, entries, screen) if screen else read_plain
    return read_plain


def _make_editor(names: Names, entries: list[str], screen: TextIO) -> Callable[[], str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.enums import DEFAULT_BUFFER
    from prompt_toolkit.filters import has_focus
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.output import create_output

    from sqlports.completion import complete

    class Candidates(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
            cursor = document.cursor_position
            start, found = complete(document.text, cursor, names)
            asked = complete_event.completion_requested or start < cursor or document.char_before_cursor == "."
            if not asked and found and found[0].type not in ("table", "view", "mode"):
                return
            for candidate in found:
                meta = f"{candidate.type}: {candidate.doc}" if candidate.doc else candidate.type
                yield Completion(candidate.text, start - cursor, display_meta=meta)

    keys = KeyBindings()

    @keys.add("enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state and buffer.complete_state.current_completion:
            # Enter takes a completion or runs, never both.
            buffer.complete_state = None
        elif dot.unfinished(buffer.text):
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter", filter=has_focus(DEFAULT_BUFFER))
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    session: PromptSession[str] = PromptSession(
        PROMPT,
        multiline=True,
        prompt_continuation=lambda width, line, wraps: "" if wraps else MORE,
        completer=Candidates(),
        complete_while_typing=True,
        history=InMemoryHistory(entries),
        key_bindings=keys,
        enable_suspend=True,
        include_default_pygments_style=False,
        output=create_output(screen),
    )
    return session.prompt
