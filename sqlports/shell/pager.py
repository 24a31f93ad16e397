"""Output taller than the screen goes to a pager; all else straight to the terminal."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from sqlports import progress
from sqlports.output import Output
from sqlports.session import when_killed

if TYPE_CHECKING:
    from sqlports.settings import Settings

# What less is told where the user tells it nothing: leave when all fits, take colours, let long lines go on to the right, and
# leave on the screen what was there.
LESS = "-FRSX"
# So much of what a pager was given is kept, in bytes: to be shown after all, should the pager turn out to be none.
KEPT = 1 << 20
# Lines that the prompt itself takes.
_OWN = 2


class Paged(Output):
    """Standard output, by way of a pager once a result has more lines than the screen.

    A pager begins with a result's first line too many, and has ended when `flush` returns. Who quits it early has seen enough:
    what is written after that goes nowhere.
    """

    def __init__(self, mode: str, settings: Settings, tell: Callable[[str], None]) -> None:
        super().__init__(None, mode)
        self._settings = settings
        self._tell = tell
        self._held = bytearray()
        self._lines = 0
        self._pager: _Pager | None = None
        self._is_left = False
        self._room = self._screen_lines() if self.columns else 0
        self._words = command(settings.pager) if self._room else []

    def is_left(self) -> bool:
        """Whether the pager was quit before it had everything."""
        return self._is_left

    def write_bytes(self, data: bytes) -> None:
        """Write. Raises OSError."""
        if self._is_left:
            return
        if self._pager is not None:
            self._page(data)
        elif not self._words:
            super().write_bytes(data)
        else:
            self._held += data
            self._lines += _lines(data.decode(self.encoding, "replace"), self.columns or 80)
            if self._lines > self._room:
                self._start()

    def flush(self) -> None:
        """Show all that was written; a pager ends with that. Raises OSError."""
        pager, self._pager = self._pager, None
        if pager is not None:
            pager.end()
            if pager.fault:
                self._without(pager)
        held, self._held, self._lines = bytes(self._held), bytearray(), 0
        super().write_bytes(held)
        super().flush()

    def _start(self) -> None:
        """Hand what was held to a pager, and what follows; or to the terminal, where there is no pager."""
        # In the order of writing: what is in Python's own buffer is older.
        super().flush()
        progress.clear()
        try:
            self._pager = _Pager(self._words, self.encoding)
        except OSError as error:
            # Nobody has asked for the one that is tried by itself.
            asked = self._settings.pager != "auto" or os.environ.get("PAGER")
            self._give_up(f"no pager: {self._words[0]}: {error.strerror}" if asked else None)
        held, self._held = bytes(self._held), bytearray()
        self.write_bytes(held)

    def _page(self, data: bytes) -> None:
        assert self._pager is not None
        if self._pager.write(data):
            return
        pager, self._pager = self._pager, None
        pager.end()
        if pager.fault:
            self._without(pager)
        else:
            self._is_left = True

    def _without(self, pager: _Pager) -> None:
        """What a pager did not show is shown without one."""
        self._give_up(pager.fault)
        super().write_bytes(bytes(pager.given))
        super().flush()

    def _give_up(self, fault: str | None) -> None:
        self._words = []
        # Once is enough: the next result would meet the same.
        self._settings.pager = "off"
        if fault:
            self._tell(f"{fault}; without a pager from now on")

    def _screen_lines(self) -> int:
        """How many lines of a result fit the screen; 0 where there is no screen to page on."""
        dumb = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown")
        if dumb or sys.platform == "win32" or sys.stdin is None or not sys.stdin.isatty():
            return 0
        with contextlib.suppress(OSError, ValueError):
            return max(os.get_terminal_size(sys.stdout.fileno()).lines - _OWN, 1)
        return 0


class _Pager:
    """A pager that runs.

    given  what it was given, as far as that is kept
    fault  what is wrong with it, once it has ended; None when nothing is
    """

    def __init__(self, words: list[str], encoding: str) -> None:
        """Raises OSError when it cannot be started."""
        environment = dict(os.environ)
        if "LESS" not in environment:
            environment["LESS"] = LESS
            if encoding.lower().replace("-", "") == "utf8":
                environment.setdefault("LESSCHARSET", "utf-8")
        self.given = bytearray()
        self.fault: str | None = None
        self._words = words
        self._done = contextlib.ExitStack()
        with contextlib.ExitStack() as undo:
            undo.enter_context(same_terminal())
            undo.enter_context(progress.lent(self._has_ended))
            # Its keys, Ctrl-C among them, are the pager's.
            before = signal.signal(signal.SIGINT, lambda *_: None)
            undo.callback(signal.signal, signal.SIGINT, before)
            self._process = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)  # noqa: S603 the user names it
            undo.enter_context(when_killed(lambda: stop(self._process)))
            self._done = undo.pop_all()

    def write(self, data: bytes) -> bool:
        """Give it more; whether it takes that."""
        assert self._process.stdin is not None
        if len(self.given) <= KEPT:
            self.given += data
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except OSError:
            return False
        return True

    def end(self) -> None:
        """Wait until it has ended."""
        with self._done:
            assert self._process.stdin is not None
            with contextlib.suppress(OSError):
                self._process.stdin.close()
            status = self._process.wait()
        # One that has taken more than is kept was no failure.
        if status > 0 and len(self.given) <= KEPT:
            self.fault = f"the pager ended with status {status}: {' '.join(self._words)}"

    def _has_ended(self) -> bool:
        return self._process.poll() is not None


@contextlib.contextmanager
def same_terminal() -> Iterator[None]:
    """Whatever a pager does to the terminal's settings, they are the same afterwards."""
    import termios

    before = termios.tcgetattr(0)
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, before)


def stop(running: subprocess.Popen[bytes]) -> None:
    """End a program and those it started, once they have put the terminal right. For the handler of a signal."""
    if running.returncode is not None:
        return
    # The handler may have come in the middle of Popen's own wait(), which nothing else of it can be called in.
    import psutil

    with contextlib.suppress(psutil.Error):
        process = psutil.Process(running.pid)
        programs = [*process.children(recursive=True), process]
        for act in (psutil.Process.terminate, psutil.Process.kill):
            for program in programs:
                with contextlib.suppress(psutil.Error):
                    act(program)
            programs = psutil.wait_procs(programs, timeout=1)[1]


def command(setting: str) -> list[str]:
    """The words of the command that the setting `pager` means; none for no pager."""
    text = os.environ.get("PAGER", "less") if setting == "auto" else setting
    try:
        words = shlex.split(text)
    except ValueError:
        words = [text]
    return [] if words in ([], ["off"], ["cat"]) else words


def _lines(text: str, columns: int) -> int:
    """How many lines of a screen a text takes, about: one for each line begun, more where it is wider."""
    return sum(max(1, -(-len(line) // columns)) for line in re.sub("\x1b\\[[0-9;]*m", "", text).split("\n")) - 1
