"""What the command and the prompt do alike: write the results of a script, tell people what they should know, be stopped."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any

from sqlports.cells import safe

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.output import Output
    from sqlports.render import Written
    from sqlports.sources.snapshot import Refusal


def complain(message: str, lead: str = "sqlports: ") -> None:
    """Say something to people. Nobody listening is no error."""
    text = "\n".join(safe(line) for line in message.split("\n"))
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(f"{lead}{text}", file=sys.stderr, flush=True)


class Session:
    """Runs scripts and writes their results to one output.

    limit     at most this many rows of each result
    tell      says something to people
    whole     what shows values that a table had to cut
    refusals  what the statements so far were not permitted to see
    """

    def __init__(
        self,
        engine: Engine,
        mode: str,
        output: Output,
        limit: int | None = None,
        tell: Callable[[str], None] = complain,
        whole: str = "--line",
    ) -> None:
        self.engine = engine
        self.mode = mode
        self.output = output
        self.limit = limit
        self.tell = tell
        self.whole = whole
        self.refusals: list[Refusal] = []
        self._wrote = False

    def run(self, script: str, parameters: Mapping[str, Any] | tuple[()] = ()) -> None:
        """Run a script. Raises what `Engine.run` raises, and OSError when the output fails."""
        from sqlports import render

        for result in self.engine.run(script, parameters):
            with contextlib.closing(result):
                if self._wrote and self.mode not in ("json", "jsonl"):
                    self.output.write("\n")
                written = render.write(result.columns, islice(result, self.limit), self.mode, self.output)
                self.output.flush()
                self._wrote = True
                if self.limit is not None and written.rows == self.limit and next(iter(result), None):
                    self.tell(f"only the first {self.limit} rows are shown (--limit)")
            self.refusals += self.engine.refusals
            self.remark(written)

    def remark(self, written: Written) -> None:
        """Say what writing a result came to, where it is not as asked."""
        if written.remark:
            self.tell(written.remark)
        if written.cut:
            values = "1 value is" if written.cut == 1 else f"{written.cut} values are"
            self.tell(f"{values} cut to fit the terminal; {self.whole} shows them whole")

    def hidden(self) -> str | None:
        """The sentence on what the statements so far were not permitted to see; None when they saw all."""
        if not self.refusals:
            return None
        from sqlports.notice import not_permitted

        return not_permitted(self.refusals)


@contextlib.contextmanager
def stoppable(engine: Engine) -> Iterator[None]:
    """While this lasts, Ctrl-C stops the running statement where that is safe, and is a KeyboardInterrupt elsewhere.

    A KeyboardInterrupt raised in a table's method, which SQLite calls, may be lost there or leave the snapshot held.
    """
    presses = 0

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal presses
        presses += 1
        while frame is not None and frame.f_globals.get("__name__") != engine.__module__:
            frame = frame.f_back
        # Whoever presses a third time does not mind what is left behind.
        if frame is None or presses > 2:
            raise KeyboardInterrupt
        engine.interrupt()

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
