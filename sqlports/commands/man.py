"""The command `sqlports man`: the manual page, made of what the options, the commands, the modes and the settings say."""

from __future__ import annotations

import re
import textwrap
from argparse import Namespace
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlports.engine import Engine

ENVIRONMENT = (
    ("NO_COLOR", "Where it is set and not empty, nothing is coloured, whatever the setting colour says."),
    ("SQLPORTS_CONFIG", "The configuration file, in place of the usual one; empty for none."),
    ("SQLPORTS_DEBUG", "Where it is set, a fault in sqlports is shown with its traceback."),
    ("PAGER", "What shows output taller than the screen, where the setting pager is auto."),
    ("VISUAL, EDITOR", "What edits a statement at the prompt; the first that is set."),
    ("TERM", "A terminal that is dumb or unknown gets neither colours nor an editor at the prompt."),
    ("XDG_CONFIG_HOME", "The directory of the configuration and of the user's named queries; ~/.config where it is not set."),
    ("XDG_STATE_HOME", "The directory of the prompt's history; ~/.local/state where it is not set."),
    ("XDG_DATA_HOME", "The directory of the user's own list of ports; ~/.local/share where it is not set."),
    ("SUDO_UID, SUDO_GID", "Who called sudo: history and saved queries are that user's, and opened with that user's rights."),
)
FILES = (
    (
        "$XDG_CONFIG_HOME/sqlports/config.toml",
        "The configuration, in TOML, with the settings above. It is never written. Root uses none that another user could "
        "write, and tells so. It makes no difference to what goes into a pipe or a file.",
    ),
    ("$XDG_CONFIG_HOME/sqlports/queries/*.sql", "The user's named queries, which come before those of the same name below."),
    ("$XDG_STATE_HOME/sqlports/history", "What was typed at the prompt, but what begins with a space; its owner's alone."),
    ("$XDG_DATA_HOME/sqlports/registry.tsv", "IANA's list of ports in place of the one that comes along: sqlports registry."),
)
STATUSES = (
    ("0", "Done."),
    ("1", "The query failed."),
    ("2", "The command was used wrongly, or the configuration file has faults."),
    ("4", "A statement took longer than it may."),
    ("130", "Interrupted."),
)
EXAMPLES = (
    ("sqlports", "The prompt."),
    ('sqlports "SELECT pid, name FROM processes ORDER BY resident_size DESC LIMIT 5"', "A statement."),
    ("sqlports run fport --sort port", "A named query."),
    ("sqlports port 8080", "All there is to say about a port."),
    ("sqlports -f query.sql -p port=22 --json > answer.json", "A file with a parameter, for a program."),
)


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    return "sqlports man takes no argument: sqlports man | man -l - shows the page" if options.sql[1:] else None


def run(engine: Engine, options: Namespace) -> None:
    """Write the page. Raises OSError."""
    from sqlports.output import Output

    output = Output(options.output, "json")
    output.write("\n".join(page()) + "\n")
    output.close()


def page() -> Iterator[str]:
    """The lines of the page, for troff's macros man."""
    from dataclasses import fields

    from sqlports import __version__, modes
    from sqlports.commands import COMMANDS, overview
    from sqlports.options import make_parser
    from sqlports.queries import saved
    from sqlports.settings import Settings, takes
    from sqlports.shell.dots import commands

    parser = make_parser()
    yield f'.TH SQLPORTS 1 "" "sqlports {roff(__version__)}" "User Commands"'
    yield from _section("NAME", "sqlports \\- SQL over this machine's processes, sockets, handles and ports", escaped=True)
    yield ".SH SYNOPSIS"
    for number, usage in enumerate(("[OPTION]… [SQL]…", "[OPTION]… COMMAND [WORD]…")):
        yield from ([".br"] if number else [])
        yield f"{_bold('sqlports')} {_marked(usage)}"
    yield from _section("DESCRIPTION", parser.description or "")
    yield from _paragraph(
        "Without SQL and with a terminal there is a prompt; with a pipe, SQL is read from it. Standard output is data, and "
        "standard error is everything else. sqlports only reads the system."
    )
    yield from _section("OPTIONS", "Options stand in any order, before SQL or behind it.")
    for title, found in overview.options(parser):
        yield f".SS {roff(_capital(title))}"
        for option in found:
            label = ", ".join(map(_bold, option.names or (option.takes,)))
            taken = f" {_marked(option.takes)}" if option.names and option.takes else ""
            yield from _item(label + taken, f"{_capital(option.doc)}.")
    yield from _section("COMMANDS", "A first word that is one of these is no SQL.")
    for name, command in COMMANDS.items():
        yield from _item(f"{_bold(f'sqlports {name}')} {_marked(command.argument)}".rstrip(), command.doc)
    yield from _section(
        "OUTPUT MODES", "For people: table, line, vertical, chart and markdown. The others keep every value as it is."
    )
    for mode in modes.MODES:
        yield from _item(_bold(mode), modes.doc(mode))
    yield from _section("NAMED QUERIES", "sqlports run NAME runs one; sqlports help NAME tells its parameters.")
    for query in saved.queries()[0]:
        if not query.own:
            yield from _item(f"{_bold(query.name)} {_marked(query.usage)}".rstrip(), query.title)
    yield from _section(
        "THE PROMPT", "A statement ends with a semicolon. Lines that begin with a dot are the prompt's own commands."
    )
    for dot in commands().values():
        yield from _item(f"{_bold(dot.name)} {_marked(dot.argument)}".rstrip(), dot.doc)
    yield from _section("SETTINGS", "The configuration file has them as NAME = VALUE; sqlports config tells those in force.")
    for known in fields(Settings):
        default = str(known.default).lower() if isinstance(known.default, bool) else known.default
        yield from _item(_bold(known.name), f"{known.metadata['doc']} It takes {takes(known)}; {default} unless set.")
    for title, items in (("ENVIRONMENT", ENVIRONMENT), ("FILES", FILES), ("EXIT STATUS", STATUSES), ("EXAMPLES", EXAMPLES)):
        yield f".SH {title}"
        for name, doc in items:
            yield from _item(_bold(name), doc)
    yield from _section("SEE ALSO", "ss(8), lsof(8), ps(1), lsfd(1), netstat(8), sqlite3(1)")


def roff(text: str) -> str:
    """The text as troff prints it: itself, whatever characters are in it."""
    # ASCII's own minus, quotes and the like, which troff takes for typographic ones.
    named = {"…": "...", "\\": "\\e", "-": "\\-", "'": "\\(aq", "`": "\\(ga", "^": "\\(ha", "~": "\\(ti"}
    printed = "".join(named.get(letter) or (letter if letter.isascii() else f"\\[u{ord(letter):04X}]") for letter in text)
    return re.sub(r"(?m)^\.", r"\\&.", printed)


def _bold(text: str) -> str:
    return f"\\fB{roff(text)}\\fR"


def _marked(usage: str) -> str:
    """A usage with the words in capitals, which stand for something, in italics."""
    parts = re.split(r"([A-Z][A-Z]+(?:\.[a-z]+)?)", usage)
    return "".join(f"\\fI{roff(part)}\\fR" if number % 2 else roff(part) for number, part in enumerate(parts))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _section(title: str, text: str, escaped: bool = False) -> Iterator[str]:
    yield f".SH {title}"
    yield text if escaped else _filled(text)


def _paragraph(text: str) -> Iterator[str]:
    yield ".PP"
    yield _filled(text)


def _item(label: str, text: str) -> Iterator[str]:
    """A label and what it means. The label is troff's already."""
    yield ".TP"
    yield label
    yield _filled(text)


def _filled(text: str) -> str:
    """A paragraph in lines as mandoc(1) likes them."""
    return roff("\n".join(textwrap.wrap(text, 68, break_long_words=False, break_on_hyphens=False))) or "\\&"
