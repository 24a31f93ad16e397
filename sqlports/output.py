"""Where results go: standard output or a file, opened when there is something to write."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import sys
from typing import IO, Any

from sqlports import progress

# These modes are UTF-8 whatever the terminal's encoding: JSON is by definition.
_ALWAYS_UTF8 = {"json", "jsonl", "csv", "tsv", "html", "insert"}

# Names of what is open already.
_DESCRIPTORS = re.compile(r"(?:/dev|/proc/self)/(?:fd/)?(stdout|stderr|\d+)")
_NAMES = {"stdout": "1", "stderr": "2"}


class Output:
    """Text to standard output, or to a file that is opened with the first write.

    A file is written beside its place and takes it when all is well (`close`): what was there before survives a failure.

    columns   the width of the terminal; None where the output is no terminal
    encoding  what text is written in; what it lacks is written out
    whole     whether a file is all or nothing; otherwise it grows in its place
    """

    def __init__(self, path: str | None, mode: str, whole: bool = True) -> None:
        self.path = path
        self.whole = whole
        self.begun = False
        self._file: IO[bytes] | None = None
        self._beside: str | None = None
        stdout = sys.stdout
        terminal = path is None and stdout is not None and stdout.isatty()
        self.columns = terminal_width(stdout) if terminal else None
        encoding = "utf-8" if path or mode in _ALWAYS_UTF8 else (getattr(stdout, "encoding", None) or "utf-8")
        self.encoding = encoding

    def write(self, text: str) -> None:
        """Write. Raises OSError."""
        self.write_bytes(text.encode(self.encoding, "backslashreplace"))

    def write_bytes(self, data: bytes) -> None:
        """Write what is no text. Raises OSError."""
        if not data:
            return
        progress.clear()
        self.begin()
        assert self._file is not None
        self.begun = True
        self._file.write(data)

    def begin(self) -> None:
        """Open what is written to, now: what cannot be written says so at once. Raises OSError."""
        if self._file is None:
            self._file = self._open()

    def _open(self) -> IO[bytes]:
        if self.path is None:
            # What runs this may have closed standard output.
            if sys.stdout is None:
                raise OSError(9, "standard output is closed")
            return _blocking(sys.stdout.buffer)
        number = _DESCRIPTORS.fullmatch(self.path)
        if number:
            # Opened by this name it would begin anew, over what others wrote there.
            return _blocking(os.fdopen(os.dup(int(_NAMES.get(number[1], number[1]))), "wb"))
        place = os.path.realpath(self.path)
        before = None
        with contextlib.suppress(OSError):
            before = os.stat(place)
        if self.whole and (before is None or stat.S_ISREG(before.st_mode)):
            # Who may write the file and not its directory writes it in place; other faults show there again.
            # The name is kept first: a signal that ends the process may come as soon as the file is there.
            self._beside = f"{place}.{os.getpid()}.part"
            try:
                file = open(self._beside, "xb")  # noqa: SIM115 closed by close()
            except OSError:
                self._beside = None
            else:
                if before is not None and sys.platform != "win32":
                    with contextlib.suppress(OSError):
                        os.fchown(file.fileno(), before.st_uid, before.st_gid)
                    os.fchmod(file.fileno(), stat.S_IMODE(before.st_mode))
                return file
        return open(self.path, "wb")

    def flush(self) -> None:
        """Hand everything to the system. Raises OSError."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Flush, and put a file into its place, an empty one when nothing was written. Raises OSError."""
        if self._file is None and self.path:
            self._file = self._open()
        self.flush()
        if self._file is not None and self.path:
            self._file.close()
            if self._beside:
                _put(self._beside, os.path.realpath(self.path))
                self._beside = None

    def abandon(self) -> None:
        """Give up: nothing is left of a file that was not closed."""
        if self._beside:
            with contextlib.suppress(OSError):
                os.unlink(self._beside)
        if self._file is not None and self.path:
            # A signal may have come in the middle of a write, which may then not be gone into again.
            with contextlib.suppress(OSError, ValueError, RuntimeError):
                self._file.close()


def _put(beside: str, place: str) -> None:
    """Put a file into its place; what has several names there keeps them, and on a full disk what is in it. Raises OSError."""
    try:
        has_names = os.stat(place).st_nlink > 1
    except OSError:
        has_names = False
    if not has_names:
        os.replace(beside, place)
        return
    import shutil

    with open(beside, "rb") as new, open(place, "wb", opener=_as_it_is) as file:
        size, before = os.fstat(new.fileno()).st_size, os.fstat(file.fileno()).st_size
        if size and hasattr(os, "posix_fallocate"):
            try:
                os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                file.truncate(before)
                raise OSError(error.errno, error.strerror, place) from None
        shutil.copyfileobj(new, file)
        file.truncate()
    os.unlink(beside)


def _as_it_is(path: str, flags: int) -> int:
    """Open a file without making it empty."""
    return os.open(path, flags & ~(os.O_TRUNC | os.O_CREAT))


def _blocking(file: IO[bytes]) -> IO[bytes]:
    """The file, waiting for whoever reads it: Python would lose what a full pipe does not take."""
    if sys.platform != "win32":
        os.set_blocking(file.fileno(), True)
    return file


def terminal_width(stream: IO[Any]) -> int:
    """How many columns a terminal has; 80 for one that does not know."""
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        columns = 0
    return columns or 80


def abandon_stdout() -> None:
    """After a closed pipe: let nothing more go there, so that Python's own flush at exit is quiet."""
    if sys.stdout is not None:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
