"""The prompt: reads SQL and dot commands from a terminal, runs them, and lives on whatever comes of them."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import FileIO
from typing import TYPE_CHECKING, Any, Protocol

from sqlports import __version__, dot, render
from sqlports.cells import safe
from sqlports.errors import Error, Interrupted
from sqlports.output import Output
from sqlports.session import Names, Session, complain, ended, stoppable

if TYPE_CHECKING:
    from sqlports.engine import Engine

PROMPT = "sqlports> "
MORE = "     ...> "
BANNER = f"sqlports {__version__}: SQL ends with a semicolon, .help tells more, Ctrl-D leaves"


class Repl:
    """A prompt over an engine.

    mode   how results are written; `.mode` changes it
    names  what can be completed
    """

    def __init__(self, engine: Engine, mode: str) -> None:
        self.engine = engine
        self.mode = mode
        self.names = Names(engine.connection)
        self._session = self._new_session()
        self._told: set[str] = set()

    def loop(self) -> int:
        """Read and run until the end; returns the exit status. Raises OSError when the terminal is gone."""
        history = History(history_path())
        reader = make_reader(self.names, history)
        _tell(BANNER)
        with ended():
            while True:
                if history.fault:
                    _tell(history.fault)
                    history.fault = None
                try:
                    text = reader.read()
                    self.handle(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
                except KeyboardInterrupt:
                    continue
                except (EOFError, dot.Leave):
                    return 0
                except OSError:
                    # An editor that cannot use this terminal; the plain reader is the last that can.
                    if isinstance(reader, Plain):
                        raise
                    reader = Plain()

    def handle(self, text: str) -> None:
        """Run an input: a dot command or SQL. Raises Leave, and BrokenPipeError when nobody reads the output."""
        self._session = self._new_session()
        try:
            with stoppable(self.engine):
                command = dot.command_in(text)
                if command:
                    dot.run(self, command)
                else:
                    self._session.run(text)
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
            _tell(f"{type(error).__name__}: {' '.join(str(error).split())}")
        finally:
            self._tell_hidden()

    def show(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write a result in the current mode."""
        written = render.write(columns, rows, self.mode, self._session.output)
        self._session.output.flush()
        self._session.remark(written)

    def write(self, text: str) -> None:
        """Write lines of text."""
        self._session.output.write("\n".join(safe(line) for line in text.split("\n")))
        self._session.output.flush()

    def _new_session(self) -> Session:
        # Each with its own output: the window may have another width by now.
        return Session(self.engine, self.mode, Output(None, self.mode), tell=_tell, whole=".mode line")

    def _tell_hidden(self) -> None:
        """Say what was not permitted, unless it was said before; the number of processes makes no difference."""
        sentence = self._session.hidden()
        gist = re.sub(r"[\d,]+ process(es)?", "", sentence or "")
        if sentence and gist not in self._told:
            self._told.add(gist)
            _tell(sentence)


def _tell(message: str) -> None:
    complain(message, lead="")


class Reader(Protocol):
    """Reads inputs."""

    def read(self) -> str:
        """The next input, which may have several lines. Raises EOFError, KeyboardInterrupt and OSError."""


class Plain:
    """Reads lines as the terminal gives them."""

    def __init__(self) -> None:
        if hasattr(sys.stdin, "reconfigure"):
            sys.stdin.reconfigure(errors="replace")

    def read(self) -> str:
        text = self._line(PROMPT)
        while dot.unfinished(text):
            text += "\n" + self._line(MORE)
        return text

    def _line(self, prompt: str) -> str:
        print(prompt, end="", file=sys.stderr, flush=True)
        try:
            return input()
        except (EOFError, KeyboardInterrupt):
            print(file=sys.stderr)
            raise


def make_reader(names: Names, history: History) -> Reader:
    """An editor where the terminal can do it, else a plain reader."""
    # What readline too takes for a terminal that cannot move its cursor.
    dumb = os.environ.get("TERM", "dumb").lower() in ("", "dumb", "unknown") and sys.platform != "win32"
    if dumb or not (sys.stdout.isatty() or sys.stderr.isatty()):
        return Plain()
    try:
        return _make_editor(names, history)
    except Exception:
        # Not installed, or no console that it knows: a prompt without comfort is still a prompt.
        return Plain()


def _make_editor(names: Names, history: History) -> Reader:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document
    from prompt_toolkit.enums import DEFAULT_BUFFER
    from prompt_toolkit.filters import has_focus
    from prompt_toolkit.history import InMemoryHistory
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
    from prompt_toolkit.output import create_output

    from sqlports.completion import complete

    class Kept(InMemoryHistory):
        def store_string(self, string: str) -> None:
            super().store_string(string)
            history.add(string)

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
        history=Kept(history.entries),
        key_bindings=keys,
        enable_suspend=True,
        include_default_pygments_style=False,
        output=create_output(sys.stdout if sys.stdout.isatty() else sys.stderr),
    )

    class Editor:
        def read(self) -> str:
            return session.prompt()

    return Editor()


class History:
    """What was typed, kept in a file of its owner's alone.

    entries  what was typed in earlier sessions, oldest first
    fault    what is wrong with the file; None when nothing is
    """

    # No more of the file's end is read: some ten thousand queries.
    READ = 1 << 20

    def __init__(self, path: str) -> None:
        self.entries: list[str] = []
        self.fault: str | None = None
        self._file: FileIO | None = None
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            file = open(path, "a+b", buffering=0, opener=_open_private)
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(errno.EINVAL, "not a file", path)
            start = max(0, file.seek(0, os.SEEK_END) - self.READ)
            file.seek(start)
            data = file.read(self.READ)
        except OSError as error:
            self._give_up(error)
            return
        self._file = file
        if self._parse(data.partition(b"\n\n")[2] if start else data):
            self.fault = f"{path} is damaged: what can be read of it is used"

    def add(self, text: str) -> None:
        """Keep an input."""
        record = "\n" + "".join(f"+{line}\n" for line in text.split("\n"))
        if self._file:
            try:
                self._file.write(record.encode("utf-8", "replace"))
            except OSError as error:
                self._give_up(error)

    def _parse(self, data: bytes) -> bool:
        """Take the entries, which are lines that begin with a plus sign, from the file's bytes. Whether there was more."""
        text = data.decode("utf-8", "replace")
        damaged = text.encode() != data
        for part in re.split(r"\n(?!\+)", "\n" + text):
            lines = part.split("\n+")
            entry = "\n".join(lines[1:])
            damaged = damaged or bool(lines[0]) or "\0" in entry
            if entry.strip() and "\0" not in entry:
                self.entries.append(entry)
        return damaged

    def _give_up(self, error: OSError) -> None:
        self._file = None
        self.fault = f"history is not kept: {f'{error.filename}: ' if error.filename else ''}{error.strerror}"


def _open_private(path: str, flags: int) -> int:
    # Not blocking: a pipe of that name would wait for its other end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)


def history_path() -> str:
    """Where history is kept. For root never where another user could put a link in its way, as in a home under sudo."""
    state = os.environ.get("XDG_STATE_HOME", "")
    if not os.path.isabs(state):
        state = os.path.expanduser(os.path.join("~", ".local", "state"))
    if sys.platform != "win32" and os.geteuid() == 0 and _of_others(os.path.join(state, "sqlports", "history")):
        import pwd

        state = os.path.join(pwd.getpwuid(0).pw_dir, ".local", "state")
    return os.path.join(state, "sqlports", "history")


def _of_others(path: str) -> bool:
    """Whether a file or any directory above it belongs to another than root."""
    path = os.path.realpath(path)
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if os.stat(path).st_uid != 0:
            return True
    above = os.path.dirname(path)
    return above != path and _of_others(above)
