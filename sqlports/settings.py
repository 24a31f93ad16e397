"""What people may set about how sqlports looks and works: in the configuration file, and at the prompt by commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlports.modes import MODES


def _setting(default: Any, doc: str, choices: tuple[str, ...] = ()) -> Any:
    return field(default=default, metadata={"doc": doc, "choices": choices})


@dataclass
class Settings:
    """The settings. A field's metadata has its doc, which is its help, and the words it takes where it takes some only."""

    mode: str = _setting("table", "How results are written to a terminal.", MODES)
    rows: int = _setting(40, "At the prompt, show at most so many rows of a table, the first and the last; 0 for all.")
    types: bool = _setting(True, "At the prompt, show the types of columns under their names.")
    units: bool = _setting(False, "Show sizes and times as people say them: 1.2 GB, 3 h ago.")
    null: str = _setting("NULL", "What stands for NULL on a terminal.")
    timer: bool = _setting(False, "At the prompt, say how long each statement took.")
    pager: str = _setting("auto", "What shows output taller than the screen: auto (PAGER, or less), off, or a command.")
    colour: str = _setting(
        "auto", "Colours on a terminal: auto, always or never. NO_COLOR in the environment wins.", ("auto", "always", "never")
    )
    keys: str = _setting("emacs", "The keys of the prompt's editor.", ("emacs", "vi"))
    history: bool = _setting(True, "Keep what is typed at the prompt, in a file of its owner's alone.")
    timeout: float = _setting(0.0, "Seconds that a statement may take; 0 for no limit.")
