"""The command `sqlports osqueryi`. Its command line is osqueryi's, and so are its output, its errors and its exit statuses."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from sqlports.errors import Error
from sqlports.options import Misuse, utf8
from sqlports.osqueryi import flags
from sqlports.output import Output
from sqlports.session import complain, stoppable, when_killed

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.osqueryi.shell import Shell

FAILED, INTERRUPTED = 1, 130
# No query for --profile; a plug-in that is not there (osquery's EXIT_CATASTROPHIC).
NO_QUERY, CATASTROPHIC = 2, 78


class Started(NamedTuple):
    """What tables tell of this run: the values of the flags, and what runs a query and tells how many rows it has."""

    values: Mapping[str, str]
    rows: Callable[[str], int]


def misuse(options: argparse.Namespace) -> str:
    """What is wrong where this command is not the first word, as it has to be."""
    return "osqueryi stands first, since all behind it is its own: sqlports osqueryi --json 'SELECT 1'"


def run(engine: object, options: argparse.Namespace) -> NoReturn:
    """Never called: `main` is."""
    raise Misuse(misuse(options))


def main(arguments: Sequence[str]) -> int:
    """Run the command with what stands behind its name; returns its exit status. Raises OSError."""
    words = list(arguments)[: arguments.index("--")] if "--" in arguments else list(arguments)
    output = Output(None, "json")
    if {"--help", "-help", "--h", "-h"} & set(words):
        output.write(flags.page())
        output.flush()
        return 0
    if {"--version", "-version"} & set(words):
        output.write(f"osqueryi version {flags.VERSION}\n")
        output.flush()
        return 0
    try:
        given = flags.parse([utf8(word) for word in arguments])
    except flags.BadFlags as error:
        complain(str(error), lead="")
        return FAILED
    if given.values["config_plugin"] != "filesystem":
        _log("E", f"Cannot activate {given.values['config_plugin']} config plugin: there is only filesystem")
        return CATASTROPHIC
    asked = [name for name in ("config_check", "config_dump") if given.is_on(name)]
    return _config(given, output, asked[0]) if asked else _start(given)


def _config(given: flags.Given, output: Output, what: str) -> int:
    """Check the configuration or write it as it is."""
    from sqlports.sources import osquery_conf

    found = osquery_conf.read(given.values["config_path"])
    if what == "config_dump":
        for path, text in found.files.items():
            output.write_bytes(f'{{"{path}": {text}}}\n'.encode("utf-8", "surrogateescape"))
        output.flush()
    for fault in found.faults:
        _log("E", f"Error reading config: {fault}")
    return FAILED if found.faults and (what == "config_check" or not found.files) else 0


def _start(given: flags.Given) -> int:
    from sqlports.engine import Engine
    from sqlports.osqueryi.shell import Shell

    values = given.values
    if values["config_path"] != flags.FLAGS["config_path"].default:
        from sqlports.sources import osquery_conf

        for fault in osquery_conf.read(values["config_path"]).faults:
            _log("E", f"Error reading config: {fault}")
    output = Output(None if values["output"] in ("", "-") else values["output"], "json")
    with Engine(osquery=True) as engine:
        engine.settings = Started(values, _rows)
        _permit(engine, values)
        try:
            with when_killed(output.abandon):
                status = _run(Shell(engine, given, output))
                output.close()
                return status
        finally:
            output.abandon()


def _permit(engine: Engine, values: Mapping[str, str]) -> None:
    """Take the tables away that there are not to be, and permit what osquery permits."""
    from sqlports import registry
    from sqlports.osqueryi.permitted import Permitted

    only, never = (
        {name.strip() for name in values[flag].split(",") if name.strip()} for flag in ("enable_tables", "disable_tables")
    )
    guard = Permitted(engine.connection)
    if only or never:
        every = (*registry.view_names(), *registry.table_names())
        # Not taken out of it: a view that stays may need what else is gone.
        guard.hidden = {name for name in every if name in never or (only and name not in only)}
    engine.connection.authorizer = guard


def _rows(sql: str) -> int:
    """How many rows a query gives; none where it fails."""
    from sqlports.engine import Engine

    with Engine(osquery=True) as engine, suppress(Error):
        return len(engine.query(sql))
    return 0


def _run(shell: Shell) -> int:
    """What the flags ask for, in the order in which osqueryi looks at them."""
    from sqlports.osqueryi import dots, reading

    given = shell.given
    values, words = given.values, given.words
    try:
        if values["profile"] not in ("", "0"):
            return _profile(shell, int(values["profile"], 0))
        if given.is_on("L") or values["A"]:
            with stoppable(shell.engine):
                status = dots.run(shell, ".tables" if given.is_on("L") else f".all {values['A']}")
            shell.tell_hidden()
            return status
        if values["pack"]:
            return _pack(shell, values["pack"])
        if values["query"] or values["query_file"] or words:
            sql = values["query"] or (_file(values["query_file"]) if values["query_file"] else words[0])
            if len(words) > 1:
                shell.log("W", "only the first statement of the command line is run: put several into one pair of quotes")
            return _statement(shell, sql)
        if sys.stdin is not None and sys.stdin.isatty():
            from sqlports.osqueryi import prompt

            return prompt.loop(shell)
        return reading.run(shell, reading.from_pipe, is_typed=False)
    except dots.Exit as leaving:
        return leaving.status


def _statement(shell: Shell, sql: str) -> int:
    """Run SQL, or a command, of the command line."""
    from sqlports.osqueryi import dots

    with stoppable(shell.engine):
        if sql.startswith("."):
            code = dots.run(shell, sql)
            code, message = (0 if code == dots.LEAVE else code), ""
        else:
            code, message = shell.execute(sql)
    if message:
        shell.tell(f"Error: {message}")
    shell.tell_hidden()
    return INTERRUPTED if shell.has_ended else code


def _pack(shell: Shell, name: str) -> int:
    """Run the queries of a pack, until one fails."""
    from sqlports.sources import osquery_conf

    values = shell.given.values
    found = osquery_conf.read(
        values["config_path"], delimiter=values["pack_delimiter"], interval=int(values["schedule_default_interval"])
    )
    pack = next((pack for pack in found.packs if pack.name == name), None)
    if pack is None or not pack.is_here:
        why = "is not for this machine" if pack else f"is not in {values['config_path']}"
        shell.log("W", f"nothing was run: the pack {name} {why}")
        return 0
    for query in pack.queries:
        status = _statement(shell, query.query)
        if status:
            shell.tell(f"Could not execute query {query.key}: {query.query}")
            return status
    return 0


def _profile(shell: Shell, times: int) -> int:
    """Run a query so many times and write nothing."""
    from sqlports.osqueryi import reading

    values, words = shell.given.values, shell.given.words
    sql = values["query"] or (words[0] if words else None)
    if sql is None and not (sys.stdin is not None and sys.stdin.isatty()):
        sql = reading.from_pipe(False)
    if sql is None:
        shell.tell("No query provided via stdin or args to profile...")
        return NO_QUERY
    for _ in range(times):
        with stoppable(shell.engine):
            code, message = shell.execute(sql, quietly=True)
        if code:
            shell.tell(f"Query failed ({code}): {message}")
            return INTERRUPTED if shell.has_ended else code
    return 0


def _file(path: str) -> str:
    """The SQL of a file. Raises OSError."""
    with open(path, "rb") as file:
        return file.read().decode("utf-8-sig", "replace")


def _log(level: str, message: str) -> None:
    from sqlports.osqueryi.shell import logged

    complain(logged(level, message), lead="")
