"""Functions of SQL that SQLite has not: a module for each theme, named in THEMES.

    @function("address")
    def is_loopback(ip: Value) -> int | None:
        \"\"\"1 for an address of the machine itself, 0 for another, NULL for no address.\"\"\"

Its name, its arguments (those with a default may be left out, all by position) and the first line of its docstring are what
help and completion show. It gives the same for the same arguments, always, and raises QueryError where one makes no sense.
What is dear to import is imported inside, for all of them are registered before the first statement.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple, TypeVar

import apsw

THEMES = ("addresses", "lists", "secrets")
# Those of osquery that mean another thing than SQLite's of the same name: for a connection that speaks as osquery does.
OSQUERYS: tuple[str, ...] = ()

# What an argument may be.
Value = int | float | str | bytes | None

_Function = TypeVar("_Function", bound=Callable[..., Value])


class Declared(NamedTuple):
    """A function: the kind of what it does, and what is called."""

    kind: str
    call: Callable[..., Value]

    @property
    def name(self) -> str:
        """As SQL calls it."""
        return self.call.__name__

    @property
    def arguments(self) -> str:
        """What it takes, as its manual would write it: `text [, hint]`."""
        code, left_out = self.call.__code__, len(self.call.__defaults__ or ())
        names = code.co_varnames[: code.co_argcount]
        needed, others = names[: len(names) - left_out], names[len(names) - left_out :]
        return ", ".join(needed) + "".join(f" [, {name}" for name in others) + "]" * left_out

    @property
    def counts(self) -> range:
        """How many arguments it takes."""
        most = self.call.__code__.co_argcount
        return range(most - len(self.call.__defaults__ or ()), most + 1)

    @property
    def doc(self) -> str:
        """What it gives, in a sentence."""
        return (self.call.__doc__ or "").partition("\n")[0]


_declared: dict[str, Declared] = {}


def function(kind: str) -> Callable[[_Function], _Function]:
    """Declare a function of SQL."""

    def declare(call: _Function) -> _Function:
        _declared[call.__name__] = Declared(kind, call)
        return call

    return declare


def declared() -> tuple[Declared, ...]:
    """All of them, those of a theme together."""
    for theme in THEMES:
        import_module(f"{__name__}.{theme}")
    return tuple(_declared.values())


def register(connection: apsw.Connection, osquery: bool = False) -> None:
    """Have a connection know them; with osquery's in place of SQLite's where `osquery`."""
    for one in declared():
        for count in one.counts:
            connection.create_scalar_function(one.name, one.call, count, deterministic=True)
