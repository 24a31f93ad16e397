"""markdown: a table as GitHub has it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from sqlports.cells import safe, shown
from sqlports.modes import Look, Output, Row, Written, chunks
from sqlports.modes.table import MEASURED, alignment, tabulated


def markdown(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """A table of GitHub's Markdown."""

    def escaped(text: str) -> str:
        return re.sub(r"([\\|<`*_\[\]])", r"\\\1", text)

    values = list(islice(rows, MEASURED))
    body = [[escaped(shown(value)) for value in row] for row in values]
    count = tabulated([escaped(safe(name)) for name in columns], body, alignment(columns, values), "pipe", output)
    for chunk in chunks(rows):
        output.write("".join(f"| {' | '.join(escaped(shown(value)) for value in row)} |\n" for row in chunk))
        count += len(chunk)
    return Written(count)
