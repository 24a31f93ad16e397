"""The steps of a plan as rows and as a page."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlports.about.explain import Step

COLUMNS = ("step", "depth", "table", "name", "does", "search", "check", "reads", "rows", "warning")


def rows(steps: list[Step]) -> list[tuple[Any, ...]]:
    """The steps as rows, for machines."""
    return [
        (
            number,
            one.depth,
            one.table or None,
            one.name or None,
            one.does,
            *(_joined(part) for part in one[4:7]),
            one.rows,
            one.warning or None,
        )
        for number, one in enumerate(steps, 1)
    ]


def _joined(texts: tuple[str, ...]) -> str | None:
    return "; ".join(texts) or None


def page(steps: list[Step], columns: int | None) -> str:
    """The steps for people."""
    import textwrap

    if not steps:
        return "nothing is looked at\n"
    lines: list[str] = []
    for block, times in _blocks(steps):
        again = f" ({times} times)" if times > 1 else ""
        for number, step in enumerate(block):
            for first, text in _told(step, "" if number else again):
                width = max(min(columns or 100, 100), len(first) + 20)
                lines += textwrap.wrap(text, width, initial_indent=first, subsequent_indent=" " * (len(first) + 2))
    return "\n".join(lines) + "\n"


def _blocks(steps: list[Step]) -> Iterator[tuple[list[Step], int]]:
    """Outermost steps with what is within them; the same again is counted."""
    blocks: list[list[Step]] = []
    for step in steps:
        if step.depth == 0 or not blocks:
            blocks.append([])
        blocks[-1].append(step)
    for block, alike in groupby(blocks):
        yield block, len(list(alike))


def _told(step: Step, again: str) -> Iterator[tuple[str, str]]:
    """The lines on a step, with their margins."""
    margin = "  " * step.depth
    called = f" ({step.name})" if step.name not in ("", step.table) else ""
    about = f", about {step.rows:,} row{'s' * (step.rows != 1)}" if step.rows is not None else ""
    if step.does:
        yield margin, f"{step.table}{called}: {step.does}{about}" if step.table else step.does.removesuffix(":") + again
    yield from ((margin + "    ", one) for one in step.search)
    if step.check:
        yield margin + "    ", f"{', '.join(step.check)}: checked row by row"
    yield from ((margin + "    ", one) for one in step.reads)
    if step.warning:
        yield margin + "  ! ", step.warning
