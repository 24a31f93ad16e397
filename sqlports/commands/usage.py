"""The command `sqlports help`, and what --help and --version show: how sqlports, a command or a named query is used."""

from __future__ import annotations

import textwrap
from argparse import Namespace

from sqlports import __version__
from sqlports.commands import COMMANDS

WIDTH = 100


def show(options: Namespace) -> None:
    """Write the help, or the version, that is asked for. Raises Misuse when there is no such topic, and OSError."""
    from sqlports.cells import safe
    from sqlports.output import Output

    output = Output(None, "table")
    if options.version:
        text = f"sqlports {__version__}\n"
    elif options.show_sql and not options.help:
        text = options.query.sql
    else:
        text = _help(options, min(output.columns or WIDTH, WIDTH))
    output.write("\n".join(safe(line) for line in text.split("\n")))
    output.close()


def _help(options: Namespace, columns: int) -> str:
    from sqlports.options import make_parser

    if options.query is not None:
        return wrapped(_query(options.query), columns)
    topics = options.sql[1:] if options.command == "help" else [options.command] if options.command else []
    if not topics:
        return make_parser().format_help()
    return "\n".join(wrapped(_topic(topic), columns) for topic in topics)


def _topic(name: str) -> str:
    from sqlports.commands import overview
    from sqlports.errors import nearest
    from sqlports.options import Misuse, make_parser
    from sqlports.queries import saved

    command = COMMANDS.get(name)
    if command:
        usage = f"usage: sqlports {name} {command.argument}".rstrip()
        own = overview.of_command(make_parser(), name, WIDTH)
        more = "sqlports --help tells the others." if own else "sqlports --help tells the options."
        return "\n\n".join(filter(None, (usage, command.doc, own, more))) + "\n"
    if name in saved.names():
        try:
            return _query(saved.find(name))
        except saved.SavedError as error:
            raise Misuse(str(error)) from None
    meant = nearest(name, [*COMMANDS, *saved.names()])
    raise Misuse(
        f"there is no help on {name}" + (f": did you mean {meant}?" if meant else ": sqlports help lists the commands")
    )


def _query(query: object) -> str:
    from sqlports.commands import run
    from sqlports.queries.saved import Query

    assert isinstance(query, Query)
    return f"usage: {run.page(query)}\nsqlports run {query.name} --sql shows its SQL; sqlports --help tells the options.\n"


def wrapped(text: str, columns: int) -> str:
    """The text with its long lines broken between words; one that is set in goes on under its second column."""
    lines: list[str] = []
    for line in text.split("\n"):
        margin = line.find("  ", 2) + 2 if line.startswith("  ") and "  " in line[2:] else 0
        while line[margin : margin + 1] == " ":
            margin += 1
        indent = " " * (margin if margin < columns // 2 else 4 if margin else 0)
        broken = textwrap.wrap(line, columns, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)
        lines += broken or [""]
    return "\n".join(lines)
