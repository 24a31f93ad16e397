"""The options of the command, and what their values are."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from sqlports.modes import MODES

# The exit status of wrong usage.
USAGE = 2


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are safe to show."""

    def error(self, message: str) -> NoReturn:
        """Say how the command is used and what is wrong, and exit with status 2."""
        from sqlports.session import complain

        self.print_usage(sys.stderr)
        complain(message)
        self.exit(USAGE)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options. Exits with status 2 on wrong usage."""
    return make_parser().parse_intermixed_args(arguments)


def make_parser() -> Parser:
    """The parser: what help, the manual page and the shells' completion are made of."""
    parser = Parser(
        prog="sqlports",
        description="Ask SQL of this machine: processes, sockets, handles, ports. Without SQL: a prompt.",
        epilog="sqlports tables lists the tables, sqlports schema TABLE a table's columns, "
        "sqlports port 8080 says all there is to say about a port, "
        "sqlports registry which list of assigned ports is used: update FILE.csv takes IANA's, forget ends that. "
        "Exit status: 0 done, 1 the query failed, 2 usage, 4 timed out, 130 interrupted.",
        allow_abbrev=False,
    )
    parser.add_argument("sql", nargs="*", metavar="SQL", help="statements to run, in order")
    parser.add_argument("-f", "--file", action="append", default=[], help="run a file, after SQL; - is standard input")
    parser.add_argument("-m", "--mode", choices=MODES, default="table", help="output mode (table)")
    for mode in MODES:
        parser.add_argument(f"--{mode}", dest="mode", action="store_const", const=mode, help=f"--mode {mode}")
    parser.add_argument("-o", "--output", metavar="FILE", help="write to a file")
    parser.add_argument(
        "-p", "--param", action="append", default=[], type=_parameter, metavar="NAME=VALUE", help="value for :NAME"
    )
    parser.add_argument("--limit", type=_count, metavar="N", help="at most N rows of each result")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="seconds that a statement may take")
    parser.add_argument("--watch", type=_seconds, metavar="S", help="run again every S seconds, until interrupted")
    parser.add_argument("--types", action="store_true", help="show the types of columns under their names")
    parser.add_argument("--units", action="store_true", help="show sizes and times as people say them")
    parser.add_argument("--stats", action="store_true", help="a line of JSON on standard error: rows, time, what was read")
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say what could not be seen")
    parser.add_argument("--backend", choices=("linux", "portable"), help="how to ask the system")
    parser.add_argument("--root", default="/", metavar="DIR", help="look at the system whose file system is mounted at DIR")
    parser.add_argument("--write", action="store_true", help="permit statements that write, ATTACH and the like")
    parser.add_argument("--version", action="version", version=f"sqlports {_version()}")
    return parser


def _version() -> str:
    from sqlports import __version__

    return __version__


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = utf8(text).partition("=")
    if not equals or not name.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    # Only what reads back the same is a number: 007 and 1e3 stay text.
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", value):
        return name, int(value)
    if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", value):
        return name, float(value)
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
