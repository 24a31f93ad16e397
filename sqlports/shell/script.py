"""A file of SQL and dot commands, run as if it were typed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

import apsw

from sqlports.errors import Error, Interrupted, QueryError, told
from sqlports.queries.parameters import defaults
from sqlports.shell import dot
from sqlports.shell.dots import CommandError

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell


class Misread(CommandError):
    """Something in a file is wrong; the message has the file's name and the line."""


class TooDeep(CommandError):
    """Files read each other without end. `placed`: the message has the innermost's name and line."""

    placed = False


# A file may read another, so often within each other.
DEPTH = 10
# A larger one is no script, in bytes.
LARGEST = 16 << 20


def read(shell: Shell, name: str) -> None:
    """Run a file. Raises CommandError for the first mistake in it or where there is no such file, Leave, Interrupted."""
    if shell.reading >= DEPTH:
        raise TooDeep(f"{name} is read within {DEPTH} others")
    text = _text(os.path.expanduser(name))
    # What its header has for parameters that nobody has set.
    own = {name: value for name, value in defaults(text).items() if name not in shell.parameters}
    shell.parameters.update(own)
    shell.reading += 1
    try:
        for line, piece in pieces(text):
            try:
                # The place of a mistake is then one in the file.
                is_sql = "\n" in piece or not dot.command_in(piece)
                shell.enter("\n" * (line - 1) + piece if is_sql else piece, is_sql)
            except Interrupted:
                raise
            except TooDeep as error:
                if not error.placed:
                    error = TooDeep(f"{name}, line {line}: {error}")
                    error.placed = True
                raise error from None
            except Error as error:
                placed = isinstance(error, Misread) or (isinstance(error, QueryError) and error.place)
                raise Misread(f"{name}: {error}" if placed else f"{name}, line {line}: {error}") from None
    finally:
        shell.reading -= 1
        for added in own:
            shell.parameters.pop(added, None)


def pieces(text: str) -> Iterator[tuple[int, str]]:
    """The inputs of a file, each with the number of its first line, from 1."""
    begun, lines = 1, list[str]()
    for number, line in enumerate(text.split("\n"), 1):
        if not lines:
            begun = number
        if not lines and not line.strip():
            continue
        lines.append(line)
        # A line within a statement is a part of it, whatever it looks like.
        if (len(lines) == 1 and dot.command_in(line)) or (_may_end(line, len(lines) == 1) and _is_whole("\n".join(lines))):
            yield begun, "\n".join(lines)
            lines = []
    if lines:
        # SQL without the semicolon that would end it; whether it may do without is SQLite's business.
        yield begun, "\n".join(lines)


def _may_end(line: str, is_first: bool) -> bool:
    """Whether a statement or a comment may end in a line: to ask of a long statement with each of its lines takes long."""
    return is_first or ";" in line or "*/" in line


def _is_whole(text: str) -> bool:
    # A comment ends with its line. What no SQL has is told when it runs.
    return "\0" in text or apsw.incomplete(text + "\n").status != apsw.SQLITE_ERROR


def _open(path: str, flags: int) -> int:
    # Not blocking: a pipe of that name would wait for its other end.
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _text(path: str) -> str:
    try:
        with open(path, "rb", opener=_open) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CommandError(f"{path} is no file with an end")
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise CommandError(told(error)) from None
    if len(data) > LARGEST:
        raise CommandError(f"{path} has more than {LARGEST >> 20} MB")
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n")
