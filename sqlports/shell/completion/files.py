"""The files that a command can be given: their names as the command line of the prompt takes them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice

from sqlports.cells import safe
from sqlports.shell.completion.candidates import Candidate

# More than anybody reads, and listed in a few milliseconds.
_MOST = 2000


def files(typed: str) -> tuple[str, list[Candidate]]:
    """The last part of a path that is being typed, and what can be there, each as the whole path that was meant."""
    path = typed[1:] if typed[:1] in ("'", '"') else typed
    directory, slash, begun = path.rpartition("/")
    found = _entries(directory + slash, begun, typed != path)
    return begun, sorted(found, key=lambda entry: (entry.type == "file", entry.name))


def _entries(directory: str, begun: str, quoted: bool) -> Iterator[Candidate]:
    try:
        with os.scandir(os.path.expanduser(directory) or ".") as entries:
            for entry in islice(entries, _MOST):
                # What cannot be typed is not offered, nor what is hidden before its dot is typed.
                shown = begun[:1] == "." or not entry.name.startswith(".")
                if shown and entry.name.lower().startswith(begun.lower()) and safe(entry.name) == entry.name:
                    # A link is not followed: what it leads to may be on a disk that does not answer.
                    ending = "/" if entry.is_dir(follow_symlinks=False) else ""
                    whole = _written(directory + entry.name + ending, quoted)
                    yield Candidate(entry.name, whole, "directory" if ending else "file", shown=entry.name + ending)
    except (OSError, ValueError):
        return


def _written(path: str, quoted: bool) -> str:
    """The path as a command takes it: in quotes where its ends would be taken for something else, open before more of it."""
    if not quoted and path == path.strip().rstrip(";") and path[:1] not in ("'", '"', "|"):
        return path
    return f"'{path}" if path.endswith("/") else f"'{path}'"
