"""Audits, at the prompt."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from sqlports.audit.audit import Audit
from sqlports.commands import audit as audits
from sqlports.commands import audit_words
from sqlports.shell.dots import CommandError, command

if TYPE_CHECKING:
    from sqlports.audit.outcome import Report
    from sqlports.shell.shell import Shell


@command("[NAME]…", "audits audits")
def audit(shell: Shell, text: str) -> None:
    """Run audits: these, packs and files, or all.

    .audit list names them, .audit show NAME tells all of one. A NAME is an audit's, a pack's or a file's. sqlports audit, on
    the command line, writes reports.
    """
    from sqlports.options import Misuse, parse

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise CommandError(f"{error}: {text}") from None
    if words[:1] == ["convert"] or (words[:1] and words[0].startswith("-")):
        raise CommandError(f"sqlports audit {words[0]} is for the command line; here stand names of audits and packs")
    try:
        if words[:1] == ["list"]:
            _list(shell, words[1:])
        elif words[:1] == ["show"]:
            _show(shell, words[1:])
        else:
            _report(shell, audits.ask(shell.engine, parse(["audit", "--", *words])))
    except Misuse as error:
        raise CommandError(str(error).replace("sqlports audit list", ".audit list")) from None


def _report(shell: Shell, report: Report) -> None:
    from sqlports import colour
    from sqlports.audit import formats

    coloured = colour.wanted(shell.settings.colour, sys.stdout) and shell.where is None
    # It is safe already, and its colours are not to be written out.
    shell.output.write(formats.text(report, formats.Look("table", shell.columns, coloured)))
    shell.output.flush()


def _list(shell: Shell, names: list[str]) -> None:
    every = sorted(_found(shell, names), key=lambda one: (one.pack, one.id))
    shell.show(("id", "severity", "pack", "title"), [(one.id, one.severity, one.pack, one.title) for one in every])


def _show(shell: Shell, names: list[str]) -> None:
    from sqlports.audit import page

    if not names:
        raise CommandError("which one? .audit show NAME; .audit list has the names")
    shell.write("\n".join(page.text(one, shell.columns or 100) for one in _found(shell, names)))


def _found(shell: Shell, names: list[str]) -> list[Audit]:
    """The audits of these names, packs and files; what is wrong with files is told. Raises Misuse."""
    found = audit_words.found(names)
    for fault in found.faults:
        shell.tell(fault.told)
    return found.audits
