"""New files, all of them or none, and never in another's place."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping

from sqlports.errors import file_name, told
from sqlports.options import Misuse


class ConvertError(Misuse):
    """Nothing is written, and why."""


def write(files: Mapping[str, str], directory: str) -> None:
    """Write all files, or none. One that is there already stays, and has to have the same text. Raises ConvertError."""
    missing = {name: text for name, text in files.items() if not _has(os.path.join(directory, name), text)}
    made: list[str] = []
    try:
        for name, text in missing.items():
            path = os.path.join(directory, name)
            _make_folder(os.path.dirname(path) or ".", made)
            # Never through a link, nor over what has come in the meantime.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            made.append(path)
            with open(descriptor, "wb") as file:
                file.write(text.encode())
    except BaseException as error:
        for path in reversed(made):
            with contextlib.suppress(OSError):
                os.rmdir(path) if os.path.isdir(path) else os.unlink(path)
        if isinstance(error, OSError):
            raise ConvertError(f"nothing is written: {told(error)}") from None
        raise


def _has(path: str, text: str) -> bool:
    """Whether a file is there with this text. Raises ConvertError when something else is."""
    data = text.encode()
    try:
        if not os.path.lexists(path):
            return False
        if stat.S_ISREG(os.lstat(path).st_mode) and os.path.getsize(path) == len(data):
            with open(path, "rb") as file:
                if file.read(len(data) + 1) == data:
                    return True
    except OSError as error:
        raise ConvertError(f"nothing is written: {told(error)}") from None
    raise ConvertError(f"nothing is written: {file_name(path)} is there already, with another text")


def _make_folder(path: str, made: list[str]) -> None:
    """Make a folder and those above it that are missing, and add each to `made`. Raises OSError."""
    if not os.path.isdir(path):
        above = os.path.dirname(path)
        if above and above != path:
            _make_folder(above, made)
        os.mkdir(path)
        made.append(path)
