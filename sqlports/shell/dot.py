"""An input that is one of the prompt's own commands: told from SQL, completed, run."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import apsw

from sqlports.catalogue import summary
from sqlports.modes import MODES
from sqlports.shell.dots import CommandError, commands, one_of
from sqlports.shell.names import Relation

if TYPE_CHECKING:
    from sqlports.shell.names import Names
    from sqlports.shell.shell import Shell

# People type these without the dot. None of them begins a statement.
_WORDS = {"exit", "help", "quit"}


def command_in(text: str) -> str | None:
    """The command that an input is, with its dot; None when the input is SQL."""
    stripped = text.strip()
    # In the middle of a statement, on a line of its own: whoever types it wants out of there.
    last = stripped.rpartition("\n")[2].strip()
    if last != stripped and last.startswith(".") and last.split()[0].lower() in commands():
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
    known = [Relation(name, "command", summary(found.doc)) for name, found in commands().items()]
    if argument is None:
        return text.lstrip(), known
    kind = next((found.choices for name, found in commands().items() if name.startswith(command)), "")
    if kind == "relations":
        return argument, names.relations()
    if kind == "modes":
        return argument, [Relation(name, "mode") for name in MODES]
    return argument, [found._replace(name=found.name[1:]) for found in known] if kind else []


def run(shell: Shell, text: str) -> None:
    """Run a command. Raises CommandError, Leave when it was to leave, OSError when the output fails."""
    word, rest = parts(text.rstrip().rstrip(";"))
    found = commands()[one_of(word, tuple(commands()), "command")]
    argument = (rest or "").strip()
    if len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\"":
        argument = argument[1:-1]
    if argument and not found.argument:
        raise CommandError(f"{found.name} takes no argument")
    found.function(shell, argument)
