"""All options and commands in one page, as `sqlports --help` shows it and the manual page has it too."""

from __future__ import annotations

import textwrap
from argparse import Action, ArgumentParser
from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from sqlports.about.catalogue import summary
from sqlports.commands import COMMANDS

# Where what something means begins.
_MARGIN = 24
# The options of all that a command with options of its own heeds.
_HEEDED = {"--param", "--output", "--timeout"}

STATUSES = "Exit status: 0 done, 1 the query failed, 2 wrong usage, 4 timed out, 130 interrupted."
MORE = "sqlports help COMMAND tells more of a command; sqlports man of all, of the settings and of the environment too."


class Option(NamedTuple):
    """An option, or several that are of a kind: `names` ('-f', '--file'), what it takes ('FILE', '' for nothing), its doc."""

    names: tuple[str, ...]
    takes: str
    doc: str

    @property
    def usage(self) -> str:
        return f"{', '.join(self.names)} {self.takes}".strip()


def options(parser: ArgumentParser) -> Iterator[tuple[str, list[Option]]]:
    """The options of each group that has some, with its title."""
    for group in parser._action_groups:
        found = [
            _option(list(alike))
            for _, alike in groupby(
                group._group_actions, lambda action: (action.dest, action.nargs, bool(action.option_strings))
            )
        ]
        if found:
            yield group.title or "", found


def _option(alike: list[Action]) -> Option:
    first = alike[0]
    names = tuple(name for action in alike for name in action.option_strings)
    if len(alike) > 1:
        return Option(names, "", f"short for --{first.dest} and the name")
    taken = str(first.metavar or "|".join(map(str, first.choices or ())) or first.dest.upper())
    return Option(names, "" if first.nargs == 0 else taken, first.help or "")


def text(parser: ArgumentParser, columns: int) -> str:
    """The page, in lines of at most so many columns where that can be."""
    lines = [f"usage: {parser.usage}", "", *textwrap.wrap(parser.description or "", columns)]
    for title, found in options(parser):
        lines += ["", f"{title}:"]
        for option in found:
            lines += _item(option.usage, option.doc, columns)
    lines += ["", "commands, which are words in the place of SQL:"]
    for name, command in COMMANDS.items():
        lines += _item(f"{name} {command.argument}".rstrip(), summary(command.doc).rstrip("."), columns)
    for remark in (MORE, STATUSES):
        lines += ["", *textwrap.wrap(remark, columns, break_on_hyphens=False)]
    return "\n".join(lines) + "\n"


def of_command(parser: ArgumentParser, name: str, columns: int) -> str:
    """The options that are a command's own, then those of all that it heeds too, in lines; '' for one that has none."""
    groups = list(options(parser))
    found = [option for title, every in groups if title == f"sqlports {name}" for option in every]
    if found:
        found += [option for _, every in groups for option in every if _HEEDED & {*option.names}]
    return "\n".join(line for option in found for line in _item(option.usage, option.doc, columns))


def _item(label: str, doc: str, columns: int) -> list[str]:
    """A label at the left and what it means at its right, or below it where it is long."""
    room = max(columns - _MARGIN, 20)
    meant = [" " * _MARGIN + line for line in textwrap.wrap(doc, room, break_on_hyphens=False)] or [""]
    labels = textwrap.wrap(label, max(columns - 2, 20), initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False)
    if len(labels) == 1 and len(labels[0]) <= _MARGIN - 2:
        return [labels[0].ljust(_MARGIN) + meant[0].lstrip(), *meant[1:]]
    return labels + meant
