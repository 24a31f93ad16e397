"""The commands `sqlports tables` and `sqlports schema`: what can be asked, as rows."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlports.engine import Engine


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments: nothing, ever."""
    return None


def run(engine: Engine, options: Namespace) -> None:
    """`sqlports tables WORD…` and `sqlports schema TABLE…`. Raises QueryError where there is no such table, and OSError."""
    from sqlports import catalogue, modes
    from sqlports.errors import QueryError
    from sqlports.output import Output
    from sqlports.session import remark

    command, *names = options.sql
    output = Output(options.output, options.mode)
    if command == "tables" or not names:
        wanted = [row for row in catalogue.relations() if all(name.lower() in row[0] for name in names)]
        if not wanted:
            raise QueryError(f"no table's name has {' and '.join(names)} in it")
        remark(modes.write(catalogue.TABLES, wanted, options.mode, output))
    for name in names if command == "schema" else []:
        try:
            rows = list(catalogue.columns(name.lower(), engine.connection))
        except KeyError:
            raise QueryError(f"no such table: {name}", hint=catalogue.meant(name)) from None
        remark(modes.write(catalogue.COLUMNS, rows, options.mode, output))
    output.close()
