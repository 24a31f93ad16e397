"""Which file a command line without quotes may mean: /opt/my tool/run --now is /opt/my, '/opt/my tool/run', …"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING

from sqlports.errors import QueryError
from sqlports.functions import values
from sqlports.functions.patience import within
from sqlports.sources import rooted

if TYPE_CHECKING:
    from sqlports.functions import Host, Value

# Seconds that a file system is waited for: one of a network may never answer.
PATIENCE = 5.0

# PATH_MAX of limits.h.
_LONGEST = 4096
_BLANKS = " \t\n\v\f\r"


def candidates(host: Host, caller: str, command: Value, quotes: Value, escape: Value) -> list[str]:
    """The beginnings that are paths of files, no directories, the shortest first. Raises QueryError."""
    if command is None or quotes is None or escape is None or len(values.text(escape)) != 1:
        raise QueryError(f"{caller}: Invalid inputs to {caller}")
    names = list(_beginnings(values.text(command), bool(values.whole(quotes)), values.text(escape)))
    try:
        return within(PATIENCE, host.check, lambda: _files(host.root, names)) if names else []
    except TimeoutError:
        raise QueryError(f"{caller}: the file system did not answer within {PATIENCE:g} s") from None


def _files(root: str, names: list[str]) -> list[str]:
    tree = rooted.Root() if root == "/" else rooted.directory(root)
    try:
        return [name for name in names if _is_file(tree, name)]
    finally:
        tree.close()


def _is_file(tree: rooted.Root, name: str) -> bool:
    try:
        return not stat.S_ISDIR(tree.status(os.fsencode(name), True).st_mode)
    except (OSError, ValueError):
        return False  # none that can be seen; a NUL is in no name


def _beginnings(command: str, has_quotes: bool, escape: str) -> Iterator[str]:
    """What stands before each blank, and all of it, where that is an absolute path."""
    path, quoted, escaped = "", False, False
    for letter in command.lstrip(_BLANKS):
        if escaped:
            escaped = False
        elif has_quotes and letter == '"':
            quoted = not quoted
            continue
        elif letter == escape:
            escaped = True
            continue
        elif letter in _BLANKS and not quoted and path.startswith("/"):
            yield path
        path += letter
        if len(path) >= _LONGEST:
            return
    if path.startswith("/"):
        yield path
