"""How results are written, and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlports.modes import MODES
from sqlports.shell.destination import Destination
from sqlports.shell.dots import CommandError, command, one_of

if TYPE_CHECKING:
    from sqlports.shell.shell import Shell

_SWITCH = {"on": True, "yes": True, "true": True, "1": True, "off": False, "no": False, "false": False, "0": False}


@command("[MODE]", "modes")
def mode(shell: Shell, name: str) -> None:
    """Show or set how results are written. MODE is table, line, vertical, chart, json, jsonl, csv, tsv, markdown, html, insert,
    parquet or arrow, or how one begins.
    """
    if name:
        shell.set("mode", one_of(name, MODES, "mode"))
    else:
        shell.write(shell.settings.mode + "\n")


@command("[on|off]", "switches")
def units(shell: Shell, word: str) -> None:
    """Show sizes and times as people say them. As 1.2 GiB and 3 h ago, or as numbers. Without a word it is told which."""
    show_or_set(shell, "units", word)


@command("[on|off]", "switches")
def types(shell: Shell, word: str) -> None:
    """Show the types of columns under their names, or not. Without a word it is told which."""
    show_or_set(shell, "types", word)


@command("[N|all]")
def rows(shell: Shell, word: str) -> None:
    """Show at most N rows of a table, first and last. .last all shows the others. Without N it is told."""
    show_or_set(shell, "rows", word)


@command("[TEXT]")
def null(shell: Shell, text: str) -> None:
    """Show or set what stands for NULL."""
    show_or_set(shell, "null", text)


@command("[NAME [VALUE]]", "settings")
def set_(shell: Shell, text: str) -> None:
    """Show or set how the prompt looks and works.

    A setting lasts until the prompt ends. Without NAME all is listed; what the configuration file has holds from the
    beginning.
    """
    from dataclasses import fields

    from sqlports import settings

    name, _, value = text.partition(" ")
    if not name:
        listed = [
            (known.name, _word(getattr(shell.settings, known.name)), known.metadata["doc"]) for known in fields(shell.settings)
        ]
        shell.show(("setting", "value", "what it does"), listed)
    elif not value:
        name = one_of(name, [known.name for known in fields(shell.settings)], "setting")
        known = settings.setting(name)
        assert known
        shell.write(
            f"{name} {_word(getattr(shell.settings, name))}\n{known.metadata['doc']} It takes {settings.takes(known)}.\n"
        )
    else:
        name = one_of(name, [known.name for known in fields(shell.settings)], "setting")
        shell.set(name, _value(name, value.strip()))


def show_or_set(shell: Shell, name: str, word: str) -> None:
    """Set a setting to what a word means, or without one tell it. Raises Error for a word that means nothing to it."""
    if word:
        shell.set(name, _value(name, word))
    else:
        shell.write(f"{_word(getattr(shell.settings, name))}\n")


def _value(name: str, word: str) -> Any:
    """What a word means to a setting; the word itself where it means nothing."""
    from sqlports import settings

    known = settings.setting(name)
    wanted = settings.kind(known) if known else str
    if len(word) > 1 and word[0] == word[-1] and word[0] in "'\"":
        word = word[1:-1]
    if wanted is bool:
        return switch(name, word)
    if name == "rows" and word.lower() == "all":
        return 0
    if wanted in (int, float):
        try:
            return wanted(word.replace(",", ""))
        except ValueError:
            return word
    return word


def switch(name: str, word: str) -> bool:
    """Whether a word switches a setting on. Raises CommandError for one that does neither."""
    if word.lower() not in _SWITCH:
        raise CommandError(f"{name} takes on or off, not {word!r}")
    return _SWITCH[word.lower()]


def _word(value: Any) -> str:
    return (
        {True: "on", False: "off"}[value]
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


@command("FILE|'|COMMAND'", "files")
def once(shell: Shell, name: str) -> None:
    """Write what comes next to a file or a command. As in .once |wc -l. A file is replaced when all is written."""
    if not name:
        raise CommandError("where to? .once FILE, or .once |COMMAND")
    _direct(shell, name, once=True)


@command("[FILE|'|COMMAND']", "files")
def output(shell: Shell, name: str) -> None:
    """Write all that comes to a file or a command.

    Until .output alone turns back to the terminal. A file is replaced then, or when the prompt ends.
    """
    if name:
        _direct(shell, name, once=False)
    elif shell.where is None:
        shell.tell("results go to the terminal")
    else:
        shell.direct(None)


def _direct(shell: Shell, name: str, once: bool) -> None:
    if not name.removeprefix("|").strip():
        raise CommandError("to which command? .once |wc -l")
    # What was begun before has to be whole before the next may fail.
    shell.direct(None)
    shell.direct(Destination(name, once))


@command("[MODE]", "modes")
def copy(shell: Shell, name: str) -> None:
    """Copy the last result to the terminal's clipboard.

    There are tabs between its cells, or it is as MODE writes it. The terminal must know OSC 52, and take so much.
    """
    import sys

    from sqlports import modes
    from sqlports.shell import clipboard
    from sqlports.shell.dots.live import last_kept
    from sqlports.watch.sheet import Sheet

    kept = last_kept(shell)
    chosen = one_of(name, MODES, "mode") if name else "tsv"
    if sys.stdout is None or not sys.stdout.isatty():
        raise CommandError("there is no terminal to copy to")
    sheet = Sheet()
    modes.write(kept.columns, kept.rows, chosen, sheet, modes.look_of(kept, null=shell.settings.null))
    clipboard.copy("".join(sheet.text), sys.stdout)
    shell.tell(f"{len(kept.rows):,} {'row' if len(kept.rows) == 1 else 'rows'} copied as {chosen}")


@command("FILE", "files")
def read(shell: Shell, name: str) -> None:
    """Run a file of SQL and of commands like these. Commands stand in lines of their own. The first mistake ends it."""
    from sqlports.shell import script

    if not name:
        raise CommandError("which file? .read FILE")
    script.read(shell, name)
