"""environ: the environment as the process was started with it, or as it has written over it since (proc_pid_environ(5))."""

from __future__ import annotations

from typing import NamedTuple

from sqlports.sources.parts import Place
from sqlports.sources.procfs import text


class Variable(NamedTuple):
    """An entry of the environment. `value` is None where it has no '=', as a process may write anything there."""

    pid: int
    key: str
    value: str | None


NOTHING: tuple[Variable, ...] = ()


def read(place: Place) -> tuple[Variable, ...]:
    """The part. Raises OSError."""
    return parse(place.subject.pid, place.of_memory("environ"))


def parse(pid: int, data: bytes) -> tuple[Variable, ...]:
    """The file's bytes, in their order, with every entry of one name. None for a kernel thread or zombie.

    Where nothing is between two NULs there is no entry: so it looks where a process wrote its title over the environment.
    """
    found = []
    for entry in data.split(b"\0"):
        if entry:
            key, sign, value = entry.partition(b"=")
            found.append(Variable(pid, text(key), text(value) if sign else None))
    return tuple(found)
