"""What a query would do, and what it is given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlports.shell.dots import CommandError, command

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


@command("[QUERY]", "sql")
def explain(shell: Shell, query: str) -> None:
    """Tell in words what a query does, without running it. Without QUERY the last one: which sources are walked, what is asked
    for directly and what is checked row by row, what is read for each row, and which joins look at very many pairs.
    """
    from sqlports.about import explain, plan_page

    last = shell.results.last
    if not query and last is None:
        raise CommandError("which query? .explain SELECT …")
    steps = explain.explain(shell.engine, query or (last.sql if last else ""), shell.parameters)
    if shell.settings.mode == "table":
        shell.write(plan_page.page(steps, shell.columns))
    else:
        shell.show(plan_page.COLUMNS, plan_page.rows(steps))


@command("[NAME [VALUE]]")
def param(shell: Shell, words: str) -> None:
    """Give the parameter :NAME a value, or list them.

    A VALUE is a number, NULL or a text; in quotes it is a text whatever it looks like. Without VALUE the parameter has
    none any more.
    """
    name, *rest = words.split(None, 1)[:2] if words else [""]
    name = name.lstrip(":@$")
    if not name and not shell.parameters:
        shell.tell("no parameters: .param NAME VALUE gives one a value")
    elif not name:
        from sqlports.modes import Look

        shell.show(("name", "value"), sorted(shell.parameters.items()), look=Look())
    elif not re.fullmatch(r"[A-Za-z_]\w*", name):
        raise CommandError(f"{name} is no name of a parameter: .param port 22")
    elif rest:
        shell.parameters[name] = _value(rest[0].strip().removeprefix("=").strip())
    elif shell.parameters.pop(name, shell) is shell:
        raise CommandError(f"there is no :{name}: .param {name} VALUE gives it one")


def _value(text: str) -> int | float | str | None:
    """What a text stands for. Raises CommandError for one whose quotes are wrong."""
    from sqlports.queries.parameters import number

    if re.fullmatch("'(?:[^']|'')*'", text, re.DOTALL):
        return text[1:-1].replace("''", "'")
    if text.startswith("'"):
        raise CommandError(f"a text is '…', and a quote within it is written twice: {text}")
    return None if text == "NULL" else number(text)
