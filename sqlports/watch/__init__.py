"""Asking again and again: for people a page that shows what came, went and changed, for programs what they can go on with."""

from __future__ import annotations

import argparse
import re
import select
import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from typing import IO, TYPE_CHECKING, Any

from sqlports import modes
from sqlports.errors import Error, Interrupted, QueryError
from sqlports.options import Misuse
from sqlports.session import complain, stoppable, when_killed
from sqlports.shell.results import ROWS, Kept
from sqlports.watch.changes import CAME, CHANGED, SAME, WENT, Change, Row, changes, identities
from sqlports.watch.page import Page, Part, heading
from sqlports.watch.sheet import Sheet

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.modes import Described, Look
    from sqlports.output import Output
    from sqlports.session import Sink
    from sqlports.sources.refusals import Refusal

Ask = Callable[[], "list[Kept]"]

# These are drawn over on a terminal; a table has marks besides.
DRAWN = ("table", "line", "vertical", "chart")
# What more than one of cannot follow each other.
_ONE = ("parquet", "arrow")


class Query:
    """Scripts that are asked again.

    limit     at most this many rows of each result
    refusals  what the last look was not permitted to see
    notes     what people should know of how the statements were understood
    rows      how many rows the last run gave
    reads     how often it read each source
    """

    def __init__(self, engine: Engine, scripts: Sequence[str], parameters: Mapping[str, Any], limit: int | None) -> None:
        self.engine = engine
        self.limit = limit
        self.refusals: list[Refusal] = []
        self.notes: dict[str, None] = {}
        self.rows = 0
        self.reads: Counter[str] = Counter()
        self._scripts = scripts
        self._parameters = parameters

    def ask(self) -> list[Kept]:
        """The results of one run. Raises what `Engine.run` raises, and QueryError for more rows than are kept."""
        results = []
        self.refusals = []
        self.rows, self.reads = 0, Counter()
        for script in self._scripts:
            for result in self.engine.run(script, self._parameters):
                before = self.engine.reads
                with closing(result):
                    kept = Kept(result, self._parameters)
                    deque(islice(kept.pass_on(iter(result)), self.limit), maxlen=0)
                    more = self.limit is not None and next(iter(result), None) is not None
                self.rows += len(kept.rows)
                if self.engine.reads is not before:
                    self.reads.update(self.engine.reads)
                self.notes |= dict.fromkeys(result.notes)
                if more:
                    self.notes[f"only the first {self.limit} rows are shown (--limit)"] = None
                if kept.too_large:
                    raise QueryError(f"too much to compare: more than {ROWS:,} rows, or very long ones", hint="add a LIMIT")
                results.append(kept)
            self.refusals += self.engine.refusals
        return results


class Rounds:
    """One look after the other, each beside the one before.

    found  the results of the last look that was one, each with what became of its rows; a first look's have the mark `first`
    fault  what was wrong with the last look; '' for nothing
    """

    def __init__(self, ask: Ask, first: str = SAME) -> None:
        self.found: list[tuple[Kept, list[Change]]] = []
        self.fault = ""
        self._ask = ask
        self._first = first
        self._begun = False

    def look(self) -> None:
        """Look. Raises Interrupted, and what is wrong with a first look: with a later one that may pass."""
        try:
            results = self._ask()
        except Interrupted:
            raise
        except Error as error:
            if not self._begun:
                raise
            self.fault = str(error)
            return
        before = [kept for kept, _ in self.found]
        self.found = [(kept, self._changes(kept, before[number : number + 1])) for number, kept in enumerate(results)]
        self.fault, self._begun = "", True

    def _changes(self, kept: Kept, before: list[Kept]) -> list[Change]:
        if before and before[0].columns == kept.columns:
            return changes(before[0].rows, kept.rows, identities(kept.columns, kept.origins))
        return [Change(self._first, row) for row in kept.rows]


def show(ask: Ask, seconds: float, mode: str, output: Sink, look: Callable[[Kept], Look], terminal: IO[Any] | None) -> None:
    """Show rounds to people until a key says that it is enough: in place on a terminal, without one below each other.

    Raises what a first look raises, Interrupted and KeyboardInterrupt, and OSError when the output fails.
    """
    rounds = Rounds(ask)
    rounds.look()
    if not rounds.found:
        raise QueryError("this gives no rows that could be watched")
    if terminal is None:
        _append(rounds, seconds, output, look)
    else:
        _draw(rounds, seconds, mode, output, look, terminal)


def _draw(rounds: Rounds, seconds: float, mode: str, output: Sink, look: Callable[[Kept], Look], terminal: IO[Any]) -> None:
    from sqlports.watch.screen import Screen

    page = Page(output, styles=True)
    with Screen(terminal) as screen:
        while not screen.ended:
            moment, due = time.strftime("%H:%M:%S"), time.monotonic() + seconds
            drawn = False
            while not drawn or not screen.wait(due):
                hint = "paused, space goes on" if screen.paused else "q ends, space pauses"
                output.columns, height = screen.size()
                parts = [Part(kept.columns, changed, look(kept)) for kept, changed in rounds.found]
                top = heading(moment, seconds, parts, hint)
                if mode == "table":
                    screen.draw(page.lines(top, parts, height, rounds.fault))
                else:
                    lines = page.lines(top, [], None, rounds.fault)
                    screen.draw([*lines, *_written(rounds, mode, output, look)][:height])
                drawn = True
            if screen.ended:
                return
            try:
                rounds.look()
            except Interrupted:
                if not screen.ended:
                    raise


def _append(rounds: Rounds, seconds: float, output: Sink, look: Callable[[Kept], Look]) -> None:
    page = Page(output)
    while True:
        parts = [] if rounds.fault else [Part(kept.columns, changed, look(kept)) for kept, changed in rounds.found]
        top = heading(time.strftime("%Y-%m-%d %H:%M:%S"), seconds, parts)
        output.write("\n".join(page.lines(top, parts, None, rounds.fault)) + "\n\n")
        output.flush()
        if getattr(output, "is_left", bool)():
            return
        pause(seconds, output)
        rounds.look()


def _written(rounds: Rounds, mode: str, output: Sink, look: Callable[[Kept], Look]) -> list[str]:
    """What a mode writes for the terminal, as lines."""
    sheet = Sheet(output.columns, output.encoding)
    for kept, _ in rounds.found:
        modes.write(kept.columns, kept.rows, mode, sheet, look(kept))
    return "".join(sheet.text).split("\n")


def tell(
    ask: Ask,
    seconds: float,
    mode: str,
    output: Sink,
    look: Callable[[Kept], Look],
    said: Callable[[], None],
) -> None:
    """Tell rounds to programs, for ever: of jsonl what came and what went, of csv and tsv all rows below one header.

    Of a row that changed, what it was went and what it is came. In other modes a round is the whole result. `said` is called
    after each round. Raises what `show` raises.
    """
    rounds = Rounds(ask, first=CAME)
    head: tuple[str, ...] | None = None
    while True:
        rounds.look()
        if rounds.fault:
            complain(f"{time.strftime('%H:%M:%S')} {rounds.fault}")
        for kept, changed in [] if rounds.fault else rounds.found:
            if mode == "jsonl":
                modes.write(("_change", *kept.columns), _events(changed), mode, output)
            elif kept.columns == head:
                modes.write(kept.columns, kept.rows, mode, _Headless(output, kept.columns, mode), look(kept))
            else:
                head = kept.columns if mode in ("csv", "tsv") else None
                modes.write(kept.columns, kept.rows, mode, output, look(kept))
        output.flush()
        said()
        pause(seconds, output)


def _events(changed: Sequence[Change]) -> Iterator[Row]:
    """What became of rows, as "added" and "removed"."""
    for change in changed:
        if change.mark == WENT:
            yield ("removed", *change.row)
        if change.mark == CHANGED and change.before is not None:
            yield ("removed", *change.before)
        if change.mark in (CAME, CHANGED):
            yield ("added", *change.row)


class _Headless(Sheet):
    """An output without the header that a mode writes first."""

    def __init__(self, output: Sink, columns: Sequence[str], mode: str) -> None:
        super().__init__(output.columns, output.encoding)
        head = Sheet(output.columns, output.encoding)
        modes.write(columns, [], mode, head)
        self._left = len("".join(head.text))
        self._output = output

    def write(self, text: str) -> None:
        """Write what is not of the header. Raises OSError."""
        dropped = min(self._left, len(text))
        self._left -= dropped
        self._output.write(text[dropped:])


def pause(seconds: float, output: Sink) -> None:
    """Wait. Raises BrokenPipeError as soon as nobody reads standard output any more, though nothing be written there."""
    deadline = time.monotonic() + seconds
    watched = (
        select.poll() if getattr(output, "path", "") is None and sys.stdout is not None and hasattr(select, "poll") else None
    )
    if watched:
        watched.register(sys.stdout.fileno(), 0)
    while (left := deadline - time.monotonic()) > 0:
        if watched is None:
            time.sleep(min(left, 3600))
        elif any(event & (select.POLLERR | select.POLLHUP) for _, event in watched.poll(min(left, 3600) * 1000)):
            raise BrokenPipeError


def run(
    engine: Engine, scripts: Sequence[str], options: argparse.Namespace, output: Output, look: Callable[[Described], Look]
) -> None:
    """What --watch does, until a key or a signal ends it. Raises what a first look raises, Interrupted, and OSError."""
    from sqlports.watch.screen import drawable

    if options.mode in _ONE:
        raise Misuse(f"--watch goes on and on, and {options.mode} has an end")
    query = Query(engine, scripts, dict(options.param), options.limit)
    told: set[str] = set()

    def ask() -> list[Kept]:
        if not options.stats:
            return query.ask()
        from sqlports import stats

        with stats.told(query):
            return query.ask()

    def said() -> None:
        from sqlports import notice

        hidden = None if options.quiet else notice.not_permitted(query.refusals)
        for sentence in (*query.notes, *([hidden] if hidden else [])):
            # The numbers of processes come and go.
            gist = re.sub(r"[\d,]+( process(es)?)?", "", sentence)
            if gist not in told:
                told.add(gist)
                complain(sentence)

    with stoppable(engine), when_killed(output.abandon):
        try:
            if options.mode == "table" or (options.mode in DRAWN and output.columns and drawable(sys.stdout)):
                terminal = sys.stdout if output.columns and drawable(sys.stdout) else None
                show(ask, options.watch, options.mode, output, look, terminal)
            else:
                tell(ask, options.watch, options.mode, output, look, said)
        finally:
            said()
