"""osqueryi at a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ENDLESS
from .terminal import Terminal

# An editor says that it takes pasted text when it begins to read.
READS = r"\x1b\[\?2004h[^>]*osquery>"


@pytest.fixture
def terminal(open_terminal: Callable[..., Terminal]) -> Terminal:
    """The prompt, ready."""
    started = open_terminal("osqueryi")
    started.expect("Using a .*virtual database.*Need help, type '.help'\r\n")
    started.expect(READS)
    return started


def test_statements_go_on_over_lines_and_commands_are_lines(terminal: Terminal) -> None:
    terminal.send("SELECT 40 + 2\r")
    terminal.expect(r"    \.\.\.>")
    terminal.send("AS answer;\r")
    terminal.expect(r"\+--------\+\r\n\| answer \|\r\n\+--------\+\r\n\| 42     \|\r\n\+--------\+\r\n")
    terminal.expect(READS)
    terminal.send("foo;\r")
    terminal.expect('Error: near "foo": syntax error\r\n')
    terminal.expect(READS)
    terminal.send(".tables osquery_p\r")
    terminal.expect("  => osquery_packs\r\n")
    terminal.expect(READS)
    terminal.send(".exit 3\r")
    assert terminal.end() == 3


def test_ctrl_d_leaves_with_0(terminal: Terminal) -> None:
    terminal.send("\x04")
    assert terminal.end() == 0


def test_ctrl_c_ends_a_statement_and_not_the_shell(terminal: Terminal) -> None:
    terminal.send(f"{ENDLESS};\r")
    terminal.expect("running")
    terminal.send("\x03")
    terminal.expect("Error: interrupted\r\n")
    terminal.expect(READS)
    # Typed and not run, it ends what was begun.
    terminal.send("SELECT\r")
    terminal.expect(r"    \.\.\.>")
    terminal.send("'never\x03")
    terminal.expect(READS)
    terminal.send("SELECT 5 AS n;\r")
    terminal.expect(r"\| 5 \|\r\n")
    terminal.expect(READS)
    terminal.send("\x04")
    # As after any error.
    assert terminal.end() == 1


def test_tab_completes_names_of_tables_and_of_commands(terminal: Terminal) -> None:
    terminal.send("SELECT name FROM osquery_pa\t")
    terminal.expect("cks")
    terminal.send(" WHERE 0;\r")
    terminal.expect(READS)
    terminal.send(".separ\t ,\r")
    terminal.expect(READS)
    terminal.send(".show\r")
    terminal.expect('separator: ","')


def test_what_was_typed_is_kept_in_a_file_of_its_own(
    terminal: Terminal, open_terminal: Callable[..., Terminal], state: Path
) -> None:
    terminal.send("SELECT 'kept';\r")
    terminal.expect(r"\| kept")
    terminal.expect(READS)
    terminal.send("\x04")
    assert terminal.end() == 0
    assert "SELECT 'kept';" in (state / "sqlports" / "osqueryi_history").read_text()
    assert not (state / "sqlports" / "history").exists()
    again = open_terminal("osqueryi")
    again.expect(READS)
    again.send("\x1b[A\r")
    again.expect(r"\| kept")


@pytest.mark.parametrize("flag", ["--csv", "--line", "--list", "--json", "--json_pretty", "--pretty"])
def test_a_hostile_name_does_nothing_to_the_terminal(flag: str, open_terminal: Callable[..., Terminal]) -> None:
    flags = () if flag == "--pretty" else (flag,)
    sql = "SELECT 'a' || char(27) || '[31m' || char(155, 127, 8238, 10, 13) || 'z' AS n, 1 AS 'x\x1b[2J'"
    terminal = open_terminal("osqueryi", *flags, sql, columns=120)
    assert terminal.end() == 0
    assert b"z" in terminal.raw
    assert not re.search(rb"\x1b|\x7f|\xc2\x9b|\xe2\x80\xae|\r(?!\n)|\r\n *z", terminal.raw)


def test_a_terminal_that_can_nothing(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("osqueryi", "--json", TERM="dumb")
    terminal.expect("osquery> ")
    terminal.send("SELECT\n")
    terminal.expect(r"    \.\.\.>")
    terminal.send("40 + 2 AS n;\n")
    terminal.expect(r'\[\r\n  \{"n":"42"\}\r\n\]\r\n')
    terminal.expect("osquery> ")
    terminal.send("SELECT 'never")
    terminal.send("\x03")
    terminal.expect("osquery> ")
    terminal.send("\x04")
    assert terminal.end() == 0
    assert b"\x1b" not in terminal.raw


def test_results_go_where_standard_output_goes_and_the_prompt_does_not(
    open_terminal: Callable[..., Terminal], tmp_path: Path
) -> None:
    terminal = open_terminal("osqueryi", "--csv", stdout=tmp_path / "out")
    terminal.expect(READS)
    terminal.send("SELECT 40 + 2 AS answer;\r")
    terminal.expect(READS)
    terminal.send("\x04")
    assert terminal.end() == 0
    assert (tmp_path / "out").read_text().endswith("answer\n42\n")
