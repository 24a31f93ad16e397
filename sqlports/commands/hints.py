"""What was probably meant by arguments that are no statement."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlports.commands import COMMANDS

# What other shells have before the name of what is to be shown.
_SHOW = ("show", "list", "ls", "desc", "describe", "info", "inspect")
_TABLES = ("tables", "table", "views", "databases", "schemas")
_QUERIES = ("queries", "query", "saved", "runs")


def no_statement(words: Sequence[str]) -> str | None:
    """Why the first word is no statement and what was probably meant; None where it may be one."""
    first = words[0]
    if first.startswith("."):
        return f"{first.split()[0]} is for the prompt; commands here: {', '.join(COMMANDS)}"
    if first.isdecimal():
        return f"{first} is no statement: sqlports port {first} tells all there is to say about a port"
    if not re.fullmatch(r"[^\W\d][\w.-]*", first):
        return None
    known = _known(first, words[1:])
    if known:
        return known
    import apsw

    from sqlports.errors import nearest
    from sqlports.queries.saved import names

    meant = None if first.upper() in apsw.keywords else nearest(first, [*COMMANDS, *names()])
    if meant:
        return f"{first} is no command: did you mean sqlports {meant if meant in COMMANDS else 'run ' + meant}?"
    return f'a statement is one argument: sqlports "{" ".join(words)}"' if len(words) > 1 else None


def _known(first: str, rest: Sequence[str]) -> str | None:
    """A hint at a word that is known, though no statement begins with it, or is just it."""
    from sqlports import registry
    from sqlports.queries.saved import names

    if first in names():
        return f"{first} is a named query: sqlports run {' '.join((first, *rest))}"
    if first.lower() in (*registry.table_names(), *registry.view_names()) and not rest:
        rows = " ".join(("SELECT * FROM", first))
        return f'{first} is a table: sqlports "{rows}" has its rows, sqlports schema {first} its columns'
    if first.lower() in _SHOW and rest:
        thing = rest[-1].lower()
        meant = "tables" if thing in _TABLES else "run" if thing in _QUERIES else f"schema {rest[-1]}"
        return f"{first} is no command: did you mean sqlports {meant}?"
    return None
