"""What is shown and heard on a terminal while a statement runs: a line that tells how far it is, and the Esc key.

There is one terminal, and so one of these at a time: whoever writes to it calls `clear` before.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.keyboard import Keyboard
    from sqlports.sources.snapshot import Snapshot

# Seconds: of silence before the line is drawn, between two drawings of it, between two looks at the keyboard.
PATIENCE, EVERY, LISTEN = 1.0, 0.25, 0.1
# What a source is called, where its rows are not the processes themselves.
_WORDS = {
    "fd": "handles of processes",
    "task": "threads of processes",
    "maps": "memory maps of processes",
    "environ": "environments of processes",
    "fdinfo": "handles",
    "stat of a file": "files of handles",
    "hash": "files read",
    "directory": "directories",
    "file": "files",
}
_UNCOUNTED = {
    "pids": "processes",
    "walk": "handles",
    "second walk": "handles, once more",
    "namespaces": "namespaces",
}

# Who takes what was typed while a statement ran: the editor; given None it forgets that. None where there is none.
heir: Callable[[bytes | None], object] | None = None
_standing: Keyboard | None = None
_now: Progress | None = None


class Progress:
    """Called by the engine in all long work (`Engine.on_wait`).

    screen    the terminal to draw on; None for none
    keyboard  where Esc is pressed; None for none
    name      what is run, where there is more than one; '' where that is plain
    is_over   given by who shows the rows: whether nobody wants more of them, which ends the statement
    """

    def __init__(self, engine: Engine, screen: TextIO | None, keyboard: Keyboard | None) -> None:
        self.engine = engine
        self.screen = screen
        self.keyboard = keyboard
        self.is_over: Callable[[], bool] | None = None
        self.is_paused = False
        self.name = ""
        self._drawn = False
        self._told: dict[str, int] = {}
        self.restart()

    def restart(self) -> None:
        """Another statement begins."""
        self._began = time.monotonic()
        self._next = self._began + LISTEN
        self._next_line = self._began + PATIENCE

    def __call__(self) -> None:
        """Look at the clock, and at times at the keyboard and the line. Raises nothing."""
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + LISTEN
        if self.is_over is not None and self.is_over():
            self.engine.interrupt()
        if self.is_paused:
            return
        if self.keyboard is not None and self.keyboard.is_escaped():
            self.engine.interrupt()
        if now >= self._next_line and self.screen is not None:
            self._next_line = now + EVERY
            self._draw(int(now - self._began))

    def _draw(self, seconds: int) -> None:
        from sqlports.cells import cut

        assert self.screen is not None
        with contextlib.suppress(OSError, ValueError):
            if os.tcgetpgrp(self.screen.fileno()) != os.getpgrp():
                return
            if self.keyboard is not None:
                self.keyboard.open()
            columns = os.get_terminal_size(self.screen.fileno()).columns or 80
            stops = "Esc or Ctrl-C stops" if self.keyboard is not None and self.keyboard.is_open else "Ctrl-C stops"
            text = _joined([*filter(None, (self.name,)), self._doing(), f"{seconds:,} s", stops], columns - 1, dot(self.screen))
            self._drawn = True
            self._write(f"\r{cut(text, columns - 1)}\x1b[K")

    def _doing(self) -> str:
        """What is being read and how far that is: by what grew since the last look."""
        system = self.engine.snapshot_now
        reads = dict(system.reads) if system is not None else {}
        grown = [source for source, count in reads.items() if count > self._told.get(source, 0)]
        self._told = reads
        if system is None or not grown:
            return "running"
        found = [_far(system, source, reads[source]) for source in grown]
        # What has an end tells more.
        return next((text for text in found if " of " in text.removeprefix("handles of ")), found[-1])

    def clear(self) -> None:
        """Take the line away: something else comes there."""
        if self._drawn and self.screen is not None:
            self._drawn = False
            self._next_line = time.monotonic() + PATIENCE
            with contextlib.suppress(OSError, ValueError):
                self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        # Past Python's own buffer, which a handler of a signal may not enter while it is written to.
        assert self.screen is not None
        os.write(self.screen.fileno(), text.encode(self.screen.encoding, "replace"))


def _far(system: Snapshot, source: str, count: int) -> str:
    """How far the reading of a source is, in words."""
    if source in _UNCOUNTED:
        return _UNCOUNTED[source]
    if " " in source and source not in _WORDS:
        return f"{source} sockets"
    pids = system.known_pids
    counted = source not in ("fdinfo", "stat of a file", "hash", "directory", "file") and count <= pids
    return f"{_WORDS.get(source, 'processes')} {count:,}" + (f" of {pids:,}" if counted else "")


def _joined(parts: list[str], room: int, between: str) -> str:
    """The parts in a line, as many of the first as there is room for."""
    while len(parts) > 1 and len(between.join(parts)) > room:
        parts = parts[:-1]
    return between.join(parts)


def dot(screen: TextIO) -> str:
    """What stands between two parts of a line, where the terminal has it."""
    try:
        "·".encode(screen.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return " - "
    return " · "


@contextlib.contextmanager
def unseen() -> Iterator[None]:
    """While this lasts, what is typed between two inputs of the editor is not shown, and the next one has it."""
    global _standing, heir  # noqa: PLW0603 there is one terminal
    if heir is None:
        yield
        return
    _standing = _keyboard()
    try:
        if _standing is not None:
            _standing.open()
        yield
    finally:
        if _standing is not None:
            _standing.pause()
        _standing = heir = None


@contextlib.contextmanager
def shown(engine: Engine) -> Iterator[None]:
    """While this lasts, statements of the engine show how far they are and end with Esc, where there is a terminal for it."""
    global _now  # noqa: PLW0603 there is one terminal
    screen = _screen()
    # Nothing that draws, and nobody who could want to stop.
    if _now is not None or (screen is None and heir is None):
        yield
        return
    keyboard = _standing or (_keyboard() if screen is not None else None)
    _now = engine.on_wait = Progress(engine, screen, keyboard)
    try:
        yield
    finally:
        engine.on_wait = None
        now, _now = _now, None
        now.clear()
        if keyboard is not None and keyboard is _standing:
            keyboard.hand_on()
        elif keyboard is not None:
            keyboard.close()


def name(what: str) -> None:
    """Say what is run, before how far it is: one of many."""
    if _now is not None:
        _now.name = what


def clear() -> None:
    """Take the line away, if there is one: something else comes there."""
    if _now is not None:
        _now.clear()


def restart() -> None:
    """Another statement begins."""
    if _now is not None:
        _now.restart()


def forget() -> None:
    """What was typed so far is not wanted."""
    if _now is not None and _now.keyboard is not None:
        _now.keyboard.typed = b""
    if heir is not None:
        heir(None)


@contextlib.contextmanager
def lent(is_over: Callable[[], bool] | None = None) -> Iterator[None]:
    """While this lasts, the terminal is another program's. `is_over` tells that it ended, and with it the statement."""
    now = _now
    if now is None:
        yield
        return
    now.clear()
    was_open = now.keyboard is not None and now.keyboard.is_open
    if now.keyboard is not None:
        now.keyboard.pause()
    now.is_paused, now.is_over = True, is_over
    try:
        yield
    finally:
        now.is_paused, now.is_over = False, None
        if now.keyboard is not None and was_open:
            now.keyboard.open()


def _screen() -> TextIO | None:
    """The terminal for the line. Never beside a pipe: who reads there, a pager maybe, draws on the same terminal."""
    if sys.platform == "win32" or os.environ.get("TERM", "").lower() in ("", "dumb", "unknown"):
        return None
    with contextlib.suppress(OSError, ValueError, AttributeError):
        if sys.stderr.isatty() and (sys.stdout.isatty() or stat.S_ISREG(os.fstat(sys.stdout.fileno()).st_mode)):
            return sys.stderr
    return None


def _keyboard() -> Keyboard | None:
    """The keyboard, where it is this program's and what is typed can be handed on."""
    from sqlports.keyboard import Keyboard, give_back

    try:
        if not os.isatty(0) or os.tcgetpgrp(0) != os.getpgrp():
            return None
    except OSError:
        return None
    taker = heir or give_back()
    return Keyboard(taker) if taker else None
