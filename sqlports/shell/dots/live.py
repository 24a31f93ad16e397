"""What was, what is and what becomes of it: the system moves on between two questions."""

from __future__ import annotations

import re
import sys
import time
from typing import TYPE_CHECKING, Any

from sqlports.errors import Interrupted
from sqlports.modes import MODES
from sqlports.shell.dots import CommandError, command, one_of

if TYPE_CHECKING:
    from sqlports.shell.results import Kept
    from sqlports.shell.shell import Shell
    from sqlports.watch.changes import Change

# Seconds between the rounds of .watch.
EVERY = 2.0


@command("[MODE] [all]", "modes")
def last(shell: Shell, words: str) -> None:
    """Show the last result again, without asking again. In another MODE, or all of its rows."""
    from sqlports.shell.shell import WHOLE

    kept = last_kept(shell)
    mode, look = shell.mode, shell.look(kept)
    for word in words.split():
        if word.lower() == "all":
            look = look._replace(rows=None)
        else:
            mode = one_of(word, (*MODES, "all"), "mode")
    shell.show(kept.columns, kept.rows, mode, look, WHOLE)
    if not kept.ended:
        shell.tell(f"it was stopped or cut short: these are the rows up to there, {len(kept.rows):,}")


def last_kept(shell: Shell) -> Kept:
    """The last result. Raises CommandError when there is none, or it was too large."""
    from sqlports.shell.results import BYTES, ROWS

    kept = shell.results.last
    if kept is None:
        raise CommandError("there is no result yet")
    if kept.too_large:
        size = f"{ROWS:,} rows or {BYTES >> 20} MB"
        raise CommandError(f"the last result was too large to be kept: more than {size} (.once FILE writes one of any size)")
    return kept


@command("[SECONDS] [QUERY]", "sql")
def watch(shell: Shell, text: str) -> None:
    """Ask again and again and mark what changed.

    Every two SECONDS, or so many; + came, - went, ~ changed. Without QUERY the last statement is asked. q ends, the
    space bar pauses; Ctrl-C ends too.
    """
    from sqlports.watch import DRAWN, Query, show
    from sqlports.watch.screen import drawable

    if shell.held is not None:
        raise CommandError("one look is held, and every round would show the same (.release ends that)")
    seconds, sql = _interval(text)
    sql, parameters = (sql, shell.parameters) if sql else (_last(shell).sql, _last(shell).parameters)
    query = Query(shell.engine, [sql], parameters, shell.limit)

    def ask() -> list[Kept]:
        results = query.ask()
        for kept in results:
            shell.results.add(kept)
        return results

    mode = shell.settings.mode if shell.settings.mode in DRAWN else "table"
    screen = sys.stdout if shell.where is None and drawable(sys.stdout) else None
    try:
        show(ask, seconds, mode, shell.output, shell.look, screen)
    except (KeyboardInterrupt, Interrupted):
        if screen is None:
            shell.tell("")
    finally:
        for note in query.notes:
            shell.tell(note)
        shell.refused(query.refusals)


def _interval(text: str) -> tuple[float, str]:
    """The seconds that a command begins with, and what follows. Raises CommandError for a time that is none."""
    number, rest = re.fullmatch(r"(-?[\d.]+(?=\s|$))?(.*)", text.strip(), re.DOTALL).groups()  # type: ignore[union-attr]
    try:
        seconds = EVERY if number is None else float(number)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 86_400:
        raise CommandError(f"every how many seconds? from 0.1 to 86,400, not {number}")
    return seconds, rest.strip()


def _last(shell: Shell) -> Kept:
    """The last result, kept or not. Raises CommandError when there is none."""
    if shell.results.last is None:
        raise CommandError("no statement has run yet: which query?")
    return shell.results.last


@command("[QUERY]", "sql")
def diff(shell: Shell, sql: str) -> None:
    """Show the difference to the run before.

    Of the last statement, or of QUERY; of one that has run once, what is different now. With QUERY that is run now, and
    compared with its last run. + came, - went, ~ changed.
    """
    from sqlports.watch.changes import SAME, changes, counts, identities

    if sql:
        kept = _run(shell, sql, shell.parameters)
    else:
        kept = _last(shell)
        if len(shell.results.runs(kept)) < 2:
            kept = _run(shell, kept.sql, kept.parameters)
    runs = shell.results.runs(kept)
    if len(runs) < 2:
        shell.tell(f"run for the first time, {_rows(kept)}: the same again shows what is different then")
        return
    before, after = runs
    if before.columns != after.columns:
        raise CommandError("the last two runs have different columns")
    found = changes(before.rows, after.rows, identities(after.columns, after.origins))
    times = [time.strftime("%H:%M:%S", time.localtime(run.at)) for run in runs]
    if all(change.mark == SAME for change in found):
        shell.tell(f"no difference between {times[0]} and {times[1]}, {_rows(after)}")
        return
    mode = shell.mode
    rows = [row for change in found if (row := _difference(shell, change))]
    shell.show(("" if mode == "table" else "_change", *after.columns), rows, mode, shell.plain_look())
    marks = " ".join(f"{mark}{count:,}" for mark, count in counts(found).items())
    shell.tell(f"{times[0]} to {times[1]}: {marks}")


def _run(shell: Shell, sql: str, parameters: dict[str, Any]) -> Kept:
    """The last result of a script that is run now, kept and not shown."""
    from sqlports.watch import Query

    query = Query(shell.engine, [sql], parameters, shell.limit)
    try:
        results = query.ask()
    finally:
        shell.refused(query.refusals)
    if not results:
        raise CommandError("this gives no rows that could be compared")
    shell.results.add(results[-1])
    return results[-1]


def _difference(shell: Shell, change: Change) -> tuple[Any, ...] | None:
    """A row that is not the same, its mark before it; of a changed cell the old value and the new one."""
    from sqlports.cells import shown
    from sqlports.watch.changes import SAME

    if change.mark == SAME:
        return None
    if change.before is None:
        return change.mark, *change.row
    null = shell.settings.null
    cells = (
        new if old == new else f"{shown(old, null)} → {shown(new, null)}"
        for old, new in zip(change.before, change.row, strict=True)
    )
    return change.mark, *cells


def _rows(kept: Kept) -> str:
    return f"{len(kept.rows):,} {'row' if len(kept.rows) == 1 else 'rows'}"


@command()
def hold(shell: Shell, _: str) -> None:
    """Hold one look at the system until .release.

    What was read once is not read again, so that several queries tell of the same moment. Again, it takes a new look.
    """
    before = shell.held
    shell.hold()
    then = f" in place of one that was {_age(before)} old" if before is not None else ""
    shell.tell(f"one look is held from now on{then}; .release ends that")


@command()
def release(shell: Shell, _: str) -> None:
    """Let each statement have a look of its own again."""
    if shell.held is None:
        raise CommandError("no look is held (.hold holds one)")
    shell.tell(f"released, after {_age(shell.held)}")
    shell.release()


def _age(since: float) -> str:
    seconds = int(time.monotonic() - since)
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
