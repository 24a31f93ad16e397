"""The options of the command, and what their values are."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from sqlports.audit import SEVERITIES
from sqlports.audit.formats import FORMATS
from sqlports.cells import safe
from sqlports.commands import COMMANDS
from sqlports.errors import Error, nearest
from sqlports.modes import MODES

# The exit status of wrong usage.
USAGE = 2


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are safe to show."""

    def format_help(self) -> str:
        """All options and commands, for the width of the terminal."""
        import shutil

        from sqlports.commands import overview

        return overview.text(self, min(shutil.get_terminal_size().columns, 100))

    def error(self, message: str) -> NoReturn:
        """Say how the command is used and what is wrong, and exit with status 2."""
        from sqlports.session import complain

        # Given no file, it would be written among the data.
        if sys.stderr is not None:
            self.print_usage(sys.stderr)
        complain(safe(message))
        self.exit(USAGE)


class Misuse(Error):
    """The arguments are wrong: the command ends with status 2."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, and what they come to: `command`, the word that is no SQL, or None.

    A named query is SQL here, with its parameters. Raises Misuse; exits with status 2 on an option that is wrong in itself.
    """
    parser = make_parser()
    options, unknown = parser.parse_known_intermixed_args(arguments)
    options.command = options.sql[0] if options.sql and options.sql[0] in COMMANDS else None
    options.query, options.show_sql = None, False
    _take_audits(options)
    if options.version:
        return options
    if options.command == "run" and len(options.sql) > 1:
        from sqlports.commands import run

        options = run.expand(options, parser, arguments)
        _take_audits(options)
        return options
    if unknown:
        from sqlports.queries.saved import names

        later = next((word for word in unknown if word in names()), None)
        if options.command == "run" and later:
            raise Misuse(f"sqlports run {later}: its parameters stand behind its name")
        if options.sql[:1] and options.sql[0] in names():
            raise Misuse(f"{options.sql[0]} is a named query: sqlports run {' '.join((*options.sql, *unknown))}")
        options_of_all = [name for action in parser._actions for name in action.option_strings]
        parser.error(f"unrecognized arguments: {' '.join(unknown)}" + _meant(unknown[0], options_of_all))
    if options.param and options.command != "audit":
        from sqlports.queries.parameters import number

        dotted = next((name for name, _ in options.param if not name.isidentifier()), None)
        if dotted:
            raise Misuse(f"{dotted!r} is no name of a parameter: the audit before the dot is for sqlports audit")

        options.param = [(name, number(value)) for name, value in options.param]
    return options


def _take_audits(options: argparse.Namespace) -> None:
    """Keep what was given of the options that are for audits alone, by their names, and take the rest as it is without."""
    names = ("format", "report", "severity", "tag", "fail_on", "strict", "waivers", "baseline", "write_baseline", "verbose")
    options.of_audits = {"--" + name.replace("_", "-"): getattr(options, name) for name in names}
    options.severity = options.severity or SEVERITIES[0]
    options.fail_on = options.fail_on or "medium"


def make_parser() -> Parser:
    """The parser: what help, the manual page and the shells' completion are made of."""
    parser = Parser(
        prog="sqlports",
        usage="sqlports [OPTION]… [SQL]…\n       sqlports [OPTION]… COMMAND [WORD]…",
        description="Ask SQL of this machine: processes, sockets, handles, ports. Without SQL: a prompt.",
        add_help=False,
        allow_abbrev=False,
    )
    asked = parser.add_argument_group("what is asked")
    asked.add_argument("sql", nargs="*", metavar="SQL", help="statements to run, in order")
    asked.add_argument("-f", "--file", action="append", default=[], help="run a file, after SQL; - is standard input")
    asked.add_argument(
        "-p", "--param", action="append", default=[], type=_parameter, metavar="NAME=VALUE", help="value for :NAME"
    )
    asked.add_argument("--root", default="/", metavar="DIR", help="look at the system whose file system is mounted at DIR")
    asked.add_argument("--backend", choices=("linux", "portable"), help="how to ask the system")
    asked.add_argument("--write", action="store_true", help="permit statements that write, ATTACH and the like")

    shown = parser.add_argument_group("what the answer looks like")
    how = f"how results are written: {', '.join(MODES)} (table)"
    shown.add_argument("-m", "--mode", type=_mode, choices=MODES, metavar="MODE", help=how)
    for mode in MODES:
        shown.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, help=f"--mode {mode}")
    shown.add_argument("-o", "--output", type=_file, metavar="FILE", help="write to a file; - is standard output")
    shown.add_argument("--limit", type=_count, metavar="N", help="at most N rows of each result")
    shown.add_argument("--types", action="store_true", help="show the types of columns under their names")
    shown.add_argument("--units", action="store_true", help="show sizes and times as people say them")

    audits = parser.add_argument_group("sqlports audit")
    audits.add_argument(
        "--format", choices=FORMATS, metavar="FORMAT", help=f"how a report is written: {', '.join(FORMATS)} (table)"
    )
    audits.add_argument(
        "--report", action="append", default=[], metavar="FILE", help="write a report to FILE too, as the end of its name says"
    )
    audits.add_argument("--severity", choices=SEVERITIES, metavar="S", help="leave out what is less severe than S (info)")
    audits.add_argument(
        "--tag", action="append", default=[], metavar="TAG", help="only audits with this tag; * is for any text"
    )
    audits.add_argument("--fail-on", choices=SEVERITIES, metavar="S", help="the severity from which on findings fail (medium)")
    audits.add_argument("--strict", action="store_true", help="an audit that did not see all has failed")
    audits.add_argument(
        "--waivers", action="append", default=[], metavar="FILE", help="findings that are in order, why, and until when"
    )
    audits.add_argument("--baseline", metavar="FILE", help="tell only what is new since FILE was written, and what went")
    audits.add_argument("--write-baseline", metavar="FILE", help="keep what is found now as known")
    audits.add_argument("-v", "--verbose", action="store_true", help="tell of each audit why it matters, and all its findings")

    running = parser.add_argument_group("how statements run, and what is told of it")
    running.add_argument("--timeout", type=_seconds, metavar="S", help="seconds that a statement may take")
    running.add_argument("--reverse-dns", action="store_true", help="let reverse_dns() ask name servers")
    running.add_argument("--watch", type=_seconds, metavar="S", help="run again every S seconds, until interrupted")
    running.add_argument("--stats", action="store_true", help="a line of JSON on standard error: rows, time, what was read")
    running.add_argument("-q", "--quiet", action="store_true", help="do not say what could not be seen")
    running.add_argument("-h", "--help", action="store_true", help="show this help; of a command, behind its name")
    running.add_argument("--version", action="store_true", help="show the version")
    return parser


def _mode(text: str) -> str:
    if text not in MODES:
        meant = _meant(text, MODES) or f" (choose from {', '.join(MODES)})"
        raise argparse.ArgumentTypeError(f"invalid choice: {text!r}{meant}")
    return text


def _meant(text: str, known: Sequence[str]) -> str:
    """What was probably meant, to be said behind a complaint."""
    meant = nearest(text, list(known))
    return f" (did you mean {meant}?)" if meant else ""


def _file(text: str) -> str | None:
    return None if text == "-" else text


def _parameter(text: str) -> tuple[str, str]:
    name, equals, value = utf8(text).partition("=")
    # That of one audit has its name and a dot before it.
    if not equals or not name.rpartition(".")[2].isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of rows")
    return min(int(text), sys.maxsize)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return seconds


def utf8(argument: str) -> str:
    """An argument as UTF-8, whatever the locale; bad bytes are replaced."""
    return os.fsencode(argument).decode("utf-8", "replace")
