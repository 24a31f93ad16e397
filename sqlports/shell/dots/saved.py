"""Saved queries: list them, run one, keep one."""

from __future__ import annotations

import re
import shlex
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from sqlports.commands import run as listing
from sqlports.commands import usage
from sqlports.errors import QueryError, Refused, missing
from sqlports.queries import parameters, saved
from sqlports.shell.dots import CommandError, command

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


@command("[NAME [VALUE]…]", "queries")
def run(shell: Shell, text: str) -> None:
    """Run a saved query, or list them. A VALUE stands in the order of its parameters or is NAME=VALUE. .queries NAME tells
    what a query takes.
    """
    if not text:
        queries(shell, "")
        return
    try:
        name, *words = shlex.split(text)
    except ValueError as error:
        raise CommandError(f"{error}: {text}") from None
    query = saved.find(name, ".run", ".read")
    try:
        places, named = _arguments(words, query)
        values = parameters.bind(query.parameters, places, named)
    except (CommandError, parameters.ParameterError) as error:
        raise CommandError(f"{query.name}: {error}") from None
    if not saved.fits(query):
        shell.tell(f"{query.name} is made for {', '.join(query.platforms)}")
    shell.run(query.sql, {**shell.parameters, **values})


@command("[NAME|PATTERN]", "queries")
def queries(shell: Shell, name: str) -> None:
    """List the saved queries, or tell all of one.

    What it takes, and its SQL. With PATTERN those with it in their name, or else in their title or tags; * stands for
    any characters, ? for one.
    """
    found, faults = saved.queries()
    exact = [query for query in found if query.name == name]
    if exact:
        page = usage.wrapped(listing.page(exact[0], ".run "), min(shell.columns or usage.WIDTH, usage.WIDTH))
        shell.write(page + "\n" + exact[0].sql.rstrip() + "\n")
        return
    wanted = _like(found, name.lower())
    if name and not wanted:
        saved.find(name, ".run", ".read")
    shell.show(*listing.rows(wanted, shell.columns))
    for fault in faults:
        shell.tell(fault)


@command("NAME [SQL]", "queries sql")
def save(shell: Shell, text: str) -> None:
    """Keep the last statement as a saved query.

    Or the SQL that is given: .run NAME runs it, here and as `sqlports run NAME`. A value that is to be given then is
    written :NAME in it.
    """
    name, _, sql = text.partition(" ")
    if not name:
        raise CommandError("by which name? .save NAME keeps the last statement, .save NAME SELECT … that one")
    sql = sql.strip()
    fault = _fault(shell, sql)
    sql = sql or _last(shell)
    kept = saved.save(name, sql.rstrip(";") + ";")
    remarks = ["in place of what it was"] if kept.replaced else []
    remarks += ["before the one that comes with sqlports"] if kept.hides else []
    shell.tell(f"{kept.path}: .run {name} runs it" + (f", {' and '.join(remarks)}" if remarks else ""))
    if fault:
        shell.tell(f"as things are it cannot run: {fault}")


def _fault(shell: Shell, sql: str) -> str:
    """What a query lacks as things are, '' for nothing. Raises QueryError for what is no SQL."""
    from sqlports.about.explain import explain

    try:
        explain(shell.engine, sql, shell.parameters)
    except QueryError as error:
        # What a script makes itself is not there yet.
        if isinstance(error, Refused) or missing(error.message):
            return "" if re.search(r"(?i)\b(CREATE|ATTACH)\b", sql) else error.message
        raise
    return ""


def _last(shell: Shell) -> str:
    last = shell.results.last
    if last is None:
        raise CommandError("no statement has run yet: .save NAME SELECT …")
    return last.sql


def _arguments(words: list[str], query: saved.Query) -> tuple[list[str], list[tuple[str, str]]]:
    """The values without a name, and those with one: port=80, --port=80 or --port 80."""
    places: list[str] = []
    named: list[tuple[str, str]] = []
    known = {parameter.name for parameter in query.parameters}
    left = iter(words)
    for word in left:
        option = re.fullmatch(r"--(\w[\w-]*)(?:=(.*))?", word, re.DOTALL)
        name, equals, value = word.partition("=")
        if option:
            given = option[2] if option[2] is not None else next(left, None)
            if given is None:
                raise CommandError(f"{word} needs a value")
            named.append((option[1], given))
        elif equals and (name in known or (name.isidentifier() and not known)):
            named.append((name, value))
        else:
            places.append(word)
    return places, named


def _like(found: list[saved.Query], pattern: str) -> list[saved.Query]:
    if re.search(r"[*?]", pattern):
        return [query for query in found if fnmatchcase(query.name.lower(), pattern)]
    named = [query for query in found if pattern in query.name.lower()]
    return named or [query for query in found if pattern in " ".join((query.title, *query.tags)).lower()]
