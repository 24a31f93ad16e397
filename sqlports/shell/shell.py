"""What the prompt's commands work on: an engine, settings, and somewhere to write."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from sqlports import modes
from sqlports.cells import safe
from sqlports.errors import Error, Interrupted
from sqlports.output import Output
from sqlports.session import Session, complain, named, remark, stoppable
from sqlports.settings import Settings
from sqlports.shell import dot
from sqlports.shell.dots import Leave
from sqlports.shell.names import Names

if TYPE_CHECKING:
    from sqlports.engine import Engine, Result
    from sqlports.modes import Look

# What shows values that a table had to cut.
WHOLE = ".mode line"


class Shell:
    """A prompt's state, without the terminal it is typed at.

    settings    how results are written, and the rest of what `Settings` has; commands change it
    parameters  values for the names in statements
    limit       at most this many rows of each result
    names       what can be completed
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings | None = None,
        parameters: dict[str, Any] | None = None,
        limit: int | None = None,
    ) -> None:
        self.engine = engine
        self.settings = settings or Settings()
        self.parameters = parameters or {}
        self.limit = limit
        self.names = Names(engine.connection)
        self._session = self._new_session()
        self._told: set[str] = set()

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
                    self.run(text)
        except (Leave, BrokenPipeError):
            raise
        except (KeyboardInterrupt, Interrupted):
            with contextlib.suppress(OSError):
                self._session.output.flush()
            # The terminal has shown ^C in that line.
            self.tell("\ninterrupted")
        except Error as error:
            self.tell(str(error))
        except Exception as error:
            # A bug in a table costs an answer, and not the prompt.
            self.tell(named(error))
        finally:
            self._tell_hidden()

    def run(self, script: str, parameters: dict[str, Any] | None = None) -> None:
        """Run SQL and write its results. Raises what `Engine.run` raises, and OSError when the output fails."""
        self._session.run(script, self.parameters if parameters is None else parameters)

    @property
    def columns(self) -> int | None:
        """The width of the terminal; None where the output is none."""
        return self._session.output.columns

    def show(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write a list of ours in the current mode."""
        written = modes.write(columns, rows, self.settings.mode, self._session.output)
        self._session.output.flush()
        remark(written, self.tell, WHOLE)

    def write(self, text: str) -> None:
        """Write lines of text."""
        self._session.output.write("\n".join(safe(line) for line in text.split("\n")))
        self._session.output.flush()

    def tell(self, message: str) -> None:
        """Say something to people: on standard error, beside the data."""
        complain(message, lead="")

    def look(self, result: Result) -> Look:
        """How a result is shown, by the settings."""
        return modes.Look(
            types=result.types if self.settings.types else (), rows=self.settings.rows or None, null=self.settings.null
        )

    def _new_session(self) -> Session:
        # Each with its own output: the window may have another width by now.
        mode = self.settings.mode
        return Session(self.engine, mode, Output(None, mode), self.limit, tell=self.tell, whole=WHOLE, look=self.look)

    def _tell_hidden(self) -> None:
        """Say what was not permitted, unless it was said before; the number of processes makes no difference."""
        for sentence in self._session.hidden():
            gist = re.sub(r"[\d,]+( process(es)?)?", "", sentence)
            if gist not in self._told:
                self._told.add(gist)
                self.tell(sentence)
