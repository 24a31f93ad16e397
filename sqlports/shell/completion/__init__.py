"""What may stand at the cursor: text and position in, candidates out. Nothing here looks at the system.

tokens    SQL as its pieces
scope     what a place in a statement sees, and what may come there
sql       what can be written at such a place: keywords joining joins values are parts of that
commands  the same of the prompt's own commands; files
ranking   how well a name fits what was typed
"""

from __future__ import annotations

import re

from sqlports.shell.completion.candidates import Candidate
from sqlports.shell.names import Names

__all__ = ["LONGEST", "Candidate", "complete"]

# In a longer input nothing is offered, and it has no colours: nobody types one, and every key would cost a look at all of it.
LONGEST = 50_000


def complete(text: str, cursor: int, names: Names) -> tuple[int, list[Candidate]]:
    """Where the word at the cursor begins, and what may replace it, the best first."""
    from sqlports.shell.completion import commands, sql

    # In the middle of a word nothing is offered either.
    if len(text) > LONGEST or re.match(r"[\w$.]", text[cursor : cursor + 1]):
        return cursor, []
    names.refresh()
    if text.lstrip().startswith("."):
        return commands.complete(text, cursor, names)
    return sql.complete(text, cursor, names)
