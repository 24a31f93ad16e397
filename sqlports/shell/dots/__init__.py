"""The prompt's own commands, those that begin with a dot: a function each, in the file of its kind.

A function under `@command` is a command: its name, without an underscore at its end, is the command's, its docstring the help,
whose first sentence is the summary. It takes the shell and the text behind the command's name.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from sqlports.errors import Error, nearest

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell

Function = Callable[["Shell", str], None]


class Command(NamedTuple):
    """A command.

    name      with its dot
    function  what it does, given the shell and its argument
    argument  the argument as help shows it; '' for a command that takes none
    choices   what the words of the argument are, for completion: 'relations', 'modes', 'commands', 'functions', 'queries',
              'audits', 'settings', 'switches', 'numbers', 'files', 'sql', one after the other; '' for what could not be
              completed
    """

    name: str
    function: Function
    argument: str = ""
    choices: str = ""

    @property
    def doc(self) -> str:
        """The help."""
        return " ".join((self.function.__doc__ or "").split())


# What there is to do about a command that there is not.
LISTING = ".help lists them"


class CommandError(Error):
    """A command is unknown or wrongly used."""


class Leave(Exception):
    """The prompt is to end."""


_COMMANDS: dict[str, Command] = {}


def command(argument: str = "", choices: str = "") -> Callable[[Function], Function]:
    """Declare a command."""

    def declare(function: Function) -> Function:
        name = "." + function.__name__.rstrip("_")
        _COMMANDS[name] = Command(name, function, argument, choices)
        return function

    return declare


@cache
def commands() -> dict[str, Command]:
    """All commands, by their names with the dot, sorted."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    return dict(sorted(_COMMANDS.items()))


def one_of(word: str, names: Sequence[str], what: str, otherwise: str = "") -> str:
    """The name that a word is or begins. Raises CommandError when none or several are; `otherwise` is told instead of all."""
    word = word.lower()
    begun = [word] if word in names else [name for name in names if name.startswith(word) and word != "."]
    if len(begun) == 1:
        return begun[0]
    if begun:
        raise CommandError(f"{word} may be {', '.join(begun[:-1])} or {begun[-1]}")
    raise CommandError(unknown(f"no such {what}: {word}", word, names, otherwise or f"there are {', '.join(names)}"))


def unknown(message: str, word: str, names: Sequence[str], otherwise: str = "") -> str:
    """The message and the name that was probably meant, or else what could be done."""
    meant = nearest(word, list(names))
    hint = f"did you mean {meant}?" if meant else otherwise
    return f"{message} ({hint})" if hint else message
