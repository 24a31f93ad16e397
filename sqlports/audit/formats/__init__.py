"""How a report is written: a module for each format, with `text(report, look)`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from sqlports.audit.outcome import Report

# The module of each, and the ends of file names that mean it.
FORMATS: dict[str, tuple[str, tuple[str, ...]]] = {
    "table": ("table", (".txt",)),
    "json": ("json", (".json",)),
    "jsonl": ("json", (".jsonl",)),
    "csv": ("csv", (".csv",)),
    "sarif": ("sarif", (".sarif", ".sarif.json")),
    "junit": ("junit", (".xml",)),
    "github": ("github", ()),
    "markdown": ("markdown", (".md",)),
    "html": ("html", (".html", ".htm")),
}


class Look(NamedTuple):
    """How a report is shown: as which format, in how many columns of a terminal (None elsewhere), whether in colours."""

    format: str
    columns: int | None = None
    coloured: bool = False
    verbose: bool = False


def text(report: Report, look: Look) -> str:
    """The whole report, ending in a line feed."""
    written: str = importlib.import_module(f"{__name__}.{FORMATS[look.format][0]}").text(report, look)
    return written


def of_file(path: str) -> str | None:
    """The format that the end of a file's name means; None for none."""
    ends = [(end, name) for name, (_, known) in FORMATS.items() for end in known if path.lower().endswith(end)]
    return max(ends, key=lambda found: len(found[0]))[1] if ends else None
