"""The command `sqlports completion SHELL`: a script by which a shell completes sqlports' command line.

The script asks `sqlports completion words SHELL` what could stand at the cursor: so it knows this system's tables and saved
queries, and never another version's options. The words up to the cursor come by standard input, a NUL behind each; the answer
is a line for each candidate, its word, a tab and its doc, or one line `:files` or `:directories`.
"""

from __future__ import annotations

import sys
from argparse import Action, Namespace
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sqlports.commands import COMMANDS
from sqlports.commands.completion_scripts import SCRIPTS

if TYPE_CHECKING:
    from sqlports.audit.audit import Audit
    from sqlports.engine import Engine
    from sqlports.queries.parameters import Parameter

Candidates = list[tuple[str, str]]

FILES: Candidates = [(":files", "")]
DIRECTORIES: Candidates = [(":directories", "")]
_FILES = ("file", "output", "report", "waivers", "baseline", "write_baseline")
USAGE = "sqlports completion bash, zsh or fish: its first lines say how the script is installed"


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    words = options.sql[1:]
    return None if len(words) in (1, 2) and words[-1] in SCRIPTS and words[:-1] in ([], ["words"]) else USAGE


def run(engine: Engine, options: Namespace) -> None:
    """Write the script, or what could stand at the cursor. Raises OSError."""
    from sqlports.cells import safe
    from sqlports.output import Output

    *words, shell = options.sql[1:]
    output = Output(options.output, "json")
    if not words:
        output.write(SCRIPTS[shell])
    else:
        data = sys.stdin.buffer.read() if sys.stdin is not None else b""
        typed = [word.decode("utf-8", "replace") for word in data.split(b"\0")[:-1]] or [""]
        if shell == "bash":
            # It takes an equals sign for a word of its own, and completes what stands behind.
            typed = _joined(typed)
        cut = len(typed[-1].rpartition("=")[0]) + 1 if shell == "bash" and "=" in typed[-1] else 0
        for word, doc in candidates(typed):
            if word.startswith((":", typed[-1])) or shell != "bash":
                output.write(f"{safe(word[0 if word.startswith(':') else cut :])}\t{safe(doc)}\n")
    output.close()


def _joined(words: list[str]) -> list[str]:
    joined: list[str] = []
    for word in words:
        if joined and (word == "=" or joined[-1].endswith("=")):
            joined[-1] += word
        else:
            joined.append(word)
    return joined


def candidates(words: list[str]) -> Candidates:
    """What could stand in the place of the last word, behind those before it; each with what it means."""
    if words[0] == "osqueryi" and len(words) > 1:
        from sqlports.osqueryi import flags

        return flags.completions(words[1:])
    options = _options()
    given: list[str] = []
    plain: list[str] = []
    awaited = ""
    for word in words[:-1]:
        name, equals, _ = word.partition("=")
        if awaited:
            awaited = ""
        elif word.startswith("-") and word != "-":
            given.append(name)
            action = options.get(name)
            if not equals and (action.nargs != 0 if action else name in _parameters(plain)):
                awaited = name
        else:
            plain.append(word)
    last = words[-1]
    if awaited:
        return _values(awaited, options, plain)
    name, equals, _ = last.partition("=")
    if last.startswith("--") and equals:
        return [(word if word.startswith(":") else f"{name}={word}", doc) for word, doc in _values(name, options, plain)]
    return _named(options, given, plain) if last.startswith("-") else _words(plain)


def _options() -> dict[str, Action]:
    from sqlports.options import make_parser

    return {name: action for action in make_parser()._actions for name in action.option_strings}


def _named(options: dict[str, Action], given: list[str], plain: list[str]) -> Candidates:
    """The options that are not given yet, those of the named query first."""
    done = {options[name].dest for name in given if name in options and "Append" not in type(options[name]).__name__}
    found = [(name, parameter.doc) for name, parameter in _parameters(plain).items() if name not in given]
    own = {name for name, _ in found}
    for name, action in options.items():
        if action.dest not in done and name.startswith("--") and name not in own:
            found.append((name, action.help or ""))
    return found


def _values(name: str, options: dict[str, Action], plain: list[str]) -> Candidates:
    """What an option may be given."""
    parameter, action = _parameters(plain).get(name), options.get(name)
    if action is None:
        return [(word, "") for word in parameter.words] if parameter else []
    if action.dest == "tag":
        return [(tag, "") for tag in sorted({tag for audit in _audits_of([]) for tag in audit.tags})]
    if action.dest == "param" and plain[:1] == ["audit"]:
        return list(
            {one.name: (f"{one.name}=", one.doc) for audit in _audits_of(plain[1:]) for one in audit.parameters}.values()
        )
    if action.dest == "param":
        return [(f"{parameter.name}=", parameter.doc) for parameter in _parameters(plain).values()]
    if action.choices:
        return [(str(choice), "") for choice in action.choices]
    return DIRECTORIES if action.dest == "root" else FILES if action.dest in _FILES else []


def _parameters(plain: list[str]) -> dict[str, Parameter]:
    """The parameters of the named query that is to run, by their options."""
    if plain[:1] != ["run"] or len(plain) < 2:
        return {}
    from sqlports.queries import saved

    try:
        return {parameter.option: parameter for parameter in saved.find(plain[1]).parameters}
    except saved.SavedError:
        return {}


def _words(plain: list[str]) -> Candidates:
    """The words that are no options: a command, and what that takes."""
    if not plain:
        return _commands()
    find = TAKEN.get(plain[0])
    return find(plain[1:]) if find else []


def _commands() -> Candidates:
    from sqlports.about.catalogue import summary

    return [(name, summary(command.doc)) for name, command in COMMANDS.items()]


def _tables(_: list[str]) -> Candidates:
    from sqlports.about import catalogue

    return [(relation[0], relation[-1]) for relation in catalogue.relations()]


def _queries(before: list[str]) -> Candidates:
    from sqlports.queries import saved

    if not before:
        return [(query.name, query.title) for query in saved.queries()[0]]
    # Its parameters may be given as words, in their order.
    parameters = list(_parameters(["run", *before]).values())[len(before) - 1 :]
    return [(word, "") for word in parameters[0].words] if parameters else []


def _audits_of(names: list[str]) -> list[Audit]:
    """The audits of these names and packs, or all that have a name."""
    from sqlports.audit import find

    return [audit for audit in find.named().audits if not names or audit.id in names or audit.pack in names]


def _audits(before: list[str]) -> Candidates:
    words = [("list", "name the audits"), ("show", "tell all of one"), ("convert", "to an osquery pack, and from one")]
    every = _audits_of([])
    packs = [(pack, "a pack") for pack in sorted({audit.pack for audit in every if audit.pack})]
    names = packs + [(audit.id, audit.title) for audit in every if audit.id not in before]
    return FILES + (words if not before else []) + names


def _registry(before: list[str]) -> Candidates:
    if before == ["update"]:
        return FILES
    return [] if before else [("update", "take IANA's file"), ("forget", "use the list that came along")]


def _one_of(words: Iterable[str]) -> Callable[[list[str]], Candidates]:
    return lambda before: [] if before else [(word, "") for word in words]


# What stands behind a command, given what does already. A command that is not here takes what nobody could list.
TAKEN: dict[str, Callable[[list[str]], Candidates]] = {
    "schema": _tables,
    "describe": _tables,
    "run": _queries,
    "audit": _audits,
    "help": lambda before: [] if before else _commands() + _queries([]),
    # SQL, beside its own flags.
    "osqueryi": lambda before: [],
    "registry": _registry,
    "config": _one_of(["example"]),
    "completion": _one_of(SCRIPTS),
}
