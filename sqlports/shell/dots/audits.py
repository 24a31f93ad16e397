"""Audits, at the prompt."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from sqlports.commands import audit as audits
from sqlports.commands.audit_words import WORDS
from sqlports.shell.dots import CommandError, command

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


@command("[NAME]…", "audits")
def audit(shell: Shell, text: str) -> None:
    """Run audits: these names, packs and files, or all. sqlports audit, on the command line, writes reports."""
    from sqlports import colour
    from sqlports.audit.formats import Look
    from sqlports.audit.formats import text as written
    from sqlports.options import Misuse, parse

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise CommandError(f"{error}: {text}") from None
    if words[:1] and (words[0] in WORDS or words[0].startswith("-")):
        raise CommandError(f"sqlports audit {words[0]} is for the command line; here stand names of audits and packs")
    try:
        report = audits.ask(shell.engine, parse(["audit", "--", *words]))
    except Misuse as error:
        raise CommandError(str(error)) from None
    coloured = colour.wanted(shell.settings.colour, sys.stdout) and shell.where is None
    shell.write(written(report, Look("table", shell.columns, coloured)))
