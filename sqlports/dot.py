"""The prompt's own commands, those that begin with a dot. A command's docstring is its help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import apsw

from sqlports import catalogue, registry
from sqlports.catalogue import summary
from sqlports.errors import Error, nearest
from sqlports.names import Relation
from sqlports.render import MODES

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.names import Names


class Shell(Protocol):
    """What commands work on."""

    mode: str
    names: Names
    engine: Engine

    @property
    def columns(self) -> int | None:
        """The width of the terminal; None where the output is none."""

    def show(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Write a result in the current mode."""

    def write(self, text: str) -> None:
        """Write text that is safe."""


class Command(NamedTuple):
    """A command.

    function  what it does, given the shell and its argument
    argument  the argument as help shows it; '' for a command that takes none
    choices   what the argument is one of: 'relations', 'modes', 'commands'; '' for nothing
    """

    function: Callable[[Shell, str], None]
    argument: str = ""
    choices: str = ""

    @property
    def doc(self) -> str:
        """The help."""
        return " ".join((self.function.__doc__ or "").split())


class CommandError(Error):
    """A command is unknown or wrongly used."""


class Leave(Exception):
    """The prompt is to end."""


def tables(shell: Shell, pattern: str) -> None:
    """List the tables and views. With PATTERN those whose name has it in it; * and % stand for any characters, ? for one."""
    wanted = [relation for relation in shell.names.relations() if _like(pattern).search(relation.name)]
    if pattern and not wanted:
        raise CommandError(f"no table's name is like {pattern}")
    shell.show(catalogue.TABLES, wanted)


def port(shell: Shell, words: str) -> None:
    """Tell all there is to say about a port, or about several. A PORT is 8080, 53/udp or https."""
    from sqlports import port_report, port_text

    if not words:
        raise CommandError("which port? .port 8080")
    for number, (one, protocols) in enumerate(port_report.wanted(shell.engine, words.split())):
        page = port_text.page(port_report.facts(shell.engine, one, protocols), shell.columns)
        shell.write(("\n" if number else "") + page)


def schema(shell: Shell, name: str) -> None:
    """Show the columns of a table or the SQL of a view. Without NAME those of all."""
    names = shell.names
    for number, relation in enumerate([name] if name else [relation.name for relation in names.relations()]):
        known = relation.lower()
        text = catalogue.schema(known) if known in (*registry.table_names(), *registry.view_names()) else names.sql(relation)
        if text is None:
            raise CommandError(_unknown(f"no such table: {relation}", known, [there.name for there in names.relations()]))
        shell.write(("\n" if number else "") + text + "\n")


def mode(shell: Shell, name: str) -> None:
    """Show or set how results are written. MODE is table, json, jsonl, csv, tsv, markdown or line, or how one begins."""
    if name:
        shell.mode = _one_of(name, MODES, "mode")
    else:
        shell.write(shell.mode + "\n")


def help_(shell: Shell, name: str) -> None:
    """List the commands, or tell what one does."""
    if name:
        found = _one_of("." + name.removeprefix("."), tuple(COMMANDS), "command")
        shell.write(f"{found} {COMMANDS[found].argument}".rstrip() + f"\n{COMMANDS[found].doc}\n")
        return
    lines = [(f"{name} {command.argument}", summary(command.doc)) for name, command in COMMANDS.items()]
    margin = max(len(usage) for usage, _ in lines)
    shell.write("".join(f"{usage:<{margin}}  {doc}\n" for usage, doc in lines))
    shell.write("\nAll else is SQL and ends with a semicolon, over as many lines as it takes.\n")
    shell.write("Tab completes, Alt-Enter adds a line, Ctrl-R searches, Ctrl-C stops, Ctrl-D leaves.\n")


def quit_(shell: Shell, _: str) -> None:
    """Leave. Ctrl-D on an empty line does too."""
    raise Leave


COMMANDS = {
    ".exit": Command(quit_),
    ".help": Command(help_, "[COMMAND]", "commands"),
    ".mode": Command(mode, "[MODE]", "modes"),
    ".port": Command(port, "PORT"),
    ".quit": Command(quit_),
    ".schema": Command(schema, "[NAME]", "relations"),
    ".tables": Command(tables, "[PATTERN]", "relations"),
}

# People type these without the dot. None of them begins a statement.
_WORDS = {"exit", "help", "quit"}


def command_in(text: str) -> str | None:
    """The command that an input is, with its dot; None when the input is SQL."""
    stripped = text.strip()
    # In the middle of a statement, on a line of its own: whoever types it wants out of there.
    last = stripped.rpartition("\n")[2].strip()
    if last != stripped and last.startswith(".") and last.split()[0].lower() in COMMANDS:
        return last
    word = stripped.removesuffix(";").rstrip().lower()
    if word in _WORDS:
        return f".{word}"
    return stripped if stripped.startswith(".") else None


def unfinished(text: str) -> bool:
    """Whether an input needs more lines before it can run."""
    if command_in(text) or "\0" in text:
        return False
    # A comment ends with its line.
    sql = text.encode("utf-8", "replace").decode() + "\n"
    return apsw.incomplete(sql).status == apsw.SQLITE_ERROR


def parts(text: str) -> tuple[str, str | None]:
    """A command's name in small letters and what follows it; None when the name is not ended."""
    name, *rest = re.split(r"\s+", text.lstrip(), maxsplit=1)
    return name.lower(), rest[0] if rest else None


def choices(text: str, names: Names) -> tuple[str, list[Relation]]:
    """What can end a command that is being typed: the word at its end, and the names that may stand there."""
    command, argument = parts(text)
    commands = [Relation(name, "command", summary(known.doc)) for name, known in COMMANDS.items()]
    if argument is None:
        return text.lstrip(), commands
    kind = next((known.choices for name, known in COMMANDS.items() if name.startswith(command)), "")
    if kind == "relations":
        return argument, names.relations()
    if kind == "modes":
        return argument, [Relation(name, "mode") for name in MODES]
    return argument, [command._replace(name=command.name[1:]) for command in commands] if kind else []


def run(shell: Shell, text: str) -> None:
    """Run a command. Raises CommandError, Leave when it was to leave, OSError when the output fails."""
    word, rest = parts(text.rstrip().rstrip(";"))
    name = _one_of(word, tuple(COMMANDS), "command")
    argument = (rest or "").strip()
    if len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\"":
        argument = argument[1:-1]
    if argument and not COMMANDS[name].argument:
        raise CommandError(f"{name} takes no argument")
    COMMANDS[name].function(shell, argument)


def _one_of(word: str, names: Sequence[str], what: str) -> str:
    """The name that a word is or begins. Raises CommandError when none or several are."""
    word = word.lower()
    begun = [word] if word in names else [name for name in names if name.startswith(word) and word != "."]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise CommandError(f"{word} may be {', '.join(begun[:-1])} or {begun[-1]}")
    raise CommandError(_unknown(f"no such {what}: {word}", word, names, f"there are {', '.join(names)}"))


def _unknown(message: str, word: str, names: Sequence[str], otherwise: str = "") -> str:
    meant = nearest(word, list(names))
    hint = f"did you mean {meant}?" if meant else otherwise
    return f"{message} ({hint})" if hint else message


def _like(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression; one without wildcards may stand anywhere in a name."""
    if not re.search(r"[*%?]", pattern):
        return re.compile(re.escape(pattern), re.IGNORECASE)
    parts = {"*": ".*", "%": ".*", "?": "."}
    return re.compile("^" + "".join(parts.get(letter) or re.escape(letter) for letter in pattern) + "$", re.IGNORECASE)
