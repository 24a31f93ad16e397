"""Paths, and the program that a command line names, which are looked for below the root that the engine looks at."""

from __future__ import annotations

from sqlports.errors import QueryError
from sqlports.functions import Host, Value, function


@function("path")
def parent_directory(path: Value) -> str | None:
    """What stands before the last / of a path, '' for one below the root; NULL where there is no /."""
    if not isinstance(path, str):
        raise QueryError("parent_directory: Invalid inputs to parent_directory, TEXT was expected")
    before, slash, _ = path.rpartition("/")
    return before if slash else None


@function("path", host=True, deterministic=False)
def find_file_path_in_cmd(host: Host, command: Value, quotes: Value = 0, escape: Value = "\\") -> str:
    """The shortest beginning of a command line that is the absolute path of a file; '' for none. quotes is 1 to heed them."""
    from sqlports.functions import programs

    found = programs.candidates(host, "find_file_path_in_cmd", command, quotes, escape)
    return found[0] if found else ""


@function("path", host=True, deterministic=False)
def is_path_deterministic(host: Host, command: Value, quotes: Value = 0, escape: Value = "\\") -> int:
    """1 where one beginning of a command line at most is the absolute path of a file, 0 where several are."""
    from sqlports.functions import programs

    return int(len(set(programs.candidates(host, "is_path_deterministic", command, quotes, escape))) < 2)


@function("path")
def carve(path: Value) -> Value:
    """An error: copying files off the machine is left out."""
    raise QueryError("carve: it is left out: sqlports copies no files off a machine")
