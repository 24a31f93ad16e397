"""Where results go: standard output or a file, opened when there is something to write."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import IO

# These modes are UTF-8 whatever the terminal's encoding: JSON is by definition.
_ALWAYS_UTF8 = {"json", "jsonl", "csv", "tsv"}


class Output:
    """Text to standard output, or to a file that is opened with the first write.

    columns  the width of the terminal; None where the output is no terminal
    """

    def __init__(self, path: str | None, mode: str) -> None:
        self.path = path
        self._file: IO[bytes] | None = None
        stdout = sys.stdout
        terminal = path is None and stdout is not None and stdout.isatty()
        self.columns = _terminal_width() if terminal else None
        encoding = "utf-8" if path or mode in _ALWAYS_UTF8 else (getattr(stdout, "encoding", None) or "utf-8")
        self.encoding = encoding

    def write(self, text: str) -> None:
        """Write and, on a terminal, show at once. Raises OSError."""
        if not text:
            return
        if self._file is None:
            # What runs this may have closed standard output.
            if self.path is None and sys.stdout is None:
                raise OSError(9, "standard output is closed")
            self._file = open(self.path, "wb") if self.path else sys.stdout.buffer  # noqa: SIM115 closed by close()
        self._file.write(text.encode(self.encoding, "backslashreplace"))

    def flush(self) -> None:
        """Hand everything to the system. Raises OSError."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Flush, and close a file that was opened here. Raises OSError."""
        self.flush()
        if self._file is not None and self.path:
            self._file.close()


def _terminal_width() -> int:
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or 80


def abandon_stdout() -> None:
    """After a closed pipe: let nothing more go there, so that Python's own flush at exit is quiet."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
