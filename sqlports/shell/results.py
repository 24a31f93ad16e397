"""Results that were seen: the system that was asked has moved on, and what it said can be looked at again."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlports.engine import Result

# A result with more than this is shown and not kept: rows, and bytes as Python has them.
ROWS, BYTES = 100_000, 64 << 20
# So many statements have their last two runs kept, in so many bytes all together.
STATEMENTS, TOTAL = 20, 128 << 20


class Kept:
    """What is kept of a result.

    sql                      the statement, without the semicolon at its end
    parameters               the values that its names had
    columns, types, origins  as `Result` has them
    rows                     its rows, as far as they were read; none of one that is too large
    too_large                whether it has more than is kept
    ended                    whether all its rows were read
    at                       when it was asked for, in seconds since 1970
    size                     the bytes that the rows take
    """

    def __init__(self, result: Result, parameters: Mapping[str, Any]) -> None:
        self.sql = result.statement.sql.strip().rstrip(";").rstrip()
        names = re.findall(r"[:@$]([A-Za-z_]\w*)", result.statement.bare)
        self.parameters = {name: parameters[name] for name in names if name in parameters}
        self.columns = result.columns
        self.types = result.types
        self.origins = result.origins
        self.rows: list[tuple[Any, ...]] = []
        self.too_large = False
        self.ended = False
        self.at = time.time()
        self.size = 0

    @property
    def question(self) -> str:
        """What was asked: the same for each run of it."""
        return f"{self.sql}\0{sorted(self.parameters.items())!r}"

    def pass_on(self, rows: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        """The rows, which are kept as they pass."""
        for row in rows:
            if not self.too_large:
                self.size += sys.getsizeof(row) + sum(map(sys.getsizeof, row))
                self.rows.append(row)
                if len(self.rows) > ROWS or self.size > BYTES:
                    self.too_large = True
                    self.rows, self.size = [], 0
            yield row
        self.ended = True


class Results:
    """The last result, and the last two runs of each statement.

    parameters  the values that names have in what is run now
    """

    def __init__(self) -> None:
        self.last: Kept | None = None
        self.parameters: Mapping[str, Any] = {}
        self._runs: dict[str, list[Kept]] = {}

    def keep(self, result: Result) -> Iterator[tuple[Any, ...]]:
        """The rows of a result for who shows them; they are kept as they pass."""
        kept = Kept(result, self.parameters)
        self.add(kept)
        return kept.pass_on(iter(result))

    def add(self, kept: Kept) -> None:
        """Take a result as the last one."""
        self.last = kept
        runs = [run for run in self._runs.pop(kept.question, []) if run.ended and not run.too_large]
        # What was asked last stands last.
        self._runs[kept.question] = [*runs[-1:], kept]
        while len(self._runs) > STATEMENTS or (len(self._runs) > 1 and self._size() > TOTAL):
            del self._runs[next(iter(self._runs))]

    def runs(self, kept: Kept) -> list[Kept]:
        """The last runs of what a result is one of, the earlier first; at most two, and none that has no end."""
        return [run for run in self._runs.get(kept.question, ()) if run.ended and not run.too_large]

    def _size(self) -> int:
        return sum(run.size for runs in self._runs.values() for run in runs)
