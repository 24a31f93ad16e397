"""The command `sqlports run`: lists the named queries. `sqlports run NAME` is read here and runs as SQL does."""

from __future__ import annotations

import argparse
import json
from argparse import Namespace
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.queries.parameters import Parameter
    from sqlports.queries.saved import Query

LIST = ("name", "description", "parameters")


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments: nothing, ever."""
    return None


def run(engine: Engine, options: Namespace) -> None:
    """List the named queries: rows for people, with --json and --jsonl all there is to know of each. Raises OSError."""
    from sqlports import modes
    from sqlports.output import Output
    from sqlports.queries import saved
    from sqlports.session import complain, remark

    found, faults = saved.queries()
    output = Output(options.output, options.mode)
    if options.mode == "json":
        output.write(json.dumps([facts(query) for query in found], indent=1, ensure_ascii=False) + "\n")
    elif options.mode == "jsonl":
        output.write("".join(json.dumps(facts(query), ensure_ascii=False) + "\n" for query in found))
    else:
        remark(modes.write(*rows(found, output.columns if options.mode == "table" else None), options.mode, output, modes.LIST))
    output.close()
    for fault in faults:
        complain(fault)


def rows(found: Sequence[Query], columns: int | None) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The queries as names of columns and rows, without their parameters where so many columns of a terminal have no room."""
    listed = [(query.name, query.title, _brief(query)) for query in found]
    widths = [max((len(row[place]) for row in listed), default=0) for place in range(len(LIST))]
    if columns is None or sum(widths) + 2 * len(widths) <= columns:
        return LIST, list(listed)
    return LIST[:2], [row[:2] for row in listed]


def _brief(query: Query) -> str:
    return " ".join(parameter.name if parameter.required else f"[{parameter.name}]" for parameter in query.parameters)


def facts(query: Query) -> dict[str, Any]:
    """All there is to know of a query, for programs."""
    return {
        "name": query.name,
        "title": query.title,
        "description": query.details or None,
        "parameters": [
            {
                "name": parameter.name,
                "type": parameter.type,
                "words": list(parameter.words),
                "required": parameter.required,
                "default": parameter.default,
                "description": parameter.doc or None,
            }
            for parameter in query.parameters
        ],
        "tags": list(query.tags),
        "platforms": list(query.platforms),
        "own": query.own,
        "path": query.path,
    }


def expand(options: Namespace, parser: argparse.ArgumentParser, arguments: Sequence[str]) -> Namespace:
    """The options as if the named query had been given as SQL. Raises Misuse; exits with status 2 on an unknown option.

    `options` are what the parser made of the arguments so far: the second word is the query's name.
    """
    from sqlports.options import Misuse, utf8
    from sqlports.queries import parameters, saved
    from sqlports.session import complain

    name = utf8(options.sql[1])
    try:
        query = saved.find(name)
    except saved.SavedError as error:
        raise Misuse(str(error)) from None
    parser.add_argument("--sql", dest="show_sql", action="store_true")
    for parameter in query.parameters:
        # The command's own option comes first; -p gives the parameter then.
        try:
            parser.add_argument(parameter.option, dest=f":{parameter.name}", action="append", default=[])
        except argparse.ArgumentError:
            continue
    parser.usage = f"sqlports run {name} {query.usage}".rstrip() + " [OPTION]…"
    read, unknown = parser.parse_known_intermixed_args(arguments)
    if unknown:
        raise Misuse(_unknown(unknown[0], query))
    read.command, read.query = None, query
    if read.help or read.show_sql:
        return read
    given = list(read.param)
    for parameter in query.parameters:
        given += [(parameter.name, utf8(text)) for text in getattr(read, f":{parameter.name}", [])]
    try:
        words, named = parameters.told_apart(query.parameters, map(utf8, read.sql[2:]))
        values = parameters.bind(query.parameters, words, given + named)
    except parameters.ParameterError as error:
        raise Misuse(f"{name}: {error}\nsqlports run {name} --help tells what it takes") from None
    if not saved.fits(query):
        complain(f"{name} is made for {', '.join(query.platforms)}")
    read.sql, read.param = [query.sql], list(values.items())
    return read


def _unknown(word: str, query: Query) -> str:
    from sqlports.errors import nearest

    option = word.partition("=")[0]
    meant = nearest(option, [parameter.option for parameter in query.parameters])
    hint = f"did you mean {meant}?" if meant else f"sqlports run {query.name} --help tells what it takes"
    return f"{query.name} has no {option}: {hint}"


def page(query: Query, how: str = "sqlports run ") -> str:
    """What a query tells, and how it is run, as text for people. `how` stands before its name."""
    parts = [f"{how}{query.name} {query.usage}".rstrip(), query.title]
    parts += [query.details] if query.details else []
    if query.parameters:
        margin = max(len(f"{parameter.option} {parameter.takes}") for parameter in query.parameters)
        lines = [
            f"  {parameter.option + ' ' + parameter.takes:<{margin}}  {_told(parameter)}" for parameter in query.parameters
        ]
        parts.append("\n".join(line.rstrip() for line in lines))
    facts = {"tags": ", ".join(query.tags), "for": ", ".join(query.platforms), "file": query.path}
    parts.append("\n".join(f"{label}: {text}" for label, text in facts.items() if text))
    return "\n\n".join(parts) + "\n"


def _told(parameter: Parameter) -> str:
    default = "" if parameter.required or parameter.default is None else f"[{parameter.default}]"
    return " ".join(filter(None, (parameter.doc, default)))
