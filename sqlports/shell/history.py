"""What was typed at the prompt, kept in a file of its owner's alone."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
import time
from collections.abc import Iterator
from io import FileIO

from sqlports import own_files


class History:
    """What was typed, kept in a file of its owner's alone, to which several prompts add at once.

    entries  what was typed in earlier sessions, oldest first
    fault    what is wrong with the file, or was; None when nothing is
    """

    # No more of the file's end is read: some ten thousand queries. A file that has become larger is cut to that.
    READ = 1 << 20
    LARGEST = 4 << 20
    # A longer input is data.
    LONGEST = 1 << 16

    def __init__(self, path: str) -> None:
        self.entries: list[str] = []
        self.fault: str | None = None
        self._file: FileIO | None = None
        self._path = path
        try:
            self._open()
            assert self._file
            mode = os.fstat(self._file.fileno()).st_mode
            if stat.S_ISCHR(mode) and not self._file.isatty():
                # What it is given cannot be read again; of null that is wanted.
                self.fault = None if os.path.realpath(path) == os.devnull else f"history is not kept: {path}: it is no file"
                return
            if not stat.S_ISREG(mode):
                raise OSError(errno.EINVAL, "it is no file", path)
            start = max(0, self._file.seek(0, os.SEEK_END) - self.READ)
            self._file.seek(start)
            data = self._file.read(self.READ)
        except OSError as error:
            self._give_up(error)
            data, start = self._read_only(), 0
        if self._parse(data.partition(b"\n\n")[2] if start else data):
            self.fault = f"{path} is damaged: what can be read of it is used"

    def add(self, text: str) -> None:
        """Keep an input, unless it begins with a space, as in shells; an empty one and one like the last are not worth it."""
        worth = text.strip() and not text.startswith(" ") and "\0" not in text and len(text) <= self.LONGEST
        if self._file and worth and text not in self.entries[-1:]:
            self.entries.append(text)
            record = "\n" + "".join(f"+{line}\n" for line in text.split("\n"))
            try:
                self._append(record.encode("utf-8", "replace"))
            except OSError as error:
                self._give_up(error)

    def close(self) -> None:
        """Keep nothing more."""
        if self._file:
            self._file.close()
        self._file = None

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

    def _open(self) -> None:
        self.close()
        descriptor, loose = own_files.open_private(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        self._file = FileIO(descriptor, "a+")
        if loose:
            self.fault = f"{self._path} was open to others: it is its owner's alone now"

    def _read_only(self) -> bytes:
        """What a file says that cannot be written."""
        try:
            descriptor, _ = own_files.open_private(self._path, os.O_RDONLY)
            with FileIO(descriptor) as file:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode):
                    return b""
                file.seek(max(0, found.st_size - self.READ))
                return file.read(self.READ)
        except OSError:
            return b""

    def _append(self, record: bytes) -> None:
        with self._locked() as file:
            while record:
                record = record[file.write(record) or 0 :]
            if os.fstat(file.fileno()).st_size > self.LARGEST:
                self._cut()

    def _cut(self) -> None:
        """Leave the file's end alone, in a new file: what fails leaves the old one."""

        def act() -> tuple[None, None]:
            with open(self._path, "rb") as file:
                file.seek(-self.READ, os.SEEK_END)
                own_files.replace(self._path, file.read().partition(b"\n\n")[2])
            return None, None

        own_files.as_user(act)
        self._open()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[FileIO]:
        """The file, while no other prompt cuts it: the one that has the name now, should another have done so."""
        assert self._file
        _lock(self._file)
        # Whoever waited for the lock may find the next one gone as well.
        for _ in range(100):
            if self._has_name(self._file):
                break
            self._open()
            _lock(self._file)
        try:
            yield self._file
        finally:
            _unlock(self._file)

    def _has_name(self, file: FileIO) -> bool:
        if own_files.WINDOWS:
            return True
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(file.fileno()))
        except OSError:
            return False

    def _give_up(self, error: OSError) -> None:
        self.close()
        self.fault = f"history is not kept: {error.filename or self._path}: {error.strerror}"


def _lock(file: FileIO) -> None:
    """Keep others from the file. Whoever has it for a second is stopped, and to append needs no lock."""
    if sys.platform == "win32":
        return
    import fcntl

    for _ in range(50):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        except OSError:
            # A file system without locks.
            return
        else:
            return


def _unlock(file: FileIO | None) -> None:
    if sys.platform == "win32" or file is None or file.closed:
        return
    import fcntl

    with contextlib.suppress(OSError):
        fcntl.flock(file, fcntl.LOCK_UN)


def history_path() -> str:
    """Where history is kept; who has no home has no history."""
    return own_files.private_path("XDG_STATE_HOME", ".local/state", "history") or os.devnull
