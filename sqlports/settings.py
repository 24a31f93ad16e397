"""What people may set about how sqlports looks and works: in the configuration file, and at the prompt by commands."""

from __future__ import annotations

from dataclasses import Field, dataclass, field, fields
from typing import Any

from sqlports.errors import nearest
from sqlports.modes import MODES

_KINDS = {"str": str, "int": int, "bool": bool, "float": float}
_CALLED = {str: "a text", int: "a whole number", bool: "true or false", float: "a number", list: "a list", dict: "a table"}


def _setting(
    default: Any, doc: str, choices: tuple[str, ...] = (), least: float | None = None, most: float | None = None
) -> Any:
    return field(default=default, metadata={"doc": doc, "choices": choices, "least": least, "most": most})


@dataclass
class Settings:
    """The settings.

    A field's metadata has its doc, which is its help, the words it takes where it takes some only, and a number's bounds.
    """

    mode: str = _setting("table", "How results are written to a terminal.", MODES)
    rows: int = _setting(
        40, "At the prompt, show at most so many rows of a table, the first and the last; 0 for all.", least=0, most=1e9
    )
    types: bool = _setting(True, "At the prompt, show the types of columns under their names.")
    units: bool = _setting(False, "Show sizes and times as people say them: 1.2 GiB, 3 h ago.")
    null: str = _setting("NULL", "What stands for NULL on a terminal.")
    timer: bool = _setting(False, "At the prompt, say how long each statement took.")
    pager: str = _setting("auto", "What shows output taller than the screen: auto (PAGER, or less), off, or a command.")
    colour: str = _setting(
        "auto", "Colours on a terminal: auto, always or never. NO_COLOR in the environment wins.", ("auto", "always", "never")
    )
    keys: str = _setting("emacs", "The keys of the prompt's editor.", ("emacs", "vi"))
    history: bool = _setting(True, "Keep what is typed at the prompt, in a file of its owner's alone.")
    timeout: float = _setting(
        0.0, "Seconds that a statement may take, where a terminal shows the result; 0 for no limit.", least=0, most=1e9
    )
    reverse_dns: bool = _setting(False, "Let reverse_dns() ask name servers.")


def setting(name: str) -> Field[Any] | None:
    """The setting of that name; None for none."""
    return next((known for known in fields(Settings) if known.name == name), None)


def kind(known: Field[Any]) -> type:
    """What a setting's values are: str, int, bool or float."""
    return _KINDS[str(known.type)]


def takes(known: Field[Any]) -> str:
    """What a setting takes, in words."""
    least, most = known.metadata["least"], known.metadata["most"]
    if known.metadata["choices"]:
        return f"one of {', '.join(known.metadata['choices'])}"
    bounds = f" from {least:,.0f} to {most:,.0f}" if least is not None and most is not None else ""
    return _CALLED[kind(known)] + bounds


def fault(name: str, value: Any) -> str | None:
    """What is wrong with a value for the setting of that name; None for nothing."""
    known = setting(name)
    if known is None:
        names = [there.name for there in fields(Settings)]
        meant = nearest(name, names)
        hint = f"did you mean {meant}?" if meant else f"there are {', '.join(names)}"
        return f"no such setting ({hint})"
    wanted, choices, least, most = kind(known), known.metadata["choices"], known.metadata["least"], known.metadata["most"]
    given: type = type(value)
    # A whole number is a number; true is 1 to Python and to nobody else.
    if given is not wanted and not (wanted is float and given is int):
        return f"takes {takes(known)}, not {_CALLED.get(given, 'a time')}{_quoted(value)}"
    if choices and value not in choices:
        meant = nearest(value, list(choices))
        return f"takes {takes(known)}, not {value!r}" + (f" (did you mean {meant}?)" if meant else "")
    # Written so that a number that is none (nan) is refused too.
    if least is not None and not least <= value <= most:
        return f"takes {takes(known)}, not {value:g}"
    if wanted is str and not value.isprintable():
        return f"has a control character in it, {value!r}: a terminal would obey it"
    return None


def _quoted(value: Any) -> str:
    return f" ({value!r})" if isinstance(value, str | int | float) and len(str(value)) < 50 else ""
