"""The command `sqlports port PORT…`: all there is to say about a port, for people, or with --json for programs."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.sources.refusals import Refusal


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    if len(options.sql) < 2:
        return "which port? sqlports port 8080, sqlports port 53/udp, sqlports port https"
    if options.mode not in ("table", "json"):
        return f"what there is to say of a port is text, or --json: there is no --{options.mode} of it"
    return None


def run(engine: Engine, options: Namespace) -> None:
    """Write the page of each port. Raises QueryError and its like, OSError."""
    from sqlports import notice
    from sqlports.commands import port_report, port_text
    from sqlports.output import Output
    from sqlports.session import complain, stoppable

    output = Output(options.output, options.mode)
    refusals: list[Refusal] = []
    found: list[port_report.Facts] = []
    with stoppable(engine):
        for port, protocols in port_report.wanted(engine, options.sql[1:]):
            facts = port_report.facts(engine, port, protocols)
            found.append(facts)
            refusals += engine.refusals
            if options.mode == "table":
                output.write(("\n" if len(found) > 1 else "") + port_text.page(facts, output.columns))
                output.flush()
    if options.mode == "json":
        output.write(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    output.close()
    told = None if options.quiet else notice.not_permitted(refusals, "--json has the details.")
    if told:
        complain(told)
