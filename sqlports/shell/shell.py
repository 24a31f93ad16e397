"""What the prompt's commands work on: an engine, settings, and somewhere to write."""

from __future__ import annotations

import contextlib
import re
import sys
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlports import modes, progress
from sqlports.cells import safe
from sqlports.colour import wanted
from sqlports.errors import Error, Interrupted, told
from sqlports.session import Session, Sink, Tally, complain, named, remark, stoppable
from sqlports.settings import Settings
from sqlports.shell import dot
from sqlports.shell.destination import Destination
from sqlports.shell.dots import Leave, timing
from sqlports.shell.names import Names
from sqlports.shell.pager import Paged
from sqlports.shell.results import Results

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.modes import Described, Look
    from sqlports.sources.refusals import Refusal

# What shows values that a table had to cut.
WHOLE = ".last vertical"
# What tells what was not permitted.
DETAILS = "scan_errors, asked next, has the details."


class Shell:
    """A prompt's state, without the terminal it is typed at.

    settings    how results are written, and the rest of what `Settings` has; commands change it
    parameters  values for the names in statements
    limit       at most this many rows of each result
    names       what can be completed
    results     what was seen: the last result, and the last runs of statements
    last        what the last statement came to; None for none yet
    held        when one look began that is held over several statements, by time.monotonic(); None for none
    reading     how many files are being read within each other
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings | None = None,
        parameters: dict[str, Any] | None = None,
        limit: int | None = None,
    ) -> None:
        self.engine = engine
        engine.giving = ".param {name} VALUE gives it one"
        self.settings = settings or Settings()
        self.parameters = parameters or {}
        self.limit = limit
        self.names = Names(engine.connection)
        self.results = Results()
        self.last: Tally | None = None
        self.held: float | None = None
        self.reading = 0
        self._hold = contextlib.ExitStack()
        self._where: Destination | None = None
        self._session = self._new_session()
        self._told: set[str] = set()

    def handle(self, text: str) -> None:
        """Run an input: a dot command or SQL. Raises Leave, and BrokenPipeError when nobody reads the output."""
        # What the terminal sent and is no text; SQLite takes none of it.
        text = text.encode("utf-8", "replace").decode()
        where = self.where
        try:
            with stoppable(self.engine), self._lent():
                self.enter(text)
        except (Leave, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Interrupted) as stopped:
            with contextlib.suppress(OSError):
                self._session.output.flush()
            # Where no editor takes what is typed meanwhile, the terminal has shown ^C in that line.
            self.tell(("" if progress.heir else "\n") + (str(stopped) or "interrupted"))
        except Error as error:
            self.tell(str(error))
        except OSError as error:
            self.tell(told(error) if error.filename or not where else f"{where}: {error.strerror}")
            if self._where:
                self.tell("results go to the terminal again")
                self.abandon()
        except Exception as error:
            # A bug in a table costs an answer, and not the prompt.
            self.tell(named(error))

    def enter(self, text: str, is_sql: bool = False) -> None:
        """Run an input, or one of a file's. Raises what is wrong with it, Leave, KeyboardInterrupt, and OSError."""
        command = None if is_sql else dot.command_in(text)
        where = self._where
        self._session = self._new_session()
        try:
            if command:
                dot.run(self, command)
            else:
                self.run(text)
        except BaseException as error:
            if where and self._is_done(where, command):
                self.abandon()
                # What could not be written to is told with what was wrong.
                if not isinstance(error, OSError):
                    self.tell(f"{where.name} gets nothing: .once is for what came now")
            raise
        else:
            if self._is_done(where, command):
                self.direct(None)
        finally:
            self._tell_hidden()

    def run(self, script: str, parameters: dict[str, Any] | None = None) -> None:
        """Run SQL and write its results. Raises what `Engine.run` raises, and OSError when the output fails."""
        self.results.parameters = self.parameters if parameters is None else parameters
        self._session.run(script, self.results.parameters)

    def refused(self, refusals: Iterable[Refusal]) -> None:
        """Take what a question of a command's own was not permitted to see, to be told like any."""
        self._session.refusals += refusals

    def set(self, name: str, value: Any) -> None:
        """Set what `Settings` has by that name. Raises Error for a value that it does not take."""
        from sqlports.settings import fault

        wrong = fault(name, value)
        if wrong:
            raise Error(f"{name} {wrong}")
        setattr(self.settings, name, value)
        if name == "timeout":
            self.engine.timeout = value or None
        if name == "reverse_dns":
            self.engine.reverse_dns = value

    def direct(self, where: Destination | None) -> None:
        """Let results go to a file or a command, or to the terminal again. Raises OSError, and Error when a command fails."""
        before, self._where = self._where, None
        if before:
            with self._lent(before):
                before.close()
        if where:
            where.begin()
            self._where = where

    def abandon(self) -> None:
        """Let results go to the terminal again; a file that was not ended stays as it was before."""
        before, self._where = self._where, None
        if before:
            before.output.abandon()

    def leave(self) -> int:
        """End what was begun; the exit status of the prompt."""
        try:
            self.direct(None)
        except Error as error:
            self.tell(str(error))
        except OSError as error:
            self.tell(told(error))
            return 1
        return 0

    def close(self) -> None:
        """Give up what was not ended."""
        self.release()
        self.abandon()

    def hold(self) -> None:
        """Hold one look from now on, which every statement sees."""
        self.release()
        self._hold.enter_context(self.engine.snapshot())
        self.held = time.monotonic()

    def release(self) -> None:
        """Let each statement have its own look again."""
        self._hold.close()
        self.held = None

    @property
    def output(self) -> Sink:
        """Where the results of this input go."""
        if self._where:
            self._where.used = True
        return self._session.output

    @property
    def where(self) -> str | None:
        """The file or the command that results go to; None for the terminal."""
        return self._where.name if self._where else None

    @property
    def mode(self) -> str:
        """How results are written: as the name of the file says that they go to, else as it is set."""
        return modes.of_file(self.where) or self.settings.mode if self.where else self.settings.mode

    @property
    def columns(self) -> int | None:
        """The width of the terminal; None where the output is none."""
        return self._session.output.columns

    def show(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[Any]],
        mode: str = "",
        look: Look = modes.LIST,
        whole: str = ".mode vertical",
    ) -> None:
        """Write a list of ours, in the current mode unless another is given; `whole` shows values that had to be cut."""
        written = modes.write(columns, rows, mode or self.mode, self.output, look)
        self._session.output.flush()
        remark(written, self.tell, whole)

    def write(self, text: str) -> None:
        """Write lines of text."""
        self.output.write("\n".join(safe(line) for line in text.split("\n")))
        self._session.output.flush()

    def tell(self, message: str) -> None:
        """Say something to people: on standard error, beside the data."""
        complain(message, lead="")

    def look(self, result: Described) -> Look:
        """How a result is shown, by the settings; to what is no terminal all of it is."""
        return modes.look_of(
            result,
            types=self.settings.types,
            units=self.settings.units,
            rows=self.settings.rows or None if self.columns else None,
            colour=bool(self.columns) and wanted(self.settings.colour, sys.stdout),
            null=self.settings.null,
        )

    def plain_look(self) -> Look:
        """How rows are shown that are no result."""
        look = modes.PLAIN._replace(null=self.settings.null)
        return look._replace(colour=bool(self.columns) and wanted(self.settings.colour, sys.stdout))

    def _new_session(self) -> Session:
        # Each with its own output: the window may have another width by now.
        mode = self.mode
        output = self._where.output if self._where else Paged(mode, self.settings, self.tell)
        return Session(
            self.engine,
            mode,
            output,
            self.limit,
            tell=self.tell,
            whole=WHOLE,
            look=self.look,
            keep=self.results.keep,
            tally=self._tally,
            details=DETAILS,
        )

    def _tally(self, tally: Tally) -> None:
        """Say what a statement came to, below a table and wherever it is timed."""
        self.last = tally
        if self.settings.timer or (self.settings.mode == "table" and self._where is None):
            self.tell(timing.summary(tally, self.settings.timer))

    def _is_done(self, where: Destination | None, command: str | None) -> bool:
        """Whether an input was the one whose results were to go somewhere: a command that only sets something is not."""
        return where is not None and where is self._where and where.once and (where.used or not command)

    def _lent(self, where: Destination | None = None) -> contextlib.AbstractContextManager[None]:
        """While this lasts, a command that reads the results may use the terminal."""
        where = where or self._where
        return progress.lent() if where and where.is_pipe else contextlib.nullcontext()

    def _tell_hidden(self) -> None:
        """Say what was not permitted, unless it was said before; the number of processes makes no difference."""
        if self.held is not None and self.engine.snapshot_now:
            self._session.refusals = self.engine.snapshot_now.refusals()
        for sentence in self._session.hidden():
            gist = re.sub(r"[\d,]+( process(es)?)?", "", sentence)
            if gist not in self._told:
                self._told.add(gist)
                self.tell(sentence)
