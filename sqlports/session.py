"""A session with an engine: write the results of scripts, say what people should know, be stopped, end in order."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from sqlports import modes, progress
from sqlports.cells import by_words, safe
from sqlports.errors import Interrupted, QueryTimeout
from sqlports.output import terminal_width

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.modes import Look, Row, Written
    from sqlports.result import Result
    from sqlports.sources.refusals import Refusal
    from sqlports.sources.snapshot import Snapshot


def complain(message: str, lead: str = "sqlports: ") -> None:
    """Say something to people. Nobody listening is no error."""
    # Given no file, print would write among the data.
    if sys.stderr is None:
        return
    text = "\n".join(safe(line) for line in message.split("\n"))
    progress.clear()
    with contextlib.suppress(OSError, ValueError):
        if sys.stderr.isatty():
            text = by_words(text, terminal_width(sys.stderr), len(lead))
        # In one piece, whoever else writes there.
        print(f"{lead}{text}\n", end="", file=sys.stderr, flush=True)


def remark(written: Written, tell: Callable[[str], None] = complain, whole: str = "--line") -> None:
    """Say what writing a result came to, where it is not as asked. `whole` is what shows values that had to be cut."""
    if written.remark:
        tell(written.remark)
    if written.hidden:
        tell(f"{written.rows:,} rows ({written.rows - written.hidden:,} shown)")
    if written.cut:
        values, them = ("1 value is", "it") if written.cut == 1 else (f"{written.cut} values are", "them")
        tell(f"{values} cut to fit the terminal; {whole} shows {them} whole")


class Sink(modes.Output, Protocol):
    """Where results go. It may have `is_left`, as `Paged` has."""

    def flush(self) -> object:
        """Hand everything on. Raises OSError."""


class Tally(NamedTuple):
    """What a statement came to: its rows, how many of these are not shown, its seconds, and how often it read each source."""

    rows: int
    hidden: int
    seconds: float
    reads: Mapping[str, int]


class Session:
    """Runs scripts and writes their results to one output.

    limit     at most this many rows of each result
    tell      says something to people
    whole     what shows values that a table had to cut
    look      how a result is shown to people
    keep      given a result, an iterator over its rows for who writes them: what wants to see them as they pass
    tally     given what a statement came to, tells it
    details   where the details are of what was not permitted, if not in the same run
    refusals  what the statements so far were not permitted to see
    rows      how many rows the statements so far gave
    seconds   how long they took
    reads     how often they read each source
    results   how many of them have columns
    """

    def __init__(
        self,
        engine: Engine,
        mode: str,
        output: Sink,
        limit: int | None = None,
        tell: Callable[[str], None] = complain,
        whole: str = "--line",
        look: Callable[[Result], Look] | None = None,
        keep: Callable[[Result], Iterator[Row]] = iter,
        tally: Callable[[Tally], None] | None = None,
        details: str | None = None,
    ) -> None:
        self.engine = engine
        self.mode = mode
        self.output = output
        self.limit = limit
        self.tell = tell
        self.whole = whole
        self.look = look
        self.keep = keep
        self.tally = tally
        self.details = details
        self.refusals: list[Refusal] = []
        self.rows = 0
        self.seconds = 0.0
        self.reads: Counter[str] = Counter()
        self.results = 0
        self._wrote = False
        self._ended: Exception | None = None
        self._done: float | None = None

    def run(self, script: str, parameters: Mapping[str, Any] | tuple[()] = ()) -> None:
        """Run a script. Raises what `Engine.run` raises, and OSError when the output fails."""
        results = self.engine.run(script, parameters)
        while True:
            progress.restart()
            began, earlier, rows = time.monotonic(), _looks(self.engine), self.rows
            self._done = None
            try:
                result = next(results, None)
                if result is None:
                    return
                with contextlib.closing(result):
                    written, notes = self._write(result)
            except KeyboardInterrupt:
                if self.rows == rows:
                    raise
                with contextlib.suppress(OSError):
                    # A line may have been torn.
                    self.output.write("\n" if self.output.columns else "")
                    self.output.flush()
                raise Interrupted(f"interrupted after {counted(self.rows - rows)}") from None
            finally:
                seconds, reads = (self._done or time.monotonic()) - began, self._count(earlier)
                self.seconds += seconds
            if self._is_left():
                return
            if self._ended is not None:
                raise type(self._ended)(f"{self._ended} after {counted(self.rows - rows)}")
            if self.tally is not None:
                self.tally(Tally(written.rows, written.hidden, seconds, reads))
                written = written._replace(hidden=0)
            for note in notes:
                self.tell(note)
            remark(written, self.tell, self.whole)

    def _write(self, result: Result) -> tuple[Written, list[str]]:
        """What writing a result came to, and what people should know of it."""
        if self._wrote and self.mode not in ("json", "jsonl"):
            self.output.write("\n")
        look = (self.look or modes.look_of)(result)
        self.results += 1
        try:
            written = modes.write(result.columns, self._rows(result), self.mode, self.output, look)
        except BaseException:
            # What was written stays, and no pager is left behind.
            with contextlib.suppress(OSError):
                self.output.flush()
            raise
        # How long somebody reads in a pager is not the statement's.
        self._done = time.monotonic()
        self.output.flush()
        self._wrote = True
        if self._is_left():
            return written, []
        more = self.limit is not None and written.rows == self.limit and next(iter(result), None)
        return written, result.notes + ([_limited(self.limit)] if more and self.limit is not None else [])

    def _rows(self, result: Result) -> Iterator[Row]:
        """The rows for who writes them. What came before the statement was stopped is written, and then told to be a part."""
        is_left = getattr(self.output, "is_left", None)
        rows = self.rows
        try:
            for row in islice(self.keep(result), self.limit):
                self.rows += 1
                yield row
                if is_left is not None and is_left():
                    return
        except (Interrupted, QueryTimeout) as error:
            # To a program a part must not look like the whole.
            if self._is_left():
                return
            if not self.output.columns or self.rows == rows:
                raise
            self._ended = error

    def _is_left(self) -> bool:
        """Whether whoever saw the rows has left: a pager that was quit."""
        is_left = getattr(self.output, "is_left", None)
        return is_left is not None and bool(is_left())

    def _count(self, earlier: Looks) -> Counter[str]:
        """What was read since an earlier moment, which is added to the rest, and so is what was refused."""
        engine, held = self.engine, self.engine.snapshot_now
        reads: Counter[str] = Counter()
        if held is not None and held is earlier.held:
            reads = held.reads - earlier.counts
        elif engine.reads is not earlier.reads:
            reads = Counter(engine.reads)
        if reads:
            self.refusals += engine.refusals if held is None else held.refusals()
        self.reads += reads
        return reads

    def hidden(self) -> list[str]:
        """The sentences on what the statements so far could not see; none when they saw all."""
        if not self.refusals:
            return []
        from sqlports import notice

        told = notice.not_permitted(self.refusals, self.details or notice.DETAILS)
        return [told] if told else []


def _limited(limit: int) -> str:
    first = "only the first row is shown" if limit == 1 else f"only the first {limit:,} rows are shown"
    return f"{first} (--limit)" if limit else "no rows are shown (--limit 0)"


class Looks(NamedTuple):
    """A moment between two looks: what the last one read, the one that is held, and what that has read so far."""

    reads: Mapping[str, int]
    held: Snapshot | None
    counts: Counter[str]


def _looks(engine: Engine) -> Looks:
    held = engine.snapshot_now
    return Looks(engine.reads, held, Counter(held.reads) if held is not None else Counter())


def counted(rows: int) -> str:
    """So many rows, in words."""
    return "1 row" if rows == 1 else f"{rows:,} rows"


@contextlib.contextmanager
def stoppable(engine: Engine) -> Iterator[None]:
    """While this lasts, Ctrl-C stops the running statement where that is safe, and is a KeyboardInterrupt elsewhere.

    On a terminal so does Esc, and a statement that takes long shows how far it is.

    A KeyboardInterrupt raised in a table's method, which SQLite calls, may be lost there or leave the snapshot held.
    """
    presses = 0

    def pressed(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        progress.forget()
        while frame is not None and frame.f_globals.get("__name__") not in (engine.__module__, progress.__name__):
            frame = frame.f_back
        # Whoever presses a third time does not mind what is left behind.
        if frame is None or presses > 2:
            raise KeyboardInterrupt
        engine.interrupt()

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, pressed)
        with progress.shown(engine):
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
        # Not by an exception: what runs now, an editor or SQLite, may not let it through. Who heeded it before is next.
        signal.signal(number, before[number])
        signal.raise_signal(number)

    heeded = [
        number for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT) if signal.getsignal(number) != signal.SIG_IGN
    ]
    before: dict[int, Any] = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def named(error: Exception) -> str:
    """An error that is a bug, in a line: its kind and what it says."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
