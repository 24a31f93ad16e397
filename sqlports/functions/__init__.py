"""Functions of SQL that SQLite has not, and collations: a module for each theme, named in THEMES.

    @function("address")
    def is_loopback(ip: Value) -> int | None:
        \"\"\"1 for an address of the machine itself, 0 for another, NULL for no address.\"\"\"

Its name, its arguments (those with a default, and all of `*value`, may be left out, all by position) and the first line of its
docstring are what help and completion show. It gives the same for the same arguments, always, and raises QueryError where one
makes no sense. What is dear to import is imported inside, for all of them are registered before the first statement.

`@function("text", host=True)` is given the engine before its arguments, to say how long it works or to look below its root;
`deterministic=False` is for what is not the same always. A collation is declared alike, and compares two texts:

    @collation
    def ip(left: str, right: str) -> int:
        \"\"\"Addresses by their numbers.\"\"\"
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar

import apsw

if TYPE_CHECKING:
    from sqlports.sources.snapshot import Snapshot

THEMES = ("addresses", "lists", "secrets", "texts", "encodings", "networks", "paths", "versions", "numbers", "times")
# Those of osquery that mean another thing than SQLite's of the same name: for a connection that speaks as osquery does.
OSQUERYS = ("osquery_numbers", "osquery_texts")

# What an argument may be.
Value = int | float | str | bytes | None

_Function = TypeVar("_Function", bound=Callable[..., Value])
_Collation = TypeVar("_Collation", bound=Callable[[str, str], int])

_VARIADIC = 0x04  # CO_VARARGS of inspect, which is dear to import


class Host(Protocol):
    """What a function may know of the engine that calls it.

    root          the root of the file system that is looked at
    reverse_dns   whether name servers may be asked
    snapshot_now  the look that is being taken; None where none is
    """

    root: str
    reverse_dns: bool
    snapshot_now: Snapshot | None

    def check(self) -> None:
        """Called again and again by what takes long. Raises Stopped when the statement has to end."""


class Declared(NamedTuple):
    """A function: the kind of what it does, what is called, and whether it is given the engine; or a collation."""

    kind: str
    call: Callable[..., Value]
    host: bool = False
    deterministic: bool = True

    @property
    def name(self) -> str:
        """As SQL calls it."""
        return self.call.__name__

    @property
    def arguments(self) -> str:
        """What it takes, as its manual would write it: `text [, hint]`, `separator [, value, …]`."""
        code, left_out = self.call.__code__, len(self.call.__defaults__ or ())
        names = code.co_varnames[self.host : code.co_argcount]
        needed, others = names[: len(names) - left_out], names[len(names) - left_out :]
        if code.co_flags & _VARIADIC:
            more = f"{code.co_varnames[code.co_argcount]}, …]"
            return ", ".join(needed) + (" [, " if needed else "[") + more
        return ", ".join(needed) + "".join(f" [, {name}" for name in others) + "]" * left_out

    @property
    def counts(self) -> range:
        """How many arguments it takes; -1 for any number."""
        code = self.call.__code__
        if code.co_flags & _VARIADIC:
            return range(-1, 0)
        most = code.co_argcount - self.host
        return range(most - len(self.call.__defaults__ or ()), most + 1)

    @property
    def doc(self) -> str:
        """What it gives, in a sentence."""
        return (self.call.__doc__ or "").partition("\n")[0]


_declared: dict[tuple[str, str], Declared] = {}


def function(kind: str, host: bool = False, deterministic: bool = True) -> Callable[[_Function], _Function]:
    """Declare a function of SQL."""

    def declare(call: _Function) -> _Function:
        _declared[call.__module__, call.__name__] = Declared(kind, call, host, deterministic)
        return call

    return declare


def collation(call: _Collation) -> _Collation:
    """Declare a collation: negative, 0 or positive for a text that is less than another, the same to it, or greater."""
    _declared[call.__module__, call.__name__] = Declared("collation", call)
    return call


def declared(osquery: bool = False) -> tuple[Declared, ...]:
    """All functions, those of a theme together; with osquery's that are called as SQLite's where `osquery`."""
    return tuple(one for one in _all(osquery) if one.kind != "collation")


def collations() -> tuple[Declared, ...]:
    """All collations."""
    return tuple(one for one in _all(False) if one.kind == "collation")


def register(connection: apsw.Connection, host: Host, osquery: bool = False) -> None:
    """Have a connection know them; with osquery's in place of SQLite's where `osquery`."""
    for one in declared(osquery):
        call = partial(one.call, host) if one.host else one.call
        for count in one.counts:
            connection.create_scalar_function(one.name, call, count, deterministic=one.deterministic)
    for one in collations():
        call = one.call
        connection.create_collation(one.name, call)  # type: ignore[arg-type] # it gives an integer: `collation` has seen to that


def _all(osquery: bool) -> list[Declared]:
    modules = [f"{__name__}.{theme}" for theme in (*THEMES, *(OSQUERYS if osquery else ()))]
    for module in modules:
        import_module(module)
    return [one for (module, _), one in _declared.items() if module in modules]
