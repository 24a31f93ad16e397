"""Reads lines of SQL and commands, from a pipe or as they are typed, and runs them."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import apsw

from sqlports.osqueryi import dots
from sqlports.osqueryi.shell import Shell
from sqlports.session import stoppable

_NOTHING = re.compile(r"(?:\s|/\*.*?\*/|--[^\n]*(?:\n|\Z))*\Z", re.DOTALL)


def run(shell: Shell, read: Callable[[bool], str | None], is_typed: bool) -> int:
    """Run what is read until its end; 1 where something went wrong, or the status that .exit was given.

    read      gives the next line, told whether it goes on with a statement; None at the end. A KeyboardInterrupt of its
              ends the statement that is being typed
    is_typed  whether somebody types it: mistakes are then not told by line
    """
    errors = number = begun = 0
    sql, is_types = "", False
    while is_typed or not (errors and shell.bail):
        shell.output.flush()
        try:
            line = read(bool(sql))
        except KeyboardInterrupt:
            sql, is_types = "", False
            continue
        if line is None:
            # The last statement may do without its semicolon.
            errors += _run(shell, sql, is_types, "" if is_typed else f" near line {begun}:") if not _NOTHING.match(sql) else 0
            break
        number += 1
        if not sql and _NOTHING.match(line):
            if shell.echo:
                shell.write_text(line + "\n")
            continue
        if not sql and line.startswith("."):
            if shell.echo:
                shell.write_text(line + "\n")
            if not line.startswith(".types "):
                code = _command(shell, line)
                if code == dots.LEAVE:
                    break
                errors += bool(code)
                continue
            is_types, line = True, line[7:]
        begun = begun if sql else number
        sql = f"{sql}\n{line}" if sql else line.lstrip()
        if ";" in line and ("\0" in sql or apsw.complete(sql.encode("utf-8", "replace").decode())):
            errors += _run(shell, sql, is_types, "" if is_typed else f" near line {begun}:")
            sql, is_types = "", False
        elif _NOTHING.match(sql):
            sql = ""
    return int(errors > 0)


def _command(shell: Shell, line: str) -> int:
    with stoppable(shell.engine):
        code = dots.run(shell, line)
    shell.tell_hidden()
    return code


def _run(shell: Shell, sql: str, is_types: bool, place: str) -> int:
    """Run statements; 1 where that went wrong."""
    with stoppable(shell.engine):
        if is_types:
            dots.types(shell, sql)
            return 0
        code, message = shell.execute(sql)
    if code:
        shell.tell(f"Error:{place} {message}")
    shell.tell_hidden()
    return int(code != 0)


def from_pipe(more: bool) -> str | None:
    """The next line of standard input; None at its end."""
    data = sys.stdin.buffer.readline() if sys.stdin is not None else b""
    return data.decode("utf-8", "replace").removesuffix("\n").removesuffix("\r") if data else None
