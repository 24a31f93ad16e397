"""An input that is one of the prompt's own commands: told from SQL, and run."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import apsw

from sqlports.shell.dots import CommandError, commands, one_of

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

    Each with what it drops: a statement that was begun before a command and has no end.
    """
    pending: list[str] = []
    lines = text.rstrip("\n").split("\n")
    for number, line in enumerate(lines, 1):
        begun = line.strip().startswith(".")
        before = "\n".join(pending) if begun else ""
        known = begun and (line.split()[0].lower() in commands() or not before.strip())
        # A line within a text or a comment is a part of it, whatever it looks like. The last is from somebody who wants out.
        if known and (number == len(lines) or not _needs(before)[1]):
            whole = bool(before.strip()) and not unfinished(before)
            if whole:
                yield before, ""
            yield line, "" if whole else before.strip()
            pending = []
        else:
            pending.append(line)
    if not text.strip() or "".join(pending).strip():
        yield "\n".join(pending), ""


def unfinished(text: str) -> bool:
    """Whether an input needs more lines before it can run."""
    if command_in(text) or "\0" in text or meant(text):
        return False
    return _needs(text)[0] and not _is_foreign(text.strip())


def _is_foreign(line: str) -> bool:
    """Whether a line is what another database's shell would answer at once, and no SQL begins so."""
    from sqlports.advice.foreign import hint

    return "\n" not in line and bool(hint(line))


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
    found = commands()[one_of(_SHORT.get(word, word), tuple(commands()), "command")]
    argument = (rest or "").strip()
    if len(argument) > 1 and argument[0] == argument[-1] and argument[0] in "'\"":
        argument = argument[1:-1]
    if argument and not found.argument:
        raise CommandError(f"{found.name} takes no argument")
    found.function(shell, argument)
