"""Help, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlports.about.catalogue import summary
from sqlports.cells import by_words
from sqlports.shell.dots import LISTING, Leave, command, commands, one_of

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


@command("[COMMAND]", "commands")
def help_(shell: Shell, name: str) -> None:
    """List the commands, or tell what one does."""
    known = commands()
    if name:
        found = known[one_of("." + name.removeprefix("."), tuple(known), "command", LISTING)]
        text = by_words(found.doc, shell.columns) if shell.columns else found.doc
        shell.write(f"{found.name} {found.argument}".rstrip() + f"\n{text}\n")
        return
    lines = [(f"{found.name} {found.argument}", summary(found.doc)) for found in known.values()]
    margin = max(len(usage) for usage, _ in lines)
    shell.write("".join(f"{usage:<{margin}}  {doc}\n" for usage, doc in lines))
    shell.write("\nAll else is SQL and ends with a semicolon, over as many lines as it takes.\n")
    shell.write("Tab completes, Alt-Enter adds a line, Ctrl-R searches, F2 opens an editor,\n")
    shell.write("F4 takes vi's keys, Ctrl-C or Esc stops, Ctrl-D leaves.\n")


@command()
def exit_(shell: Shell, _: str) -> None:
    """Leave. Ctrl-D on an empty line does too."""
    raise Leave


@command()
def quit_(shell: Shell, _: str) -> None:
    """Leave. Ctrl-D on an empty line does too."""
    raise Leave
