"""The command `sqlports config`: the settings in force and where each is from; or a file to begin with."""

from __future__ import annotations

import json
import os
import textwrap
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlports import config
from sqlports.settings import Settings, kind, takes

if TYPE_CHECKING:
    from sqlports.engine import Engine

COLUMNS = ("setting", "value", "origin", "doc")


def misuse(options: Namespace) -> str | None:
    """What is wrong with the arguments; None for nothing."""
    if options.sql[1:] in ([], ["example"]):
        return None
    return "sqlports config shows the settings, sqlports config example a file to begin with"


def run(engine: Engine, options: Namespace) -> None:
    """Write the settings as rows, or the example. Raises ConfigError and OSError."""
    from sqlports import modes
    from sqlports.output import Output
    from sqlports.session import complain, remark

    output = Output(options.output, options.mode)
    if options.sql[1:]:
        output.write(example())
    else:
        found = config.load()
        remark(modes.write(COLUMNS, list(in_force(found, options)), options.mode, output, modes.LIST))
        place = config.place()
        if found.path is None and place and not found.remark:
            complain(f"there is no configuration file: {place} would be it, and sqlports config example is one to begin with")
    output.close()


def in_force(found: config.Config, options: Namespace) -> Iterator[tuple[str, Any, str, str]]:
    """Each setting: its name, its value, what says so and what it is for."""
    settings = found.settings
    # The mode is that of the settings, and not the one that these are asked for in.
    given = {name: getattr(options, name) for name in ("types", "units", "timeout") if getattr(options, name)}
    for known in fields(Settings):
        value, origin = getattr(settings, known.name), "default"
        if known.name in found.lines:
            origin = f"{found.path}:{found.lines[known.name]}"
        if given.get(known.name, value) != value:
            value, origin = given[known.name], f"--{known.name}"
        if known.name == "colour" and os.environ.get("NO_COLOR"):
            value, origin = "never", "NO_COLOR"
        if known.name == "pager" and value == "auto" and os.environ.get("PAGER"):
            value, origin = os.environ["PAGER"], "PAGER"
        # As the file has it: a value of SQL's has no truth.
        said = str(value).lower() if isinstance(value, bool) else value
        yield known.name, said, origin, known.metadata["doc"]


def example() -> str:
    """A configuration file that says what is so without it."""
    lines = ["# sqlports reads this as $XDG_CONFIG_HOME/sqlports/config.toml, or ~/.config/sqlports/config.toml.", ""]
    for known in fields(Settings):
        doc = known.metadata["doc"] + (
            "" if kind(known) is str and not known.metadata["choices"] else f" Takes {takes(known)}."
        )
        lines += textwrap.wrap(doc, 98, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
        lines += [f"#{known.name} = {json.dumps(known.default)}", ""]
    return "\n".join(lines)
