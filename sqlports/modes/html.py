"""html: a page that a browser opens, with a table for each result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

from sqlports.cells import blob, safe
from sqlports.modes import Look, Output, Row, Written, chunks
from sqlports.modes.table import alignment

# The tags that HTML lets end by themselves are not closed, so that the page is whole whenever no more comes.
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>sqlports</title>
<style>
:root { color-scheme: light dark; font: 14px/1.4 system-ui, sans-serif; }
table { border-collapse: collapse; margin: 1em; }
th, td { padding: 0.2em 0.7em; text-align: left; vertical-align: top; border-bottom: 1px solid #8884; }
th { position: sticky; top: 0; background: Canvas; }
td { white-space: pre-wrap; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.number { text-align: right; }
.null { opacity: 0.5; font-style: italic; }
</style>
"""


def html(columns: Sequence[str], rows: Iterator[Row], output: Output, look: Look) -> Written:
    """HTML5: a page of one table, to which each further result adds one. Classes tell NULL, numbers and blobs from texts."""
    chunk = next(chunks(rows), [])
    sides = alignment(columns, chunk)
    names = "".join(
        f'<th scope="col"{_KIND["number"] if side == "right" else ""}>{_text(name)}</th>'
        for name, side in zip(columns, sides, strict=True)
    )
    output.write(f"{'' if output.begun else _PAGE}<table>\n<thead>\n<tr>{names}</tr>\n</thead>\n<tbody>\n")
    null = f"<td{_KIND['null']}>{_text(look.null)}</td>"
    count = 0
    while chunk:
        output.write("".join(f"<tr>{''.join(_cell(value, null) for value in row)}</tr>\n" for row in chunk))
        count += len(chunk)
        chunk = next(chunks(rows), [])
    output.write("</tbody>\n</table>\n")
    return Written(count)


_KIND = {kind: f' class="{kind}"' for kind in ("number", "null", "blob")}


def _cell(value: Any, null: str) -> str:
    if value is None:
        return null
    if isinstance(value, str):
        return f"<td>{_text(value)}</td>"
    if isinstance(value, bytes):
        return f"<td{_KIND['blob']}>{blob(value)}</td>"
    return f"<td{_KIND['number']}>{value!r}</td>"


def _text(text: str) -> str:
    """A text as HTML has it: of the control characters it has these two, and the others are written out."""
    if not text.isprintable():
        text = "".join(piece if piece in ("\n", "\t") else safe(piece) for piece in re.split("([\n\t])", text))
    return escape(text)
