"""What there is: tables, their columns, ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlports import registry
from sqlports.about import catalogue
from sqlports.shell.dots import CommandError, command, unknown

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


@command("[PATTERN]", "relations")
def tables(shell: Shell, pattern: str) -> None:
    """List the tables and views. With PATTERN those whose name has it in it; * and % stand for any characters, ? for one."""
    wanted = [relation for relation in shell.names.relations() if _like(pattern).search(relation.name)]
    if pattern and not wanted:
        raise CommandError(f"no table's name is like {pattern}")
    shell.show(catalogue.TABLES, wanted)


@command("TABLE [NUMBER]", "relations")
def describe(shell: Shell, words: str) -> None:
    """Tell all there is to know of a table.

    What it has rows of, its columns and how they are searched, what is read for them, what it is joined to, and
    examples. With NUMBER run that example.
    """
    name, *number = words.split() or [""]
    if not name:
        raise CommandError("which table? .describe sockets")
    if len(number) > 1:
        raise CommandError(f"one table, and a number: .describe {name} 1")
    if name.lower() not in (*registry.table_names(), *registry.view_names()):
        _describe_made(shell, name, number)
        return
    from sqlports.about import describe

    if not number:
        runs = f" (.describe {name.lower()} 1 runs the first)"
        shell.write(describe.page(name.lower(), shell.engine.connection, shell.columns, runs))
        return
    examples = describe.examples(name.lower())
    if not (number[0].isdecimal() and 1 <= int(number[0]) <= len(examples)):
        raise CommandError(f"{name} has examples 1 to {len(examples)}, and no {number[0]}")
    shell.run(examples[int(number[0]) - 1])


def _describe_made(shell: Shell, name: str, number: list[str]) -> None:
    """What is known of a view that was made here."""
    sql = shell.names.sql(name)
    if sql is None:
        raise CommandError(unknown(f"no such table: {name}", name.lower(), [there.name for there in shell.names.relations()]))
    if number:
        raise CommandError(f"{name} was made here, and has no examples")
    rows = [(column.name, column.type, column.doc) for column in shell.names.columns(name)]
    shell.write(f"{name}, made here:\n\n{sql};\n\n")
    shell.show(("column", "type", "description"), rows)


@command("[PATTERN]", "functions")
def functions(shell: Shell, pattern: str) -> None:
    """List the functions and how they are called. With PATTERN those in whose name or description it is."""
    found = list(catalogue.functions(pattern))
    if not found:
        raise CommandError(f"no function has {pattern} in its name or description")
    shell.show(catalogue.FUNCTIONS, found)


@command("PORT")
def port(shell: Shell, words: str) -> None:
    """Tell all there is to say about a port. A PORT is 8080, 53/udp or https."""
    from sqlports.commands import port_report, port_text

    if not words:
        raise CommandError("which port? .port 8080")
    for number, (one, protocols) in enumerate(port_report.wanted(shell.engine, words.split())):
        page = port_text.page(port_report.facts(shell.engine, one, protocols), shell.columns)
        shell.write(("\n" if number else "") + page)


@command("[NAME]", "relations")
def schema(shell: Shell, name: str) -> None:
    """Show the columns of a table or the SQL of a view. Without NAME those of all."""
    names = shell.names
    for number, relation in enumerate([name] if name else [relation.name for relation in names.relations()]):
        known = relation.lower()
        text = catalogue.schema(known) if known in (*registry.table_names(), *registry.view_names()) else names.sql(relation)
        if text is None:
            raise CommandError(unknown(f"no such table: {relation}", known, [there.name for there in names.relations()]))
        shell.write(("\n" if number else "") + text + "\n")


def _like(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression; one without wildcards may stand anywhere in a name."""
    if not re.search(r"[*%?]", pattern):
        return re.compile(re.escape(pattern), re.IGNORECASE)
    parts = {"*": ".*", "%": ".*", "?": "."}
    return re.compile("^" + "".join(parts.get(letter) or re.escape(letter) for letter in pattern) + "$", re.IGNORECASE)
