"""The parameters of a saved query: declared in its header, checked when they are given.

    -- param: NAME TYPE [DEFAULT] [DOC]

TYPE is integer, real, text, or the words that it may be: tcp|udp. DEFAULT is a number, a 'text', one of the words or NULL; a
parameter without one has to be given. In the SQL it is :NAME.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlports.errors import Error, nearest
from sqlports.queries.header import Fault, Field, Header, parse

TYPES = ("integer", "real", "text")


class ParameterError(Error):
    """A parameter is unknown, missing, or given a value that is none for it."""


class Parameter(NamedTuple):
    """A parameter.

    type      'integer', 'real', 'text', 'word' for one of `words`, 'any' for one that is not declared: a number or a text
    default   its value when it is not given; None is NULL
    required  whether it has to be given
    """

    name: str
    type: str
    words: tuple[str, ...] = ()
    default: Any = None
    required: bool = True
    doc: str = ""

    @property
    def option(self) -> str:
        """The option that gives it."""
        return "--" + self.name.replace("_", "-")

    @property
    def takes(self) -> str:
        """What it takes, as help shows it."""
        return "|".join(self.words) or {"any": "VALUE"}.get(self.type, self.type.upper())

    @property
    def usage(self) -> str:
        """How it is given, in brackets where it need not be."""
        text = f"{self.option} {self.takes}"
        return text if self.required else f"[{text}]"

    def value(self, text: str) -> Any:
        """The value that a text stands for. Raises ParameterError."""
        if text == "NULL" and not self.required and self.default is None:
            return None
        try:
            return _value(self.type, self.words, text)
        except ValueError as error:
            raise ParameterError(f"{self.name} takes {error}, and not {text!r}") from None


def number(text: str) -> int | float | str:
    """A number where the text is what the number reads back as, else the text: 007 and 1e3 stay text."""
    if re.fullmatch(r"-?(0|[1-9]\d{0,17})", text, re.ASCII):
        return int(text)
    if re.fullmatch(r"-?(0|[1-9]\d*)\.\d+", text, re.ASCII):
        return float(text)
    return text


def _value(kind: str, words: Sequence[str], text: str) -> Any:
    """Raises ValueError, which says what would have been right."""
    if kind == "any":
        return number(text)
    if kind == "text":
        return text
    if kind == "word":
        if text.lower() in words:
            return text.lower()
        if text in words:
            return text
        meant = nearest(text, list(words)) if text else None
        raise ValueError(f"one of {', '.join(words)}" + (f" (did you mean {meant}?)" if meant else ""))
    if kind == "integer":
        if re.fullmatch(r"[+-]?\d{1,19}", text, re.ASCII) and -(2**63) <= int(text) < 2**63:
            return int(text)
        raise ValueError("an integer")
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", text, re.ASCII) and abs(float(text)) < float("inf"):
        return float(text)
    raise ValueError("a number")


_LITERAL = re.compile(r"('(?:[^']|'')*'|NULL(?!\w)|[+-]?\.?\d[\w.+-]*)(?:\s+|$)")


def declared(field: Field) -> Parameter:
    """The parameter that a field `param` declares. Raises ValueError."""
    name, kind, rest = (*field.text.split(None, 2), "", "")[:3]
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        raise ValueError(f"{name!r} is no name of a parameter")
    words = tuple(kind.split("|")) if "|" in kind else ()
    if kind not in TYPES and not (words and all(re.fullmatch(r"[\w.+-]+", word) for word in words)):
        raise ValueError(f"the type of {name} is integer, real, text or words as in tcp|udp, and not {kind!r}")
    parameter = Parameter(name, "word" if words else kind, words)
    literal = _LITERAL.match(rest)
    if literal:
        default, doc = literal[1], rest[literal.end() :]
    elif rest.split(None, 1)[:1] and rest.split(None, 1)[0] in words:
        default, doc = (*rest.split(None, 1), "")[:2]
    else:
        return parameter._replace(doc=rest)
    if default == "NULL":
        return parameter._replace(default=None, required=False, doc=doc)
    quoted = default.startswith("'")
    if parameter.type == "text" and not quoted:
        raise ValueError(f"the default of {name} is text: write it as '{default}'")
    try:
        value = _value(parameter.type, words, default[1:-1].replace("''", "'") if quoted else default)
    except ValueError as error:
        raise ValueError(f"the default of {name} is {error}, and not {default}") from None
    return parameter._replace(default=value, required=False, doc=doc)


def defaults(script: str) -> dict[str, Any]:
    """The values of a script's own parameters that need not be given; of a header with faults as far as they are known."""
    found = {}
    for field in parse(script).all("param"):
        try:
            parameter = declared(field)
        except ValueError:
            continue
        if not parameter.required:
            found[parameter.name] = parameter.default
    return found


def of(header: Header) -> tuple[Parameter, ...]:
    """The parameters that a header declares, in their order. What is wrong is added to its faults."""
    found: dict[str, Parameter] = {}
    for field in header.all("param"):
        try:
            parameter = declared(field)
            if parameter.name in found:
                raise ValueError(f"a second {parameter.name}")
            found[parameter.name] = parameter
        except ValueError as error:
            header.faults.append(Fault(field.line, f"param: {error}"))
    return tuple(found.values())


def told_apart(parameters: Sequence[Parameter], words: Iterable[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """The words without a name, and those that are NAME=VALUE of one of the parameters."""
    known = {parameter.name for parameter in parameters}
    pairs = [(word, word.partition("=")) for word in words]
    named = [(name, value) for _, (name, equals, value) in pairs if equals and name in known]
    return [word for word, (name, equals, _) in pairs if not (equals and name in known)], named


def bind(parameters: Sequence[Parameter], words: Sequence[str], named: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The value of each parameter: given by name, or in their order by words without one, or its default.

    Raises ParameterError.
    """
    known = {parameter.name: parameter for parameter in parameters}
    given: dict[str, Any] = {}

    def give(name: str, text: str) -> None:
        if name in given:
            raise ParameterError(f"{name} is given twice")
        given[name] = known[name].value(text)

    for name, text in named:
        as_declared = name if name in known else name.replace("-", "_")
        if as_declared not in known:
            raise ParameterError(f"there is no parameter {name}: {_meant(name, list(known))}")
        give(as_declared, text)
    left = [parameter.name for parameter in parameters if parameter.name not in given]
    if len(words) > len(left):
        raise ParameterError(f"{words[len(left)]!r} is one too many: {_meant('', list(known))}")
    for name, text in zip(left, words, strict=False):
        give(name, text)
    missing = [parameter for parameter in parameters if parameter.required and parameter.name not in given]
    if missing:
        needed = (f"{parameter.name} ({parameter.takes})" for parameter in missing)
        raise ParameterError(f"it needs {' and '.join(needed)}")
    return {name: given.get(name, parameter.default) for name, parameter in known.items()}


def _meant(name: str, names: list[str]) -> str:
    meant = nearest(name, names) if name else None
    if meant:
        return f"did you mean {meant}?"
    return f"it takes {', '.join(names)}" if names else "it takes none"
