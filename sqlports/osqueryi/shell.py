"""The state of osqueryi: how results are written, and what a statement comes to in osquery's words."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

import apsw

from sqlports.errors import Error, Interrupted, QueryError
from sqlports.osqueryi import formats
from sqlports.osqueryi.formats import Cells, Gathered, cell, for_terminal
from sqlports.osqueryi.permitted import Permitted
from sqlports.script import split
from sqlports.session import complain, named

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.osqueryi.flags import Given
    from sqlports.output import Output
    from sqlports.result import Result
    from sqlports.sources.refusals import Refusal

MODES = ("line", "column", "list", "csv", "pretty")
# How long a separator and a word for NULL may be, in bytes: osquery keeps no more.
_KEPT = 19


class Shell:
    """What the commands change and statements heed.

    null        what stands for NULL but in pretty and JSON, which have --nullvalue
    widths      of columns in the mode of that name; 0 for what they need
    has_ended   whether the last statement was interrupted
    """

    def __init__(self, engine: Engine, given: Given, output: Output) -> None:
        self.engine = engine
        self.given = given
        self.output = output
        self.mode = next((mode for mode in ("list", "line", "csv") if given.is_on(mode)), "pretty")
        self.headers = given.is_on("header")
        self.echo = self.timer = self.bail = self.has_ended = False
        self.widths = [0] * formats.WIDTHS
        self.separator = self.null = b""
        self.set_separator(given.values["separator"])
        self.set_null(given.values["nullvalue"])
        self._null = _bytes(given.values["nullvalue"])
        self._gathered = Gathered()
        self._count = 0
        self._wide: list[int] = []
        self._refusals: list[Refusal] = []
        self._told: set[str] = set()

    def set_separator(self, text: str) -> None:
        """Set what stands between two values."""
        self.separator = _bytes(text)[:_KEPT]

    def set_null(self, text: str) -> None:
        """Set what stands for NULL."""
        self.null = _bytes(text)[:_KEPT]

    def execute(self, sql: str, quietly: bool = False) -> tuple[int, str]:
        """Run statements and write what they give, unless `quietly`: SQLite's code and words for how that ended.

        They are 0 and '' where it went well.
        """
        began, times = time.monotonic(), os.times()
        self.has_ended = False
        code, message = 0, ""
        try:
            for statement in split(sql):
                self._count = 0
                if self.echo:
                    self.write(_bytes(statement.sql.strip()) + b"\n")
                if self.given.is_on("planner"):
                    self._tell_plan(statement.sql)
                # A parameter without a value is NULL in osquery.
                for result in self.engine.run(statement.sql, dict.fromkeys(statement.names)):
                    self._write(result, quietly)
                self.output.flush()
        except (Error, KeyboardInterrupt) as error:
            code, message = self._fault(error)
        if not quietly:
            self._write_gathered()
        self.output.flush()
        if self.timer:
            spent = [later - before for before, later in zip(times, os.times(), strict=True)]
            real = time.monotonic() - began
            self.write(f"Run Time: real {real:.3f} user {spent[0]:.6f} sys {spent[1]:.6f}\n".encode())
            self.output.flush()
        return code, message

    def show(self, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Write rows of this shell's own as a result."""
        self._count = 0
        for row in rows:
            self._row([_bytes(name) for name in columns], [_bytes(value) for value in row])
        self._write_gathered()

    def write(self, data: bytes) -> None:
        """Write. Raises OSError."""
        self.output.write_bytes(data)

    def write_text(self, text: str) -> None:
        """Write lines of text, of which a terminal obeys nothing."""
        lines = (_bytes(line) for line in text.split("\n"))
        self.write(b"\n".join(for_terminal(line) or b"" if self.is_terminal else line for line in lines))

    @property
    def is_terminal(self) -> bool:
        """Whether results go to a terminal."""
        return self.output.columns is not None

    def tell(self, message: str) -> None:
        """Say something on standard error, behind all that was written."""
        self.output.flush()
        complain(message, lead="")

    def log(self, level: str, message: str) -> None:
        """Say something as osquery logs it: `level` is I, W or E."""
        self.tell(logged(level, message))

    def tell_hidden(self) -> None:
        """Say what was not permitted, unless it was said before."""
        if self._refusals:
            from sqlports import notice

            told, self._refusals = notice.not_permitted(self._refusals), []
            gist = re.sub(r"[\d,]+( process(es)?)?", "", told or "")
            if told and gist not in self._told:
                self._told.add(gist)
                self.output.flush()
                complain(told)

    def _write(self, result: Result, quietly: bool) -> None:
        columns = [name.encode("utf-8", "surrogateescape") for name in result.columns]
        earlier = self.engine.reads
        try:
            for row in result:
                if not quietly:
                    self._row(columns, [cell(value) for value in row])
        finally:
            result.close()
            if self.engine.reads is not earlier:
                self._refusals += self.engine.refusals
        for note in result.notes if self.given.is_on("verbose") else ():
            self.log("I", note)

    def _row(self, columns: list[bytes], cells: Cells) -> None:
        if self.is_terminal and not (self.mode == "pretty" and self._as_json):
            columns = [for_terminal(name) or b"" for name in columns]
            cells = [for_terminal(one) for one in cells]
        is_first, self._count = not self._count, self._count + 1
        if self.mode == "pretty":
            self._gathered.add(columns, cells, self._null)
        elif self.mode == "line":
            self.write(formats.line(columns, cells, self.null, is_first))
        elif self.mode == "column":
            if is_first:
                self._wide = formats.widths(columns, cells, self.null, self.widths)
                if self.headers:
                    self.write(formats.column(columns, self._wide, b"") + formats.rule(self._wide))
            self.write(formats.column(cells, self._wide, self.null))
        else:
            written = formats.csv if self.mode == "csv" else formats.listed
            if is_first and self.headers:
                self.write(written(columns, self.separator, self.null))
            self.write(written(cells, self.separator, self.null))

    @property
    def _as_json(self) -> bool:
        return self.given.is_on("json") or self.given.is_on("json_pretty")

    def _write_gathered(self) -> None:
        if self.mode != "pretty":
            return
        gathered, self._gathered = self._gathered, Gathered()
        if self.given.is_on("json_pretty"):
            self.write(gathered.json_pretty(self.is_terminal))
        elif self.given.is_on("json"):
            self.write(gathered.json(self.is_terminal))
        else:
            self.write(gathered.pretty(self._null))

    def _fault(self, error: Error | KeyboardInterrupt) -> tuple[int, str]:
        """SQLite's code and words for what went wrong."""
        if isinstance(error, Interrupted | KeyboardInterrupt):
            self.has_ended = True
            return apsw.SQLITE_INTERRUPT, "interrupted"
        lacking = re.match(r"table (\w+) needs WHERE", str(error))
        if lacking:
            said = f"Table {lacking[1]} was queried without a required column in the WHERE clause"
            self.log("W", said)
            self.log("W", f"Please see the table documentation: https://osquery.io/schema/#{lacking[1]}")
            return apsw.SQLITE_CONSTRAINT, said
        guard = self.engine.connection.authorizer
        if isinstance(guard, Permitted) and guard.lacking:
            said, guard.lacking = f"no such table: {guard.lacking}", None
            return apsw.SQLITE_ERROR, said
        beneath: BaseException | None = error
        while beneath is not None and not isinstance(beneath, apsw.Error):
            beneath = beneath.__context__
        if isinstance(beneath, apsw.Error):
            return int(getattr(beneath, "result", 0)) & 0xFF or apsw.SQLITE_ERROR, str(beneath)
        return apsw.SQLITE_ERROR, error.message if isinstance(error, QueryError) else named(error)

    def _tell_plan(self, sql: str) -> None:
        """Say how SQLite goes about a statement; what is wrong with it is told when it runs."""
        with suppress(Error):
            for result in self.engine.run(f"EXPLAIN QUERY PLAN {sql}"):
                for row in result:
                    self.tell(f"osquery planner: {row[-1]}")


def logged(level: str, message: str) -> str:
    """A line of a log as glog writes it."""
    return f"{level}{datetime.now():%m%d %H:%M:%S.%f} {os.getpid():>5} sqlports] {message}"


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
