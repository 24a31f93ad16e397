"""A session with an engine: write the results of scripts, say what people should know, be stopped, know the names there are."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from types import FrameType
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

from sqlports.cells import safe

if TYPE_CHECKING:
    import apsw

    from sqlports.engine import Engine
    from sqlports.output import Output
    from sqlports.render import Written
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
            remark(written, self.tell, self.whole)

    def hidden(self) -> list[str]:
        """The sentences on what the statements so far could not see; none when they saw all."""
        if not self.refusals:
            return []
        from sqlports import notice

        return [told for told in (notice.not_permitted(self.refusals), notice.elsewhere(self.refusals)) if told]


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
def sane_when_killed(screen: TextIO | None) -> Iterator[None]:
    """While this lasts, a signal that ends the process leaves the terminal as it is now. An editor may draw on `screen`."""
    if sys.platform == "win32":
        yield
        return
    import termios

    attributes = termios.tcgetattr(0)

    def end(number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(OSError, termios.error):
            if screen:
                # No marks around pasted text, a cursor that is seen, a new line.
                os.write(screen.fileno(), b"\x1b[?2004l\x1b[?25h\r\n")
            termios.tcsetattr(0, termios.TCSANOW, attributes)
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


class Relation(NamedTuple):
    """A table or view: its name, 'table' or 'view', and what it tells."""

    name: str
    kind: str
    doc: str = ""


class Column(NamedTuple):
    """A column of a table or view; the type is SQL's, '' where there is none."""

    name: str
    type: str = ""
    doc: str = ""
    hidden: bool = False


class Function(NamedTuple):
    """A function of SQL and its kind."""

    name: str
    kind: str


class Names:
    """What a statement can name: tables and views, those made on this connection too, their columns, and functions."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection
        self._declared: dict[str, Relation] = {}
        self._columns: dict[str, list[Column]] = {}
        self._functions: list[Function] = []
        self._plain: dict[str, bool] = {}

    def relations(self) -> list[Relation]:
        """The tables and views, and after them those that were made here."""
        from sqlports import catalogue

        if not self._declared:
            self._declared = {row[0]: Relation(*row) for row in catalogue.relations()}
        made = self._rows(
            "SELECT name, type FROM temp.sqlite_schema UNION SELECT name, type FROM main.sqlite_schema ORDER BY name"
        )
        there = [Relation(name, kind) for name, kind in made if kind in ("table", "view") and name not in self._declared]
        return [*self._declared.values(), *there]

    def sql(self, relation: str) -> str | None:
        """The statement that made a table or view here; None when none did."""
        query = "SELECT sql FROM temp.sqlite_schema WHERE lower(name) = lower(?1) UNION ALL "
        rows = self._rows(query + query.replace("temp.", "main.").removesuffix(" UNION ALL "), relation)
        return str(rows[0][0]) if rows else None

    def columns(self, relation: str) -> list[Column]:
        """The columns of a table or view, hidden ones last; none when there is no such table."""
        from sqlports import registry
        from sqlports.schema import SQL_TYPES

        name = relation.lower()
        if name in self._columns:
            return self._columns[name]
        if name in registry.table_names():
            declared = registry.table(name).columns
            columns = [Column(column.name, SQL_TYPES[column.type], column.doc, column.hidden) for column in declared]
        else:
            rows = self._rows("SELECT name, type, hidden FROM pragma_table_xinfo(?)", relation)
            columns = [Column(column, {"INT": "INTEGER"}.get(kind, kind), "", bool(hidden)) for column, kind, hidden in rows]
        columns.sort(key=lambda column: column.hidden)
        # What is made here may be dropped, and made anew.
        if name in registry.table_names() or (name in registry.view_names() and columns):
            self._columns[name] = columns
        return columns

    def functions(self) -> list[Function]:
        """The functions of SQL."""
        if not self._functions:
            kinds = {"a": "aggregate", "w": "aggregate or window function"}
            rows = self._rows("SELECT name, max(type) FROM pragma_function_list GROUP BY name")
            self._functions = [Function(name, kinds.get(kind, "function")) for name, kind in rows if name.isidentifier()]
        return self._functions

    def quoted(self, name: str) -> str:
        """The name as SQL needs it written."""
        import apsw

        if re.fullmatch(r"[A-Za-z_]\w*", name):
            # Most keywords may be names; SQLite knows which.
            if name not in self._plain:
                self._plain[name] = name.upper() not in apsw.keywords or bool(self._rows(f"SELECT 1 AS {name}"))
            if self._plain[name]:
                return name
        return '"' + name.replace('"', '""') + '"'

    def _rows(self, sql: str, *values: str) -> list[tuple[Any, ...]]:
        """What SQLite says of itself; nothing when it cannot, as of a view whose table is gone."""
        import apsw

        try:
            return list(self.connection.execute(sql, values))
        except apsw.Error:
            return []
