"""The commands `sqlports tables`, `schema`, `describe` and `functions`: what can be asked, for people and for machines."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.output import Output


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    if options.sql[0] == "describe" and len(options.sql) == 1:
        return "which table? sqlports describe sockets; sqlports tables lists them"
    return None


def run(engine: Engine, options: Namespace) -> None:
    """Write what is asked for. Raises QueryError where there is no such table, and OSError."""
    from sqlports.about import catalogue
    from sqlports.output import Output

    command, *names = options.sql
    output = Output(options.output, options.mode)
    if command == "functions":
        words = " ".join(names)
        _write(catalogue.FUNCTIONS, _some(catalogue.functions(words), f"no function has {words} in it"), options, output)
    elif command == "tables" or not names:
        wanted = [row for row in catalogue.relations() if all(name.lower() in row[0] for name in names)]
        _write(catalogue.TABLES, _some(wanted, f"no table's name has {' and '.join(names)} in it"), options, output)
    elif command == "schema":
        for name in _known(names):
            _write(catalogue.COLUMNS, catalogue.columns(name, engine.connection), options, output)
    else:
        _describe(engine, _known(names), options, output)
    output.close()


def _describe(engine: Engine, names: list[str], options: Namespace, output: Output) -> None:
    from sqlports.about import catalogue, describe

    if options.mode in ("json", "jsonl"):
        facts = [describe.facts(name, engine.connection) for name in names]
        if options.mode == "json":
            output.write(json.dumps(facts, indent=1, ensure_ascii=False) + "\n")
        else:
            output.write("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in facts))
        return
    for number, name in enumerate(names):
        if options.mode == "table":
            output.write(("\n" if number else "") + describe.page(name, engine.connection, output.columns))
        else:
            _write(catalogue.COLUMNS, catalogue.columns(name, engine.connection), options, output)


def _known(names: Sequence[str]) -> list[str]:
    """The names as they are written. Raises QueryError for one that no table has."""
    from sqlports import registry
    from sqlports.about import catalogue
    from sqlports.errors import QueryError

    for name in names:
        if name.lower() not in (*registry.table_names(), *registry.view_names()):
            raise QueryError(f"no such table: {name}", hint=catalogue.meant(name))
    return [name.lower() for name in names]


def _some(rows: Iterable[Any], otherwise: str) -> list[Any]:
    from sqlports.errors import QueryError

    found = list(rows)
    if not found:
        raise QueryError(otherwise)
    return found


def _write(columns: Sequence[str], rows: Iterable[Any], options: Namespace, output: Output) -> None:
    from sqlports import modes
    from sqlports.session import remark

    remark(modes.write(columns, rows, options.mode, output, modes.LIST))
