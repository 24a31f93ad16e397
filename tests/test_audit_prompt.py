"""Audits at the prompt, in a pseudo-terminal as people have it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .terminal import Terminal

HOSTILE = "-- title: It\n-- severity: high\n-- message: {said}\nSELECT char(27) || '[35mx' AS said;\n"


def test_a_report_has_its_colours_and_no_value_has_any(open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "mine.sql").write_text(HOSTILE)
    terminal = open_terminal(columns=200, NO_COLOR="")
    terminal.prompt()
    told = terminal.run(f".audit {tmp_path}/mine.sql")
    assert "\x1b[31mHIGH" in told
    assert "\\x1b[31m" not in told
    assert "\\x1b[35mx" in told
    assert "\x1b[35mx" not in told


def test_audits_are_listed_and_shown_and_an_unknown_one_points_to_the_list(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(columns=200, lines=200)
    terminal.prompt()
    listed = terminal.run(".audit list intrusion")
    assert "reverse-shell" in listed
    assert "zombies" not in listed
    assert "Shell whose input comes from the network" in terminal.run(".audit show reverse-shell")
    assert ".audit list has the names" in terminal.run(".audit show")
    assert "no audit or pack is called qqqqqq: .audit list has them" in terminal.run(".audit qqqqqq")
    assert "is for the command line" in terminal.run(".audit convert x")
