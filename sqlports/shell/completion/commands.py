"""What may stand at a place of one of the prompt's own commands."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from sqlports.about.catalogue import summary
from sqlports.errors import Error
from sqlports.shell import dot
from sqlports.shell.completion import sql
from sqlports.shell.completion.candidates import Candidate, ranked
from sqlports.shell.completion.files import files
from sqlports.shell.dots import commands
from sqlports.shell.names import Names

# What a kind of word is followed by, where the command declares no more.
_NEXT = {"settings": "values", "queries": "parameters", "parameters": "parameters"}


def complete(text: str, cursor: int, names: Names) -> tuple[int, list[Candidate]]:
    """Where the word at the cursor begins, and what may replace it."""
    typed = text[:cursor]
    name, argument = dot.parts(typed)
    if argument is None:
        start = cursor - len(typed.lstrip())
        return start, ranked(typed[start:], _commands(), names)
    begun = [found for known, found in commands().items() if known.startswith(name)]
    kinds = next((found.choices for found in begun if found.name == name), begun[0].choices if begun else "")
    return _argument(text, cursor, cursor - len(argument), re.split(r"[\s,]+", kinds), names)


def _argument(text: str, cursor: int, start: int, kinds: list[str], names: Names) -> tuple[int, list[Candidate]]:
    """The same, of what begins at `start` and is words of these kinds; SQL and a file's path go on to the end."""
    kind = ""
    while True:
        kind = kinds.pop(0) if kinds else _NEXT.get(kind, "")
        word = re.match(r"\S*\s*", text[start:cursor])
        assert word
        if kind == "numbers" and not re.match(r"[\d.]", word[0]) and kinds:
            continue
        if kind == "files":
            begun, found = files(text[start:cursor])
            return start, ranked(begun, found, names)
        if kind == "sql" and not re.match(r"[\d.]+\w*\s", word[0]):
            return _sql(text, cursor, start, names)
        if kind == "sql":
            kinds = ["sql"]
        elif start + len(word[0]) == cursor and not word[0][-1:].isspace():
            # People write a command's name with its dot here too.
            offers = _dotted_commands if kind == "commands" and word[0][:1] == "." else _KINDS.get(kind)
            found = list(offers(names, text[:start])) if offers else []
            return start, ranked(word[0], found, names)
        if not kind:
            return start, []
        start += len(word[0])


def _sql(text: str, cursor: int, start: int, names: Names) -> tuple[int, list[Candidate]]:
    at, found = sql.complete(text[start:], cursor - start, names)
    return start + at, found


def _commands() -> Iterator[Candidate]:
    for name, found in commands().items():
        shown = f"{name} {found.argument}".rstrip()
        yield Candidate(name, name, "command", summary(found.doc), shown)


def _relations(names: Names, _: str) -> Iterator[Candidate]:
    for found in names.by_use():
        yield Candidate(found.name, found.name, found.kind, found.doc)


def _modes(*_: object) -> Iterator[Candidate]:
    from sqlports.modes import MODES, doc

    yield from (Candidate(mode, mode, "mode", doc(mode)) for mode in MODES)


def _named_commands(*_: object) -> Iterator[Candidate]:
    yield from (one._replace(name=one.name[1:], text=one.text[1:], shown="") for one in _commands())


def _dotted_commands(*_: object) -> Iterator[Candidate]:
    yield from _commands()


def _functions(names: Names, _: str) -> Iterator[Candidate]:
    for found in names.functions():
        yield Candidate(found.name, found.name, found.kind, found.doc, found.signature)


def _switches(_: Names, before: str) -> Iterator[Candidate]:
    name = dot.parts(before)[0]
    doc = summary(commands()[name].doc) if name in commands() else ""
    yield from (Candidate(word, word, "switch", doc) for word in ("on", "off"))


def _settings(*_: object) -> Iterator[Candidate]:
    from dataclasses import fields

    from sqlports.settings import Settings

    yield from (Candidate(field.name, field.name, "setting", field.metadata["doc"]) for field in fields(Settings))


def _values(names: Names, before: str) -> Iterator[Candidate]:
    """The words that the setting takes which was just named."""
    from dataclasses import fields

    from sqlports.settings import Settings

    name = before.rsplit(maxsplit=1)[-1]
    if name == "mode":
        yield from _modes()
    for field in fields(Settings):
        if field.name == name != "mode":
            if isinstance(field.default, bool):
                yield from (Candidate(word, word, "switch", field.metadata["doc"]) for word in ("on", "off"))
            yield from (Candidate(word, word, "value", field.metadata["doc"]) for word in field.metadata["choices"])


def _queries(*_: object) -> Iterator[Candidate]:
    from sqlports.queries import saved

    yield from (Candidate(query.name, query.name, "query", query.title) for query in saved.queries()[0])


def _parameters(_: Names, before: str) -> Iterator[Candidate]:
    """What the saved query takes that was named first, but what it was given."""
    from sqlports.queries import saved

    name, *given = before.split()[1:]
    try:
        query = saved.find(name)
    except Error:
        return
    named = {word.partition("=")[0] for word in given if "=" in word}
    for parameter in query.parameters:
        if parameter.name not in named:
            text = f"{parameter.name}="
            yield Candidate(text, text, "parameter", f"{parameter.takes}. {parameter.doc}".rstrip())
            yield from (
                Candidate(text + word, text + word, "value", parameter.doc or f"of {parameter.name}")
                for word in parameter.words
            )


def _audits(*_: object) -> Iterator[Candidate]:
    from sqlports.audit import find

    every = find.named().audits
    for pack in sorted({audit.pack for audit in every if audit.pack}):
        yield Candidate(pack, pack, "pack", f"{sum(audit.pack == pack for audit in every)} audits")
    yield from (Candidate(audit.id, audit.id, audit.severity, audit.title) for audit in every)


_KINDS: dict[str, Callable[[Names, str], Iterator[Candidate]]] = {
    "audits": _audits,
    "commands": _named_commands,
    "functions": _functions,
    "modes": _modes,
    "parameters": _parameters,
    "queries": _queries,
    "relations": _relations,
    "settings": _settings,
    "switch": _switches,
    "switches": _switches,
    "values": _values,
}
