"""The commands of osqueryi, which begin with a dot; a few letters of a name will do (osquery 5: devtools/shell.cpp)."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

import apsw

from sqlports import registry
from sqlports.errors import Error, QueryError
from sqlports.osqueryi.flags import FLAGS, VERSION
from sqlports.osqueryi.permitted import Permitted
from sqlports.osqueryi.shell import MODES, Shell
from sqlports.script import split

# What a command gives that ends the shell.
LEAVE = 2

_SUFFIXES = {"kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30, "kb": 10**3, "mb": 10**6, "gb": 10**9}
_SUFFIXES |= {"k": 10**3, "m": 10**6, "g": 10**9}
_ON, _OFF = ("1", "y", "yes", "t", "true", "on", "ok", "enable"), ("0", "n", "no", "f", "false", "off", "disable")
_SHORT = {"n": "\n", "t": "\t", "r": "\r"}


class Exit(Exception):
    """The shell is to end at once, with this status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Command(NamedTuple):
    """A command.

    least     how many letters of its name tell it from others
    takes     how many words stand behind its name, at least and at most
    act       given the shell and these words, gives 0, 1 for a fault that it told, LEAVE, or SQLite's code
    argument  and `doc` are for the help; a command without doc is not in it
    """

    name: str
    least: int
    takes: tuple[int, int]
    act: Callable[[Shell, list[str]], int]
    argument: str = ""
    doc: str = ""


def run(shell: Shell, line: str) -> int:
    """Run a line that begins with a dot; 0 for well. Raises Exit, OSError."""
    found = words(line[1:])
    if not found:
        return 0
    name, *rest = found
    for command in COMMANDS:
        least, most = command.takes
        if command.name.startswith(name) and len(name) >= command.least and least <= len(rest) <= most:
            return command.act(shell, rest)
    shell.tell(f'Error: unknown command or invalid arguments:  "{name}". Enter ".help" for help')
    return 1


def words(text: str) -> list[str]:
    """The words of a line, in quotes or not. But in single quotes a backslash gives what stands behind it a meaning."""
    found = []
    for part in re.finditer(r"'([^']*)'?|\"((?:\\.|[^\"\\])*)\\?\"?|(\S+)", text):
        single, double, plain = part.groups()
        found.append(single if single is not None else _unescaped(double if double is not None else plain))
    # osquery keeps as many.
    return found[:50]


def _unescaped(text: str) -> str:
    def meant(found: re.Match[str]) -> str:
        return chr(int(found[1], 8) & 0xFF) if found[1][0] in "01234567" else _SHORT.get(found[1], found[1])

    return re.sub(r"\\([0-7]{1,3}|.)", meant, text)


def integer(text: str) -> int:
    """A number as SQLite's shell reads it: a sign, hexadecimal, a suffix; 0 for what is none."""
    found = re.match(r"([-+]?)(?:0x([0-9a-fA-F]*)|(\d*))(.*)", text)
    assert found
    number = int(found[2] or "0", 16) if found[2] is not None else int(found[3] or 0) * _SUFFIXES.get(found[4].lower(), 1)
    return -number if found[1] == "-" else number


def boolean(shell: Shell, text: str) -> bool:
    """Whether a word says yes; for one that says neither it is told that it is taken for no."""
    if re.fullmatch(r"\d+|0x[0-9a-fA-F]+", text):
        return bool(integer(text) & 0xFFFFFFFF)
    if text.lower() not in (*_ON, *_OFF):
        shell.tell(f'ERROR: Not a boolean value: "{text}". Assuming "no".')
    return text.lower() in _ON


def tables(shell: Shell) -> list[str]:
    """The tables and views that there are, sorted."""
    guard = shell.engine.connection.authorizer
    hidden = guard.hidden if isinstance(guard, Permitted) else set()
    return sorted({*registry.table_names(), *registry.view_names()} - hidden)


def types(shell: Shell, sql: str) -> None:
    """Write the names and types of the columns that a query has; UNKNOWN for what is computed."""
    try:
        statement = next(split(sql))
        for result in shell.engine.run(statement.sql, dict.fromkeys(statement.names)):
            shell.show(
                ("name", "type"), [(name, kind or "UNKNOWN") for name, kind in zip(result.columns, result.types, strict=True)]
            )
            result.close()
            break
    except StopIteration:
        shell.write_text("Error 1: no statement\n")
    except Error as error:
        shell.write_text(f"Error 1: {error.message if isinstance(error, QueryError) else error}\n")


def _all(shell: Shell, given: list[str]) -> int:
    # As osquery does it: more than a name is read as what it is.
    code, _ = shell.execute(" ".join(("SELECT * FROM", given[0])))
    if code:
        shell.tell(f"Error querying table: {given[0]}")
    return code


def _exit(shell: Shell, given: list[str]) -> int:
    if given and integer(given[0]):
        raise Exit(integer(given[0]) & 0xFF)
    return LEAVE


def _connect(shell: Shell, given: list[str]) -> int:
    shell.tell(f"Error: {FLAGS['connect'].refused}")
    return 1


def _disconnect(shell: Shell, given: list[str]) -> int:
    shell.tell("Error: Not connected to a socket")
    return 1


def _features(shell: Shell, given: list[str]) -> int:
    for name, flag in FLAGS.items():
        if flag.type == "bool" and name.startswith(("disable_", "enable_")):
            shell.write_text(f"{name}: {shell.given.values[name]}\n")
    return 0


def _mode(shell: Shell, given: list[str]) -> int:
    mode = {"lines": "line", "columns": "column"}.get(given[0], given[0])
    if mode not in MODES:
        shell.tell("Error: mode should be one of: column csv line list pretty")
        return 1
    shell.mode = mode
    if mode == "csv":
        shell.set_separator(",")
    return 0


def _tables(shell: Shell, given: list[str]) -> int:
    for name in tables(shell):
        if name.startswith(given[0] if given else ""):
            shell.write_text(f"  => {name}\n")
    return 0


def _schema(shell: Shell, given: list[str]) -> int:
    for name in tables(shell):
        if name.startswith(given[0] if given else ""):
            shell.write_text(f"CREATE TABLE {name}({', '.join(_columns(shell, name))});\n")
    return 0


def _columns(shell: Shell, name: str) -> list[str]:
    collated = set()
    if name in registry.table_names():
        collated = {column.name for column in registry.table(name).columns if column.collate == "NOCASE"}
    rows = shell.engine.connection.execute("SELECT name, type, hidden FROM pragma_table_xinfo(?)", (name,))
    return [
        f"`{column}` {kind or 'TEXT'}{' HIDDEN' * (hidden == 1)}{' COLLATE NOCASE' * (column in collated)}"
        for column, kind, hidden in rows
    ]


def _version(shell: Shell, given: list[str]) -> int:
    shell.write_text(f"osquery {VERSION}\nusing SQLite {apsw.sqlite_lib_version()}\n")
    return 0


def _show(shell: Shell, given: list[str]) -> int:
    from sqlports import __version__

    values = shell.given.values
    shell.write_text(f"sqlports {__version__}, in the manner of osquery\n" + "~" * 45 + "\n")
    _version(shell, [])
    general = {
        "Flagfile": values["flagfile"],
        "Config": f"{values['config_plugin']} ({values['config_path']})",
        "Logger": "",
        "Distributed": "",
        "Database": "",
        "Extensions": "",
        "Socket": "",
    }
    own = {
        "echo": "on" if shell.echo else "off",
        "headers": "on" if shell.headers else "off",
        "mode": shell.mode,
        "nullvalue": _quoted(shell.null),
        "output": shell.output.path or "stdout",
        "separator": _quoted(shell.separator),
        "width": "".join(f"{wide} " for wide in shell.widths[: shell.widths.index(0) if 0 in shell.widths else None]),
    }
    for title, said in (("General", general), ("Shell", own)):
        shell.write_text(f"\n{title} settings:\n" + "".join(f"{name:>13}: {value}\n" for name, value in said.items()))
    changed = [f"  {name}: {value}\n" for name, value in values.items() if value != FLAGS[name].default and len(name) > 2]
    shell.write_text("\nNon-default flags/options:\n" + "".join(changed))
    return 0


def _quoted(data: bytes) -> str:
    """Bytes in quotes as C has them."""
    short = {0x22: '\\"', 0x5C: "\\\\", 0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}
    return '"' + "".join(short.get(byte) or (chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in data) + '"'


def _width(shell: Shell, given: list[str]) -> int:
    for place, text in enumerate(given):
        shell.widths[place] = integer(text)
    return 0


def _help(shell: Shell, given: list[str]) -> int:
    lines = [f"{'.' + command.name + ' ' + command.argument:<17}{command.doc}" for command in COMMANDS if command.doc]
    shell.tell("SQL that ends with a semicolon is run; a line that begins with a dot is a command.\n\n" + "\n".join(lines))
    return 0


def _set(name: str) -> Callable[[Shell, list[str]], int]:
    """What sets an attribute of the shell that is on or off."""

    def act(shell: Shell, given: list[str]) -> int:
        setattr(shell, name, boolean(shell, given[0]))
        return 0

    return act


def _text(act: Callable[[Shell, list[str]], object]) -> Callable[[Shell, list[str]], int]:
    """What does this, in which nothing can go wrong."""

    def done(shell: Shell, given: list[str]) -> int:
        act(shell, given)
        return 0

    return done


_MANY = 50
# In the order in which a few letters are looked up.
COMMANDS = (
    Command("all", 1, (1, 1), _all, "TABLE", "Write all rows of a table"),
    Command("socket", 1, (0, 0), _text(lambda shell, given: shell.write(b"\n")), "", "Write the path of the extension socket"),
    Command("connect", 1, (1, 1), _connect),
    Command("disconnect", 1, (0, 0), _disconnect),
    Command("bail", 3, (1, 1), _set("bail"), "ON|OFF", "Stop at the first error, where commands come from a file"),
    Command("echo", 1, (1, 1), _set("echo"), "ON|OFF", "Write what is run before its results"),
    Command("exit", 1, (0, _MANY), _exit, "[CODE]", "Leave"),
    Command("features", 1, (0, 0), _features, "", "List what is enabled and disabled"),
    Command("headers", 1, (1, 1), _set("headers"), "ON|OFF", "Write the names of columns"),
    Command("help", 1, (0, _MANY), _help, "", "Tell the commands"),
    Command("mode", 1, (1, 1), _mode, "MODE", "How results are written: csv, column, line, list or pretty"),
    Command("nullvalue", 1, (1, 1), _text(lambda shell, given: shell.set_null(given[0])), "STR", "What stands for NULL"),
    Command("print", 3, (0, _MANY), _text(lambda shell, given: shell.write_text(" ".join(given) + "\n")), "STR…", "Write it"),
    Command("quit", 1, (0, 0), lambda shell, given: LEAVE, "", "Leave"),
    Command("schema", 1, (0, 1), _schema, "[TABLE]", "Write the columns of the tables whose name begins so"),
    Command("separator", 1, (1, 1), _text(lambda shell, given: shell.set_separator(given[0])), "STR", "For list and csv"),
    Command("show", 1, (0, 0), _show, "", "Write what is set"),
    Command("summary", 1, (0, 0), _show, "", "The same"),
    Command("tables", 2, (0, 1), _tables, "[TABLE]", "List the tables whose name begins so"),
    Command("list", 2, (0, 1), _tables),
    Command("timeout", 5, (1, 1), lambda shell, given: 0),
    Command("timer", 5, (1, 1), _set("timer"), "ON|OFF", "Write how long statements take"),
    Command("types", _MANY, (0, 0), lambda shell, given: 1, "SQL;", "Write the types of a query's columns"),
    Command("version", 1, (0, _MANY), _version, "", "Write the versions"),
    Command("width", 1, (1, _MANY), _width, "NUM…", "Widths of columns in mode column"),
)
