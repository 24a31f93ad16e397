"""Where the command starts: interrupted while it is being imported, it ends as it does later."""

from __future__ import annotations

import os

# Of the shells: ended by signal 2.
INTERRUPTED = 130


def main() -> None:
    """Run the command and exit."""
    try:
        from sqlports.cli import main as command

        command()
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)
