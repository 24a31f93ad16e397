"""What was typed at the prompt, kept in a file of its owner's alone."""

from __future__ import annotations

import os
import re
from io import FileIO

from sqlports.own_files import own_path


class History:
    """What was typed, kept in a file of its owner's alone.

    entries  what was typed in earlier sessions, oldest first
    fault    what is wrong with the file; None when nothing is
    """

    # No more of the file's end is read: some ten thousand queries.
    READ = 1 << 20

    def __init__(self, path: str) -> None:
        self.entries: list[str] = []
        self.fault: str | None = None
        self._file: FileIO | None = None
        self._path = path
        try:
            os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
            self._file = FileIO(path, "a+", opener=_open_private)
            start = max(0, self._file.seek(0, os.SEEK_END) - self.READ)
            self._file.seek(start)
            data = self._file.read(self.READ)
        except OSError as error:
            self._give_up(error)
            return
        if self._parse(data.partition(b"\n\n")[2] if start else data):
            self.fault = f"{path} is damaged: what can be read of it is used"

    def add(self, text: str) -> None:
        """Keep an input; an empty one and one like the last are not worth it."""
        if self._file and text.strip() and "\0" not in text and text not in self.entries[-1:]:
            self.entries.append(text)
            record = "\n" + "".join(f"+{line}\n" for line in text.split("\n"))
            try:
                self._file.write(record.encode("utf-8", "replace"))
            except OSError as error:
                self._give_up(error)

    def _parse(self, data: bytes) -> bool:
        """Take the entries, which are lines that begin with a plus sign, from the file's bytes. Whether there was more."""
        text = data.decode("utf-8", "replace")
        damaged = text.encode() != data
        for part in re.split(r"\n(?!\+)", "\n" + text):
            lines = part.split("\n+")
            entry = "\n".join(lines[1:])
            damaged = damaged or bool(lines[0]) or "\0" in entry
            if entry.strip() and "\0" not in entry:
                self.entries.append(entry)
        return damaged

    def close(self) -> None:
        """Keep nothing more."""
        if self._file:
            self._file.close()
        self._file = None

    def _give_up(self, error: OSError) -> None:
        self.close()
        self.fault = f"history is not kept: {error.filename or self._path}: {error.strerror}"


def _open_private(path: str, flags: int) -> int:
    # Not blocking: a pipe of that name would wait for its other end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o600)


def history_path() -> str:
    """Where history is kept; who has no home has no history."""
    return own_path("XDG_STATE_HOME", ".local/state", "history") or os.devnull
