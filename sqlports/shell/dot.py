"""An input that is one of the prompt's own commands: told from SQL, and run."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import apsw

from sqlports.errors import QueryError
from sqlports.script import split
from sqlports.shell.dots import LISTING, CommandError, commands, one_of

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell

# People type these without the dot. None of them begins a statement.
_WORDS = {"exit", "help", "quit"}
# What hands know from other prompts, however many commands begin so.
_SHORT = {".q": ".quit"}


def command_in(text: str) -> str | None:
    """The command that an input is, with its dot; None when the input is SQL."""
    stripped = text.strip()
    # In the middle of a statement, on a line of its own: whoever types it wants out of there.
    last = stripped.rpartition("\n")[2].strip()
    if last != stripped and last.startswith(".") and last.split()[0].lower() in commands():
        return last
    word = stripped.removesuffix(";").rstrip().lower()
    if word in _WORDS:
        return f".{word}"
    return stripped if stripped.startswith(".") else None


def meant(text: str) -> str | None:
    """The command that was probably meant by an input that begins as one, but for the dot; None where it may be SQL."""
    words = text.strip().removesuffix(";").split(maxsplit=1)
    if (
        not words
        or command_in(text)
        or "\n" in text.strip()
        or words[0].upper() in apsw.keywords
        or f".{words[0].lower()}" not in commands()
    ):
        return None
    return " ".join([f".{words[0].lower()}", *words[1:]]).rstrip()


def pieces(text: str) -> Iterator[tuple[str, str]]:
    """The inputs that a text of several lines is, as it may be pasted: statements, and commands on lines of their own.

    Each with what it drops: a statement that was begun before a command and has no end. What is whole before that is an input.
    """
    pending: list[str] = []
    lines = text.rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        begun = line.strip().startswith(".")
        known = begun and (line.split()[0].lower() in commands() or not any(map(str.strip, pending)))
        before = "\n".join(pending) if known else ""
        # A line within a text or a comment is a part of it, whatever it looks like. The last is from somebody who wants out.
        if known and (number == len(lines) or not _needs(before)[1]):
            whole, rest = _halves(before)
            if whole:
                yield whole, ""
            yield line, rest
            pending = []
        else:
            pending.append(line)
    if not text.strip() or "".join(pending).strip():
        yield "\n".join(pending), ""


def _halves(text: str) -> tuple[str, str]:
    """What is whole of some lines, and what was begun behind that and has no end."""
    if not text.strip() or not unfinished(text):
        return text if text.strip() else "", ""
    end = 0
    # What no SQL has is told when it runs.
    with contextlib.suppress(QueryError):
        for statement in split(text):
            if apsw.complete(statement.sql):
                end = statement.start + len(statement.sql)
    return text[:end], text[end:].strip()


def unfinished(text: str) -> bool:
    """Whether an input needs more lines before it can run."""
    if command_in(text) or "\0" in text or meant(text):
        return False
    return _needs(text)[0] and not _is_foreign(text.strip())


def _is_foreign(line: str) -> bool:
    """Whether a line is what another database's shell would answer at once, and no SQL begins so. Such a line is short."""
    from sqlports.advice.foreign import hint

    return len(line) < 200 and "\n" not in line and bool(hint(line))


def lacking(text: str) -> str:
    """What the lines so far have open: a text ('), a name (", [), a comment (/*), a parenthesis; '' for nothing of these."""
    if command_in(text) or "\0" in text:
        return ""
    _, within, depth = _needs(text)
    return within or "(" * min(depth, 1)


def _needs(text: str) -> tuple[bool, str, int]:
    """Whether SQL needs more lines; what is open at its end, as it was begun; and how many parentheses are."""
    # A comment ends with its line.
    found = apsw.incomplete(text.encode("utf-8", "replace").decode() + "\n")
    within = {"/": "/*", "]": "["}.get(found.incomplete or "", found.incomplete or "")
    return found.status == apsw.SQLITE_ERROR, within, found.balance


def parts(text: str) -> tuple[str, str | None]:
    """A command's name in small letters and what follows it; None when the name is not ended."""
    name, *rest = re.split(r"\s+", text.lstrip(), maxsplit=1)
    return name.lower(), rest[0] if rest else None


def run(shell: Shell, text: str) -> None:
    """Run a command. Raises CommandError, Leave when it was to leave, OSError when the output fails."""
    word, rest = parts(text.rstrip().rstrip(";"))
    found = commands()[one_of(_SHORT.get(word, word), tuple(commands()), "command", LISTING)]
    argument = (rest or "").strip()
    # A text in quotes may be empty.
    if found.argument != "[TEXT]" and len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\"":
        argument = argument[1:-1]
    if argument and not found.argument:
        raise CommandError(f"{found.name} takes no argument")
    found.function(shell, argument)
