"""The text of a file that goes with a run of audits: waivers, a baseline. What cannot be used is a fault, told as one."""

from __future__ import annotations

import os
import stat

from sqlports.audit.audit import BadFile


def text(path: str, largest: int) -> str | BadFile:
    """The text of a file or a pipe of at most `largest` bytes, or why it is none."""
    try:
        data = _bytes(path, largest)
    except (OSError, ValueError) as error:
        # A name with a NUL in it is no name: ValueError.
        return BadFile(path, None, (isinstance(error, OSError) and error.strerror) or str(error))
    if isinstance(data, str):
        return BadFile(path, None, data)
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        return BadFile(path, data.count(b"\n", 0, error.start) + 1, "it is not UTF-8")


def _bytes(path: str, largest: int) -> bytes | str:
    """What is in it, or why that is not read. Raises OSError."""
    # Before it is opened: a device may do something then.
    found = os.stat(path)
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISFIFO(found.st_mode)):
        return f"it is {'a directory' if stat.S_ISDIR(found.st_mode) else 'no file'}"
    data = b""
    if found.st_size <= largest:
        with open(path, "rb") as file:
            data = file.read(largest + 1)
    return f"it is larger than {largest:,} bytes" if max(found.st_size, len(data)) > largest else data
