"""The command `sqlports explain SQL`: the plan of a query in words, without running it."""

from __future__ import annotations

from argparse import Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlports.engine import Engine


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    if len(options.sql) != 2:
        return 'a statement is one argument: sqlports explain "SELECT … FROM …"'
    return None


def run(engine: Engine, options: Namespace) -> None:
    """Write the plan, as rows in any mode but that for people. Raises QueryError and OSError."""
    from sqlports import modes
    from sqlports.about import explain, plan_page
    from sqlports.options import utf8
    from sqlports.output import Output
    from sqlports.session import remark

    steps = explain.explain(engine, utf8(options.sql[1]), dict(options.param))
    output = Output(options.output, options.mode)
    if options.mode == "table":
        output.write(plan_page.page(steps, output.columns))
    else:
        remark(modes.write(plan_page.COLUMNS, plan_page.rows(steps), options.mode, output, modes.LIST))
    output.close()
