"""Completion and colours in the prompt, in a pseudo-terminal as people have it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from prompt_toolkit.completion import CompleteEvent, Completion
from prompt_toolkit.document import Document

from sqlports import Engine
from sqlports.shell.completer import Candidates
from sqlports.shell.names import Names

from .terminal import Terminal

TAB = "\t"


def test_the_menu_shows_what_each_candidate_is(terminal: Terminal) -> None:
    terminal.send("SELECT resident")
    screen = terminal.shows(r"resident_size +INTEGER: Of processes\. Memory held in RAM")
    assert "> SELECT resident\n" in screen
    terminal.send("\x03")
    terminal.prompt()
    terminal.send("SELECT subst")
    assert re.search(r"substr\(text, start \[, length\]\) +text: A piece of the text", terminal.shows("substring"))


def test_enter_takes_a_candidate_or_runs_and_never_both(terminal: Terminal) -> None:
    terminal.send("SELECT 40 + 2 AS answer FROM users WHERE uid = 0 AND usern")
    terminal.shows(r"username +TEXT: Login name")
    terminal.send(TAB)
    terminal.shows(r"AND username\n")
    terminal.send("\r")
    # Taken, and not run.
    terminal.send(" = 'root'")
    assert "42" not in terminal.shows(r"AND username = 'root'")
    assert "  42\r\n" in terminal.run(";")
    # Nothing is chosen in the menu: it runs.
    terminal.send("SELECT 100 + 1 AS offs")
    terminal.send("et;")
    assert "  101\r\n" in terminal.run("")


def test_tab_completes_however_fast_it_is_typed(terminal: Terminal) -> None:
    terminal.send("SELECT 100 + 1 AS n FROM gro\t\r WHERE groupn\t\r = 'root';\r")
    terminal.expect("\n101\r\n")
    terminal.prompt()


def test_shift_tab_goes_back(terminal: Terminal) -> None:
    terminal.send("SELECT 1 FROM pro\t")
    terminal.shows(r"FROM processes\n")
    terminal.send("\t")
    terminal.shows(r"FROM process_\w+\n")
    terminal.send("\x1b[Z")
    terminal.shows(r"FROM processes\n")


def test_values_are_offered_inside_the_quotes(terminal: Terminal) -> None:
    terminal.send("SELECT count(*) >= 0 AS fine FROM sockets WHERE state = '")
    terminal.shows(r"LISTEN +value")
    terminal.send("lis")
    terminal.shows(r"= 'lis\n +LISTEN +value")
    terminal.send(TAB)
    terminal.shows(r"state = 'LISTEN'")
    terminal.send("\r")
    assert "  1\r\n" in terminal.run(";")


def test_a_whole_join_is_offered(terminal: Terminal) -> None:
    terminal.send("SELECT count(*) >= 0 AS fine FROM sockets JOIN ")
    terminal.shows(r"processes USING \(pid\) +join: Running")
    terminal.send(TAB)
    terminal.shows(r"JOIN processes USING \(pid\)\n")
    terminal.send("\r")
    assert "  1\r\n" in terminal.run(";")


def test_nothing_is_offered_unasked_where_anything_may_stand_and_never_very_much() -> None:
    with Engine() as engine:
        completer = Candidates(Names(engine.connection), [])

        def offered(text: str, asked: bool) -> list[Completion]:
            event = CompleteEvent(text_inserted=not asked, completion_requested=asked)
            return list(completer.get_completions(Document(text), event))

        for text in ("", "SELECT ", "SELECT * FROM users WHERE ", "SELECT * FROM users ", "SELECT count("):
            assert not offered(text, asked=False)
            assert offered(text, asked=True)
        for text in ("SELECT p", "SELECT * FROM ", "SELECT * FROM sockets JOIN ", "SELECT * FROM sockets WHERE state = "):
            assert 0 < len(offered(text, asked=False)) <= 40
        assert len(offered("SELECT ", asked=True)) > 40


def test_inputs_of_earlier_and_of_now_tell_what_is_used() -> None:
    with Engine() as engine:
        entries = ["SELECT swap_size FROM processes;"]
        completer = Candidates(Names(engine.connection), entries)

        def first(text: str) -> str:
            event = CompleteEvent(completion_requested=True)
            return next(iter(completer.get_completions(Document(text), event))).text

        completer.ready.wait()
        assert first("SELECT s") == "swap_size"
        entries += ["SELECT state FROM processes;", "SELECT state FROM processes;"]
        assert first("SELECT s") == "state"


def test_files_are_completed_and_run(open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    folder = tmp_path / "some queries"
    folder.mkdir()
    (folder / "answer;").write_text("SELECT 40 + 2 AS answer;\n")
    (folder / "\x1b[31mred").write_text("")
    terminal = open_terminal(columns=200)
    terminal.prompt()
    terminal.send(f".read {tmp_path}/so")
    terminal.shows(r"some queries/ +directory")
    terminal.send(TAB)
    terminal.shows("some queries/\n")
    terminal.send("\r")
    terminal.send("an")
    terminal.shows(r"answer; +file")
    terminal.send(TAB)
    terminal.shows("some queries/answer;'")
    terminal.send("\r")
    assert "  42\r\n" in terminal.run("")
    assert b"\x1b[31mred" not in terminal.raw


@pytest.mark.linux
def test_joins_conditions_functions_and_parameters_are_offered_as_they_are_typed(
    open_terminal: Callable[..., Terminal],
) -> None:
    terminal = open_terminal(columns=120)
    terminal.prompt()

    def offers(typed: str, pattern: str) -> None:
        terminal.send(typed)
        terminal.shows(pattern)
        # The line is given up.
        terminal.send("\x03")
        terminal.prompt()

    offers("SELECT * FROM sockets s JOIN processes p ON ", r"p\.pid = s\.pid +join: ")
    offers("SELECT * FROM sockets s JOIN processes p ON p.pid = s.", r"\n +pid +INTEGER: Its owner")
    offers("SELECT clin FROM processes WHERE cln", r"cmdline +TEXT: ")
    offers("SELECT substr", r"substr\(text, start \[, length\]\) +text: A piece")
    offers(".run who-has ", r"port= +parameter: INTEGER\.")
    offers("SELECT * FROM sockets WHERE state = 'lst", r"LISTEN +value: of state")
    offers(".help .wa", r"\.watch \[SECONDS\] \[QUERY\] +command: ")


def test_commands_and_their_words_are_completed(terminal: Terminal) -> None:
    terminal.send(".mo")
    terminal.shows(r"\.mode \[MODE\] +command: Show or set how results are written")
    terminal.send("de ")
    terminal.shows(r"markdown +mode|vertical +mode")
    terminal.send("jsonl" + "\r")
    terminal.prompt()
    assert '{"a": 5}\r\n' in terminal.run("SELECT 5 AS a;")


def test_a_name_that_was_made_here_cannot_reach_the_terminal(terminal: Terminal) -> None:
    terminal.run('\x1b[200~CREATE TEMP VIEW "zz\x1b[32mgreen" AS SELECT 1 AS one;\x1b[201~')
    terminal.send("SELECT * FROM zz")
    terminal.shows(r"zz\\x1b\[32mgreen")
    assert b"zz\x1b[32mgreen" not in terminal.raw


def test_what_is_typed_has_colours_unless_they_are_unwanted(open_terminal: Callable[..., Terminal]) -> None:
    pytest.importorskip("pygments")
    for unwanted, coloured in (("", True), ("1", False)):
        terminal = open_terminal(TERM="xterm-256color", NO_COLOR=unwanted)
        terminal.prompt()
        terminal.send("SELECT pid FROM processes")
        terminal.shows("SELECT pid FROM processes")
        # The cursor may be where something else is drawn.
        row = next(number for number, line in enumerate(terminal.screen.display) if "SELECT pid" in line)
        cell = terminal.screen.buffer[row][len("sqlports> ")]
        assert cell.data == "S"
        assert (cell.fg != "default") is coloured
