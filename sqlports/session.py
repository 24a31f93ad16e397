"""A session with an engine: write the results of scripts, say what people should know, be stopped, end in order."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO

from sqlports.cells import safe

if TYPE_CHECKING:
    from sqlports.engine import Engine, Result
    from sqlports.modes import Look, Row, Written
    from sqlports.output import Output
    from sqlports.sources.refusals import Refusal


def complain(message: str, lead: str = "sqlports: ") -> None:
    """Say something to people. Nobody listening is no error."""
    # Given no file, print would write among the data.
    if sys.stderr is None:
        return
    text = "\n".join(safe(line) for line in message.split("\n"))
    with contextlib.suppress(OSError, ValueError):
        # In one piece, whoever else writes there.
        print(f"{lead}{text}\n", end="", file=sys.stderr, flush=True)


def remark(written: Written, tell: Callable[[str], None] = complain, whole: str = "--line") -> None:
    """Say what writing a result came to, where it is not as asked. `whole` is what shows values that had to be cut."""
    if written.remark:
        tell(written.remark)
    if written.cut:
        values = "1 value is" if written.cut == 1 else f"{written.cut} values are"
        tell(f"{values} cut to fit the terminal; {whole} shows them whole")


class Session:
    """Runs scripts and writes their results to one output.

    limit     at most this many rows of each result
    tell      says something to people
    whole     what shows values that a table had to cut
    look      how a result is shown to people
    keep      given a result, an iterator over its rows for who writes them: what wants to see them as they pass
    refusals  what the statements so far were not permitted to see
    rows      how many rows the statements so far gave
    """

    def __init__(
        self,
        engine: Engine,
        mode: str,
        output: Output,
        limit: int | None = None,
        tell: Callable[[str], None] = complain,
        whole: str = "--line",
        look: Callable[[Result], Look] | None = None,
        keep: Callable[[Result], Iterator[Row]] = iter,
    ) -> None:
        self.engine = engine
        self.mode = mode
        self.output = output
        self.limit = limit
        self.tell = tell
        self.whole = whole
        self.look = look
        self.keep = keep
        self.refusals: list[Refusal] = []
        self.rows = 0
        self._wrote = False

    def run(self, script: str, parameters: Mapping[str, Any] | tuple[()] = ()) -> None:
        """Run a script. Raises what `Engine.run` raises, and OSError when the output fails."""
        for result in self.engine.run(script, parameters):
            with contextlib.closing(result):
                self._write(result)
            self.refusals += self.engine.refusals

    def _write(self, result: Result) -> None:
        from sqlports import modes

        if self._wrote and self.mode not in ("json", "jsonl"):
            self.output.write("\n")
        look = self.look(result) if self.look else modes.PLAIN
        written = modes.write(result.columns, islice(self.keep(result), self.limit), self.mode, self.output, look)
        self.output.flush()
        self._wrote = True
        self.rows += written.rows
        for note in result.notes:
            self.tell(note)
        if self.limit is not None and written.rows == self.limit and next(iter(result), None):
            self.tell(f"only the first {self.limit} rows are shown (--limit)")
        remark(written, self.tell, self.whole)

    def hidden(self) -> list[str]:
        """The sentences on what the statements so far could not see; none when they saw all."""
        if not self.refusals:
            return []
        from sqlports import notice

        told = notice.not_permitted(self.refusals)
        return [told] if told else []


@contextlib.contextmanager
def stoppable(engine: Engine) -> Iterator[None]:
    """While this lasts, Ctrl-C stops the running statement where that is safe, and is a KeyboardInterrupt elsewhere.

    A KeyboardInterrupt raised in a table's method, which SQLite calls, may be lost there or leave the snapshot held.
    """
    presses = 0

    def pressed(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        while frame is not None and frame.f_globals.get("__name__") != engine.__module__:
            frame = frame.f_back
        # Whoever presses a third time does not mind what is left behind.
        if frame is None or presses > 2:
            raise KeyboardInterrupt
        engine.interrupt()

    before = signal.signal(signal.SIGINT, pressed)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def when_killed(tidy: Callable[[], None]) -> Iterator[None]:
    """While this lasts, a signal that ends the process finds things tidied first. One that is ignored stays so."""
    if sys.platform == "win32":
        yield
        return

    def end(number: int, frame: FrameType | None) -> None:
        tidy()
        # Not by an exception: what runs now, an editor or SQLite, may not let it through.
        signal.signal(number, signal.SIG_DFL)
        signal.raise_signal(number)

    heeded = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def sane_when_killed(screen: TextIO | None) -> Iterator[None]:
    """While this lasts, a signal that ends the process leaves the terminal as it is now. An editor may draw on `screen`."""
    if sys.platform == "win32":
        yield
        return
    import termios

    attributes = termios.tcgetattr(0)

    def tidy() -> None:
        with contextlib.suppress(OSError, termios.error):
            if screen:
                # No marks around pasted text, a cursor that is seen, a new line.
                os.write(screen.fileno(), b"\x1b[?2004l\x1b[?25h\r\n")
            termios.tcsetattr(0, termios.TCSANOW, attributes)

    with when_killed(tidy):
        yield


def named(error: Exception) -> str:
    """An error that is a bug, in a line: its kind and what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
