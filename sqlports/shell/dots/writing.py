"""How results are written, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlports.modes import MODES
from sqlports.shell.dots import command, one_of

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


@command("[MODE]", "modes")
def mode(shell: Shell, name: str) -> None:
    """Show or set how results are written. MODE is table, json, jsonl, csv, tsv, markdown or line, or how one begins."""
    if name:
        shell.settings.mode = one_of(name, MODES, "mode")
    else:
        shell.write(shell.settings.mode + "\n")
