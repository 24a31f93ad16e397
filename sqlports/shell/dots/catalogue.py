"""What there is: tables, their columns, ports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlports import catalogue, registry
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


@command("PORT")
def port(shell: Shell, words: str) -> None:
    """Tell all there is to say about a port, or about several. A PORT is 8080, 53/udp or https."""
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
