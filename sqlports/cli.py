"""The command `sqlports`. Standard output is data, standard error is everything else, the exit status is an answer.

0 done, 1 the query failed, 2 wrong usage, 4 timed out, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from sqlports.modes import MODES

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.output import Output

DONE, FAILED, USAGE, TIMED_OUT, INTERRUPTED = 0, 1, 2, 4, 130
# Each first word that is no SQL, and the module that has its `misuse` and its `run`.
COMMANDS = {
    "tables": "sqlports.commands.catalogue",
    "schema": "sqlports.commands.catalogue",
    "port": "sqlports.commands.port",
    "registry": "sqlports.ports.update",
}


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and exit."""
    try:
        status = run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        status = INTERRUPTED
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            stream.flush()
    # Not sys.exit: to take the interpreter apart, row by row, takes as long as a small query.
    os._exit(status)


def run(arguments: Sequence[str]) -> int:
    """Run the command; returns its exit status."""
    import gc

    from sqlports.errors import Error, Interrupted, QueryTimeout, told
    from sqlports.output import abandon_stdout
    from sqlports.session import complain, named

    # A query builds many thousands of rows that all live until its end: to look for garbage among them is in vain.
    gc.set_threshold(1_000_000, 20, 100)
    try:
        return _dispatch(parse(arguments))
    except BrokenPipeError:
        abandon_stdout()
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Error as error:
        complain(str(error))
        return INTERRUPTED if isinstance(error, Interrupted) else TIMED_OUT if isinstance(error, QueryTimeout) else FAILED
    except OSError as error:
        complain(told(error))
        abandon_stdout()
        return FAILED
    except Exception as error:
        # The last resort: a bug is a line for its user, and a traceback for who mends it.
        if os.environ.get("SQLPORTS_DEBUG"):
            raise
        complain(f"a fault in sqlports, {named(error)} (SQLPORTS_DEBUG=1 shows where)")
        return FAILED


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
    parser.add_argument("-q", "--quiet", action="store_true", help="do not say what could not be seen")
    parser.add_argument("--backend", choices=("linux", "portable"), help="how to ask the system")
    parser.add_argument("--root", default="/", metavar="DIR", help="look at the system whose file system is mounted at DIR")
    parser.add_argument("--write", action="store_true", help="permit statements that write, ATTACH and the like")
    parser.add_argument("--version", action="version", version=f"sqlports {_version()}")
    return parser.parse_intermixed_args(arguments)


def _version() -> str:
    from sqlports import __version__

    return __version__


def _parameter(text: str) -> tuple[str, Any]:
    name, equals, value = _utf8(text).partition("=")
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


def _dispatch(options: argparse.Namespace) -> int:
    from sqlports.engine import Engine

    fault = _misuse(options)
    if fault:
        from sqlports.session import complain

        complain(fault)
        return USAGE
    engine = Engine(root=options.root, backend=options.backend, timeout=options.timeout, write=options.write)
    try:
        command = _command(options)
        if command is not None:
            command.run(engine, options)
            return DONE
        if _wants_prompt(options):
            from sqlports.settings import Settings
            from sqlports.shell import repl
            from sqlports.shell.shell import Shell

            return repl.loop(Shell(engine, Settings(mode=options.mode), dict(options.param), options.limit))
        return _answer(engine, options)
    finally:
        engine.close()


def _wants_prompt(options: argparse.Namespace) -> bool:
    return not options.sql and not options.file and sys.stdin is not None and sys.stdin.isatty()


def _misuse(options: argparse.Namespace) -> str | None:
    """What is wrong with the arguments together."""
    if options.root != "/":
        if options.backend == "portable":
            return "--backend portable looks at this system only: it has no --root"
        place = os.path.join(options.root, "proc")
        try:
            os.listdir(place)
        except OSError as error:
            return f"--root {options.root}: {place}: {error.strerror}"
    if _wants_prompt(options):
        given = {"--output": options.output, "--watch": options.watch}
        return next((f"{name} needs SQL" for name, value in given.items() if value is not None), None)
    if options.output == "":
        return "--output needs a name"
    command = _command(options)
    if command is not None:
        return _unused(options) or command.misuse(options)
    first = options.sql[0] if options.sql else ""
    if first.isdecimal():
        return f"{first} is no statement: sqlports port {first} tells all there is to say about a port"
    if len(options.sql) == 1 and first.isalpha() and first.lower() in (*_relations(), "help"):
        return f"{first} is no statement: see --help, sqlports tables and sqlports schema NAME"
    if first.startswith("."):
        return f"{first.split()[0]} is for the prompt; commands here: {', '.join(COMMANDS)}"
    if len(options.sql) > 1 and first.isalpha():
        from sqlports.errors import nearest

        meant = nearest(first, list(COMMANDS))
        if meant:
            return f"{first} is no command: did you mean sqlports {meant}?"
        return f'a statement is one argument: sqlports "{" ".join(options.sql)}"'
    return None


def _relations() -> tuple[str, ...]:
    from sqlports import registry

    return (*registry.table_names(), *registry.view_names())


def _answer(engine: Engine, options: argparse.Namespace) -> int:
    """Run the scripts, once or, with --watch, until interrupted."""
    from sqlports.output import Output
    from sqlports.session import complain, when_killed

    scripts = list(_scripts(options))
    output = Output(options.output, options.mode, whole=options.watch is None)
    try:
        with when_killed(output.abandon):
            while True:
                _query(engine, scripts, options, output)
                if options.watch is None:
                    output.close()
                    return DONE
                time.sleep(options.watch)
                if output.columns:
                    complain(time.strftime("%H:%M:%S"), lead="\n")
    finally:
        output.abandon()


def _scripts(options: argparse.Namespace) -> Iterator[str]:
    """What to run: SQL, then files, or standard input when neither is given."""
    yield from map(_utf8, options.sql)
    for name in options.file or ([] if options.sql else ["-"]):
        if name == "-":
            data = sys.stdin.buffer.read() if sys.stdin is not None else b""
        else:
            with open(name, "rb") as file:
                data = file.read()
        yield data.decode("utf-8-sig", "replace")


def _utf8(argument: str) -> str:
    """An argument as UTF-8, whatever the locale; bad bytes are replaced."""
    return os.fsencode(argument).decode("utf-8", "replace")


def _query(engine: Engine, scripts: list[str], options: argparse.Namespace, output: Output) -> None:
    """Run the scripts and write their results; what could not be seen is said once at the end."""
    from sqlports.session import Session, stoppable

    session = Session(engine, options.mode, output, options.limit)
    try:
        with stoppable(engine):
            for script in scripts:
                session.run(script, dict(options.param))
    finally:
        for sentence in [] if options.quiet else session.hidden():
            session.tell(sentence)


def _command(options: argparse.Namespace) -> Any:
    """The module of the sub-command that is asked for; None for none."""
    name = COMMANDS.get(options.sql[0]) if options.sql else None
    return importlib.import_module(name) if name else None


def _unused(options: argparse.Namespace) -> str | None:
    """What is wrong with options beside a sub-command, which has no statements: those that are for these."""
    given = {"--watch": options.watch, "--limit": options.limit, "--file": options.file, "--param": options.param}
    return next((f"{name} is for SQL, and not for sqlports {options.sql[0]}" for name, value in given.items() if value), None)
