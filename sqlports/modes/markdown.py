"""markdown: a table as GitHub has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from sqlports.cells import safe, shown
from sqlports.modes import Look, Output, Row, Written, chunks
from sqlports.modes.table import MEASURED, alignment


def markdown(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A table of GitHub's Markdown."""
    from tabulate import tabulate

    def escaped(text: str) -> str:
        return re.sub(r"([\\|<`*_\[\]])", r"\\\1", text)

    values = list(islice(rows, MEASURED))
    text = tabulate(
        [[escaped(shown(value)) for value in row] for row in values],
        [escaped(safe(name)) for name in columns],
        tablefmt="pipe",
        disable_numparse=True,
        preserve_whitespace=True,
        colalign=alignment(columns, values) if values else None,
    )
    output.write(text + "\n")
    count = len(values)
    for chunk in chunks(rows):
        output.write("".join(f"| {' | '.join(escaped(shown(value)) for value in row)} |\n" for row in chunk))
        count += len(chunk)
    return Written(count)
