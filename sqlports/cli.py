"""The command `sqlports`. Standard output is data, standard error is everything else, the exit status is an answer.

0 done, 1 the query failed, 2 wrong usage, 4 timed out, 130 interrupted.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from sqlports.commands import COMMANDS
from sqlports.options import USAGE, Misuse, parse, utf8

if TYPE_CHECKING:
    from sqlports.engine import Engine
    from sqlports.modes import Described, Look
    from sqlports.output import Output
    from sqlports.session import Session

DONE, FAILED, TIMED_OUT, INTERRUPTED = 0, 1, 4, 130


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
        if list(arguments[:1]) == ["osqueryi"]:
            from sqlports.osqueryi import command

            # All behind it is osqueryi's own, and read as that reads it.
            return command.main(arguments[1:])
        return _dispatch(parse(arguments))
    except BrokenPipeError:
        abandon_stdout()
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED
    except Misuse as error:
        complain(str(error))
        return USAGE
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


def _dispatch(options: argparse.Namespace) -> int:
    from sqlports.engine import Engine

    if options.help or options.version or options.show_sql or options.command == "help":
        from sqlports.commands import usage

        usage.show(options)
        return DONE
    _configure(options)
    fault = _misuse(options)
    if fault:
        raise Misuse(fault)
    engine = Engine(root=options.root, backend=options.backend, timeout=options.timeout, write=options.write)
    engine.giving = "give it with -p {name}=VALUE"
    engine.reverse_dns = options.reverse_dns
    try:
        command = _command(options)
        if command is not None:
            return command.run(engine, options) or DONE
        if _wants_prompt(options):
            from sqlports.shell import repl
            from sqlports.shell.shell import Shell

            return repl.loop(Shell(engine, options.settings, dict(options.param), options.limit))
        return _answer(engine, options)
    finally:
        engine.close()


def _configure(options: argparse.Namespace) -> None:
    """Take what the options leave open from the configuration file, and add the settings. Raises Misuse.

    They are None where nobody sees what they are for, or has set any: to have them takes the time of an import.
    """
    from sqlports.modes import of_file
    from sqlports.own_files import config_path

    options.settings, options.given_mode = None, options.mode
    options.mode = options.mode or of_file(options.output or "")
    if _wants_prompt(options) or config_path():
        from sqlports import config

        terminal = options.output is None and sys.stdout is not None and sys.stdout.isatty()
        options.settings = config.apply(options, terminal, _wants_prompt(options))
    options.mode = options.mode or "table"


def _wants_prompt(options: argparse.Namespace) -> bool:
    return not options.sql and not options.file and sys.stdin is not None and sys.stdin.isatty()


def _misuse(options: argparse.Namespace) -> str | None:
    """What is wrong with the arguments together."""
    from sqlports.errors import file_name, told

    stray = next((name for name, value in options.of_audits.items() if value), None)
    if stray and options.command != "audit":
        return f"{stray} is for sqlports audit"
    if options.root != "/":
        if options.backend == "portable":
            return "--backend portable looks at this system only: it has no --root"
        place = os.path.join(options.root, "proc")
        try:
            os.listdir(place)
        except OSError as error:
            return f"--root {file_name(options.root)}: {told(error)}"
    if _wants_prompt(options):
        given = {"--output": options.output, "--watch": options.watch}
        return next((f"{name} needs SQL" for name, value in given.items() if value is not None), None)
    if options.output == "":
        return "--output needs a name"
    command = _command(options)
    if command is not None:
        return _unused(options) or command.misuse(options)
    if options.query is not None or not options.sql:
        return None
    from sqlports.commands import hints

    return hints.no_statement(options.sql)


def _answer(engine: Engine, options: argparse.Namespace) -> int:
    """Run the scripts, once or, with --watch, until that is ended."""
    from sqlports.output import Output
    from sqlports.session import when_killed

    scripts = list(_scripts(options))
    output = Output(options.output, options.mode, whole=options.watch is None)
    try:
        with when_killed(output.abandon):
            if options.watch is None:
                _query(engine, scripts, options, output)
            else:
                from sqlports import watch

                watch.run(engine, scripts, options, output, _look(options))
            output.close()
            return DONE
    finally:
        output.abandon()


def _scripts(options: argparse.Namespace) -> Iterator[str]:
    """What to run: SQL, then files, or standard input when neither is given."""
    yield from map(utf8, options.sql)
    for name in options.file or ([] if options.sql else ["-"]):
        if name == "-":
            data = sys.stdin.buffer.read() if sys.stdin is not None else b""
        else:
            with open(name, "rb") as file:
                data = file.read()
        yield data.decode("utf-8-sig", "replace")


def _query(engine: Engine, scripts: list[str], options: argparse.Namespace, output: Output) -> None:
    """Run the scripts and write their results; what could not be seen is said once at the end."""
    from sqlports.session import Session, stoppable

    session = Session(engine, options.mode, output, options.limit, look=_look(options))
    try:
        with stoppable(engine), _stats(session) if options.stats else contextlib.nullcontext():
            for script in scripts:
                session.run(script, dict(options.param))
    finally:
        for sentence in [] if options.quiet else session.hidden():
            session.tell(sentence)


def _look(options: argparse.Namespace) -> Callable[[Described], Look]:
    """How results are shown."""
    from sqlports import colour, modes

    people = options.settings
    coloured = colour.wanted(people.colour if people else "auto", None if options.output else sys.stdout)
    null = people.null if people else "NULL"

    def look(result: Described) -> Look:
        return modes.look_of(result, types=options.types, units=options.units, colour=coloured, null=null)

    return look


def _stats(session: Session) -> contextlib.AbstractContextManager[None]:
    from sqlports import stats

    return stats.told(session)


def _command(options: argparse.Namespace) -> Any:
    """The module of the sub-command that is asked for; None for none."""
    return importlib.import_module(COMMANDS[options.command].module) if options.command else None


def _unused(options: argparse.Namespace) -> str | None:
    """What is wrong with options beside a sub-command, which has no statements: those that are for these."""
    given = {"--watch": options.watch, "--limit": options.limit, "--file": options.file, "--param": options.param}
    if options.command == "audit":
        del given["--param"]
    return next((f"{name} is for SQL, and not for sqlports {options.sql[0]}" for name, value in given.items() if value), None)
