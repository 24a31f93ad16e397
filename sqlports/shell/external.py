"""An input in the user's own editor: what VISUAL or EDITOR names, on a file that nobody else can read."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import tempfile

from sqlports.errors import Error
from sqlports.session import when_killed
from sqlports.shell.pager import same_terminal, stop

# What is tried where neither is set.
_USUAL = ("editor", "nano", "vi")


class EditorError(Error):
    """There is no editor, or it failed."""


def edit(text: str) -> str:
    """The text as the editor leaves it. Raises EditorError; then the text is as it was."""
    words = _editor()
    # Its own directory: what an editor keeps beside the file is private too.
    directory = tempfile.mkdtemp(prefix="sqlports-")
    path = os.path.join(directory, "query.sql")
    process: subprocess.Popen[bytes] | None = None

    def tidy() -> None:
        if process is not None and process.poll() is None:
            stop(process)
        shutil.rmtree(directory, ignore_errors=True)

    # Ctrl-C is the editor's.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        with when_killed(tidy), same_terminal():
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text.encode("utf-8", "replace") + b"\n")
            process = subprocess.Popen([*words, path])  # noqa: S603 the user names it
            status = process.wait()
            if status:
                ended = f"ended with status {status}" if status > 0 else f"was ended by signal {-status}"
                raise EditorError(f"{words[0]} {ended}: the input is as it was")
            edited = _left(path, words[0])
    except OSError as error:
        raise EditorError(
            f"no editor: {error.filename or words[0]}: {error.strerror}; VISUAL or EDITOR can name one"
        ) from error
    finally:
        signal.signal(signal.SIGINT, before)
        tidy()
    return edited.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def _left(path: str, editor: str) -> str:
    """What an editor left. Raises EditorError where that is nothing, and OSError."""
    try:
        with open(path, "rb") as left:
            return left.read().decode("utf-8-sig", "replace")
    except FileNotFoundError:
        raise EditorError(f"{editor} left no file behind: the input is as it was") from None


def _editor() -> list[str]:
    """The words of the editor's command. Raises EditorError when there is none."""
    for variable in ("VISUAL", "EDITOR"):
        text = os.environ.get(variable, "")
        try:
            words = shlex.split(text)
        except ValueError:
            words = [text]
        if words:
            return words
    found = next(filter(None, map(shutil.which, _USUAL)), None)
    if found is None:
        raise EditorError("no editor is installed: VISUAL or EDITOR can name one")
    return [found]
