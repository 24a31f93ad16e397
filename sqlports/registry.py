"""Which tables and views there are: one .py file each for a table, one .sql file each for a view.

The names come from the directory alone, so that nothing is imported until a statement asks for a table.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlports.schema import Table


class View(NamedTuple):
    """A view: its name, what it is and what its columns are (the leading comment of its file), the SELECT it stands for."""

    name: str
    doc: str
    columns: dict[str, str]
    sql: str


@cache
def table_names() -> tuple[str, ...]:
    """The names of all tables, sorted."""
    return _names(".py")


@cache
def view_names() -> tuple[str, ...]:
    """The names of all views, sorted."""
    return _names(".sql")


@cache
def table(name: str) -> Table:
    """The table of this name. Raises KeyError when there is none, TableError when its file does not declare it."""
    from sqlports.schema import Table, TableError

    if name not in table_names():
        raise KeyError(name)
    found = getattr(importlib.import_module(f"sqlports.tables.{name}"), name, None)
    if not isinstance(found, Table):
        raise TableError(f"tables/{name}.py declares no table called {name}")
    return found


@cache
def view(name: str) -> View:
    """The view of this name. Raises KeyError when there is none."""
    if name not in view_names():
        raise KeyError(name)
    with open(os.path.join(_directory(), name + ".sql"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    comment = 0
    while lines[comment].startswith("--"):
        comment += 1
    said = [line.removeprefix("--") for line in lines[:comment]]
    # What is set in is a column, and what it is.
    columns = dict(line.split(None, 1) for line in said if line.startswith("  "))
    doc = "\n".join(line.strip() for line in said if not line.startswith("  "))
    return View(name, doc, columns, "\n".join(lines[comment:]).strip().rstrip(";"))


def _directory() -> str:
    return str(importlib.import_module("sqlports.tables").__path__[0])


def _names(suffix: str) -> tuple[str, ...]:
    return tuple(
        sorted(
            name.removesuffix(suffix) for name in os.listdir(_directory()) if name.endswith(suffix) and not name.startswith("_")
        )
    )
