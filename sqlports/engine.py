"""A connection in which every table exists: one statement, one look at the system."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import apsw

from sqlports import registry
from sqlports.errors import Interrupted, QueryError, QueryTimeout, Refused, SourceError, told
from sqlports.guard import Guard
from sqlports.script import Statement, distinct, explain, split

if TYPE_CHECKING:
    from sqlports.sources.refusals import Refusal
    from sqlports.sources.snapshot import Snapshot
    from sqlports.vtab import VirtualTable

Parameters = Sequence[Any] | Mapping[str, Any]

# A column of a result as SQLite describes it: its name, declared type, and the database, table and column that it is.
Described = tuple[str, str | None, str | None, str | None, str | None]

# How many of SQLite's own steps pass between two looks at the clock: about 50 microseconds.
STEPS = 2000

# How long a text or blob may be, in bytes: a thirtieth of what SQLite would make in one step that nothing can stop.
LONGEST = 32 << 20


class Result:
    """The rows of one statement, read as they are asked for. Iterate it, once: tuples of int, float, str, bytes and None.

    statement  the statement
    columns    their names, in order; a name may come twice
    types      the declared type of each: 'INTEGER', 'TEXT', …; '' for an expression
    origins    the table and the column that each is, through views and sub-queries too; None for an expression
    notes      what people should know of how the statement was understood
    """

    def __init__(self, statement: Statement, described: Sequence[Described], rows: Iterator[tuple[Any, ...]]) -> None:
        self.statement = statement
        self.columns = tuple(column[0] for column in described)
        self.types = tuple(column[1] or "" for column in described)
        self.origins = tuple((column[3], column[4]) if column[3] and column[4] else None for column in described)
        self.notes: list[str] = []
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        return self._rows

    def close(self) -> None:
        """Give up the rows not read yet, and with them the snapshot."""
        close = getattr(self._rows, "close", None)
        if close:
            close()


class Engine:
    """Ask SQL of a system.

    root     the root of the file system whose /proc is looked at
    backend  'linux' or 'portable'; by default what fits this system
    timeout  seconds that one statement may run; None for no limit
    write    permit statements that write, ATTACH and the like; refused otherwise

    connection    the apsw.Connection with all the tables
    snapshot_now  the look that is being taken or held; None between statements
    refusals      what the last look could not read, as scan_errors has it
    reads         how often the last look read each source

    One engine serves one thread at a time; `interrupt` may be called from any.
    """

    def __init__(self, root: str = "/", backend: str | None = None, timeout: float | None = None, write: bool = False) -> None:
        self.root = root
        self.backend = backend
        self.timeout = timeout
        self.snapshot_now: Snapshot | None = None
        self.refusals: list[Refusal] = []
        self.reads: Mapping[str, int] = {}
        self._cursors = 0
        self._deadline: float | None = None
        self._stop = False
        self._at_once = False
        self._lists_only = True
        self.connection = apsw.Connection(":memory:")
        self.connection.limit(apsw.SQLITE_LIMIT_LENGTH, LONGEST)
        self.connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        self.connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        for name in registry.table_names():
            # apsw's type for a module asks for methods that SQLite does not.
            module: Any = Module(name, self._hold, self._release, lambda: self._at_once)
            self.connection.create_module(name, module, use_bestindex_object=True, eponymous=True, iVersion=2, read_only=True)
        for name in registry.view_names():
            self.connection.execute(f"CREATE TEMP VIEW {name} AS {registry.view(name).sql}")
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

        cursor = self.connection.cursor()
        cursor.exec_trace = describe
        self._guard.denied = None
        self._deadline = None if self.timeout is None else time.monotonic() + self.timeout
        # apsw fails on an IN that is taken at once and turns out to be empty, which a list in the text cannot be.
        self._lists_only = self._lists_only and (statement.lists_only or not statement.makes_view)
        self._at_once = self._lists_only and statement.lists_only
        try:
            with self._translated(statement):
                rows = cursor.execute(statement.sql, statement.needed(parameters), can_cache=False)
        except BaseException:
            self._end(cursor)
            raise
        finally:
            self._at_once = False
        return Result(statement, described, self._read(statement, cursor, rows))

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
        except apsw.InterruptError:
            raise self._stopped() from None
        except apsw.Error as error:
            refused = self._guard.reason()
            raise (Refused(refused) if refused else explain(error, statement, self.connection)) from None
        except Stopped:
            raise self._stopped() from None
        except SourceError as error:
            raise QueryError(str(error)) from error
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
        return self._stop or (self._deadline is not None and time.monotonic() > self._deadline)

    def _check(self) -> None:
        """What sources call in their long loops, which SQLite cannot interrupt."""
        if self._stop or (self._deadline is not None and time.monotonic() > self._deadline):
            raise Stopped

    def _hold(self) -> Snapshot:
        from sqlports.sources.snapshot import Snapshot

        if self.snapshot_now is None:
            self.snapshot_now = Snapshot(self.root, self.backend, self._check, self.refusals)
        self._cursors += 1
        return self.snapshot_now

    def _release(self) -> None:
        self._cursors -= 1
        if self._cursors == 0 and self.snapshot_now is not None:
            self.refusals, self.reads = self.snapshot_now.refusals(), self.snapshot_now.reads
            self.snapshot_now.close()
            self.snapshot_now = None


class Module:
    """A table for apsw's `create_module`; it is imported, and all that tables need, when a statement first names it."""

    def __init__(
        self, name: str, hold: Callable[[], Snapshot], release: Callable[[], None], at_once: Callable[[], bool]
    ) -> None:
        self.name = name
        self.at_once = at_once
        self.hold = hold
        self.release = release

    def Connect(self, db: apsw.Connection, *_: str) -> tuple[str, VirtualTable]:
        from sqlports.vtab import VirtualTable

        db.vtab_config(apsw.SQLITE_VTAB_INNOCUOUS)
        table = registry.table(self.name)
        return table.sql, VirtualTable(table, self.hold, self.release, self.at_once)

    Create = Connect


class Stopped(Exception):
    """Raised through a source's loop to end it."""
