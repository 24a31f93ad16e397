"""A connection in which every table exists: one statement, one look at the system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Self

import apsw

from sqlports.errors import Interrupted, QueryError, QueryTimeout, Refused, SourceError, Stopped, Unbound, told
from sqlports.guard import Guard
from sqlports.module import install
from sqlports.result import Described, Prepared, Result
from sqlports.script import Statement, distinct, split

if TYPE_CHECKING:
    from sqlports.schema import Table
    from sqlports.sources.refusals import Refusal
    from sqlports.sources.snapshot import Snapshot

__all__ = ["Engine", "Parameters", "Result"]

Parameters = Sequence[Any] | Mapping[str, Any]

# How many of SQLite's own steps pass between two looks at the clock: about 50 microseconds.
STEPS = 2000

# What a statement has in it of whose comparisons, quotes or tables there may be something to say.
TELLING = ("'", '"', ":", "protocol", "family", "state", "scan_errors")

# How long a text or blob may be, in bytes: a thirtieth of what SQLite would make in one step that nothing can stop.
LONGEST = 32 << 20


class Engine:
    """Ask SQL of a system.

    root     the root of the file system whose /proc is looked at
    backend  'linux' or 'portable'; by default what fits this system
    timeout  seconds that one statement may run; None for no limit
    write    permit statements that write, ATTACH and the like; refused otherwise
    osquery  speak osquery's SQL where ours means another thing by the same name: its columns, blanks, functions

    connection    the apsw.Connection with all the tables
    snapshot_now  the look that is being taken or held; None between statements
    refusals      what the last look could not read, as scan_errors has it
    reads         how often the last look read each source
    watch         called for each plan that SQLite weighs, with the table and SQLite's IndexInfo filled in; None for not at all
    giving        how a parameter is given a value, {name} being its name: what is said when one has none
    on_wait       called again and again while a statement works; raises nothing
    reverse_dns   whether reverse_dns() may ask name servers: not before it is set
    settings      what tables tell of how the program was started (`Snapshot.settings`)

    One engine serves one thread at a time; `interrupt` may be called from any.
    """

    def __init__(
        self,
        root: str = "/",
        backend: str | None = None,
        timeout: float | None = None,
        write: bool = False,
        osquery: bool = False,
    ) -> None:
        self.root = root
        self.backend = backend
        self.timeout = timeout
        self.snapshot_now: Snapshot | None = None
        self.refusals: list[Refusal] = []
        self.reads: Mapping[str, int] = {}
        self.giving = "pass {{{name!r}: VALUE}} with the query"
        self.watch: Callable[[Table, Any], None] | None = None
        self.on_wait: Callable[[], None] | None = None
        self.reverse_dns = False
        self.settings: object = None
        self._cursors = 0
        self._deadline: float | None = None
        self._stop = self._at_once = self._has_looked = False
        self._lists_only = True
        self._notes: list[str] = []
        self.connection = apsw.Connection(":memory:")
        self.connection.limit(apsw.SQLITE_LIMIT_LENGTH, LONGEST)
        for quotes in (apsw.SQLITE_DBCONFIG_DQS_DML, apsw.SQLITE_DBCONFIG_DQS_DDL):
            self.connection.config(quotes, 0)
        install(self.connection, self._hold, self._release, lambda: self._at_once, lambda: self.watch, osquery, self)
        self._guard = Guard(self.connection)
        if not write:
            self.connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
            self.connection.authorizer = self._guard
        self.connection.set_progress_handler(self._progress, STEPS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, script: str, parameters: Parameters = ()) -> Iterator[Result]:
        """Run a script, one result per statement that has columns; the next statement runs when the last is read.

        Raises QueryError (Refused if it would write), QueryTimeout, Interrupted, and KeyboardInterrupt as it comes.
        """
        self._stop = False
        try:
            for statement in split(script):
                if self._stop:
                    raise self._stopped()
                result = self._start(statement, parameters)
                if result.columns:
                    yield result
                for _ in result:
                    pass
        finally:
            self._stop = False

    def query(self, sql: str, parameters: Parameters = ()) -> list[dict[str, Any]]:
        """All rows of a script's last result, as dictionaries. A second column `pid` is `pid:1`: none is lost."""
        rows: list[dict[str, Any]] = []
        for result in self.run(sql, parameters):
            names = distinct(result.columns)
            rows = [dict(zip(names, row, strict=True)) for row in result]
        return rows

    def prepare(self, statement: Statement, parameters: Parameters = ()) -> Prepared:
        """What a statement would give and read, without running it. Raises QueryError."""
        columns: tuple[str, ...] = ()
        read = set()
        guard = self.connection.authorizer

        def notice(action: int, first: str | None, second: str | None, *others: str | None) -> int:
            if action == apsw.SQLITE_READ:
                read.add(((first or "").lower(), (second or "").lower()))
            return guard(action, first, second, *others) if guard else apsw.SQLITE_OK

        def describe(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
            nonlocal columns
            columns = tuple(column[0] for column in cursor.get_description())
            return False

        self.connection.authorizer = notice
        try:
            with self._translated(statement), suppress(apsw.ExecTraceAbort):
                self._execute(self._cursor(describe), statement, statement.needed(parameters))
        finally:
            self.connection.authorizer = guard
        return Prepared(statement, columns, frozenset(read))

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Hold one look at the system over many statements."""
        system = self._hold()
        try:
            yield system
        finally:
            self._release()

    def interrupt(self) -> None:
        """Stop the running script, from any thread or signal handler."""
        self._stop = True
        with suppress(apsw.ConnectionClosedError):
            self.connection.interrupt()

    def close(self) -> None:
        """Close the connection; the engine is of no use afterwards."""
        self.connection.close()

    def _start(self, statement: Statement, parameters: Parameters) -> Result:
        described: tuple[Described, ...] = ()

        def describe(cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
            nonlocal described
            described = cursor.description_full or ()
            return True

        cursor = self._cursor(describe)
        self._deadline = None if self.timeout is None else time.monotonic() + self.timeout
        # apsw fails on an IN that is taken at once and turns out to be empty, which a list in the text cannot be.
        self._lists_only = self._lists_only and (statement.lists_only or not statement.makes_view)
        self._at_once = self._lists_only and statement.lists_only
        try:
            with self._translated(statement):
                values = statement.needed(parameters)
                is_first = self.snapshot_now is None and not self._has_looked
                rows, sql, notes = self._execute(cursor, statement, values)
                if described and any(sign in statement.sql for sign in TELLING):
                    from sqlports.advice import never

                    notes += never.notes(self, statement._replace(sql=sql), values, is_first)
        except BaseException:
            self._end(cursor)
            raise
        finally:
            self._at_once = False
        # A view has no result to say it with.
        notes, self._notes = (self._notes + notes, []) if described else (notes, self._notes + notes)
        return Result(statement, described, self._read(statement, cursor, rows), notes, self.connection)

    def _cursor(self, describe: Callable[[apsw.Cursor, str, Any], bool]) -> apsw.Cursor:
        """A cursor, of which this is told when its statement is compiled; False ends it there."""
        self._guard.denied = None
        try:
            cursor = self.connection.cursor()
        except apsw.ConnectionClosedError:
            raise QueryError("the engine is closed") from None
        cursor.exec_trace = describe
        return cursor

    def _execute(self, cursor: apsw.Cursor, statement: Statement, values: Parameters) -> tuple[Iterable[Any], str, list[str]]:
        """The rows, the SQL with texts in single quotes, and what is to be said of those that were in double quotes."""
        sql = statement.sql
        texts: list[str] = []
        try:
            if not (statement.makes_view and '"' in sql):
                return cursor.execute(sql, values, can_cache=False), sql, []
            from sqlports.advice import quotes

            sql, texts = quotes.in_view(self.connection, statement)
            rows = cursor.execute(sql, values, can_cache=False)
        except apsw.SQLError as error:
            from sqlports.advice import otherwise

            return otherwise.execute(self.connection, cursor, statement, values, error)
        return rows, sql, quotes.note(texts, sql, self.connection) if texts else []

    def _read(self, statement: Statement, cursor: apsw.Cursor, rows: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        try:
            with self._translated(statement):
                yield from rows
        finally:
            self._end(cursor)

    def _end(self, cursor: apsw.Cursor) -> None:
        cursor.close(True)
        self._deadline = None

    @contextmanager
    def _translated(self, statement: Statement) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except Unbound as error:
            raise QueryError(error.message, hint=self.giving.format(name=error.names[0])) from None
        except apsw.InterruptError:
            raise self._stopped() from None
        except apsw.Error as error:
            refused = self._guard.reason()
            if refused:
                raise Refused(refused) from None
            from sqlports.advice.mistakes import explain

            raise explain(error, statement, self.connection) from None
        except Stopped:
            raise self._stopped() from None
        except SourceError as error:
            raise QueryError(str(error)) from error
        except UnicodeEncodeError as error:
            raise QueryError(f"a parameter has a character that no text has: {error.object[error.start]!r}") from None
        except UnicodeDecodeError:
            raise QueryError("a text is not UTF-8, as char(55296) and CAST(x'ff' AS TEXT) make it: take it as a BLOB") from None
        except OSError as error:
            raise QueryError(told(error)) from error

    def _stopped(self) -> Exception:
        if self._stop or self.timeout is None:
            return Interrupted("interrupted")
        return QueryTimeout(f"the query took longer than {self.timeout:g} s")

    def _progress(self) -> bool:
        """True stops the statement; SQLite asks every few thousand steps."""
        if self.on_wait is not None:
            self.on_wait()
        return self._stop or (self._deadline is not None and time.monotonic() > self._deadline)

    def check(self) -> None:
        """What sources and functions call in their long loops, which SQLite cannot interrupt. Raises Stopped to end them."""
        if self.on_wait is not None:
            self.on_wait()
        if self._stop or (self._deadline is not None and time.monotonic() > self._deadline):
            raise Stopped

    def _hold(self) -> Snapshot:
        from sqlports.sources.snapshot import Snapshot

        if self.snapshot_now is None:
            self.snapshot_now = Snapshot(self.root, self.backend, self.check, self.refusals)
            self.snapshot_now.settings = self.settings
        self._cursors += 1
        return self.snapshot_now

    def _release(self) -> None:
        self._cursors -= 1
        if self._cursors == 0 and self.snapshot_now is not None:
            self.refusals, self.reads = self.snapshot_now.refusals(), self.snapshot_now.reads
            self._has_looked = self._has_looked or bool(self.reads)
            self.snapshot_now.close()
            self.snapshot_now = None
