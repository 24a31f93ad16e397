"""Whether colours are wanted."""

from __future__ import annotations

import os
import sys
from typing import IO, Any


def wanted(setting: str, stream: IO[Any] | None) -> bool:
    """Whether text that goes to `stream` is to be coloured, by the setting `colour`: 'auto', 'always' or 'never'.

    Never what goes to no terminal, and never against NO_COLOR (no-color.org); 'always' is for a terminal whose TERM is wrong.
    """
    if setting == "never" or os.environ.get("NO_COLOR"):
        return False
    try:
        terminal = stream is not None and stream.isatty()
    except ValueError:
        # It is closed.
        return False
    dumb = os.environ.get("TERM", "").lower() in ("", "dumb", "unknown") and sys.platform != "win32"
    return terminal and (setting == "always" or not dumb)
