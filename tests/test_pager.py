"""Output taller than the screen, and what shows it: real pagers in a pseudo-terminal."""

from __future__ import annotations

import re
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from sqlports.shell.pager import command

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .conftest import at_last
from .terminal import Terminal

Open = Callable[..., Terminal]

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
TALL = f"{ENDLESS} LIMIT 30;"
less = pytest.mark.skipif(not shutil.which("less"), reason="less is not installed")


@pytest.fixture
def pager(tmp_path: Path) -> Callable[[str], str]:
    """Makes a pager of a shell script: the command that runs it."""

    def make(text: str) -> str:
        path = tmp_path / "a pager"
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)
        return f"'{path}'"

    return make


def opened(open_terminal: Open, pager: str, **more: str) -> Terminal:
    started = open_terminal(PAGER=pager, **more)
    started.prompt()
    return started


@less
def test_less_shows_what_is_taller_than_the_screen_and_nothing_else(open_terminal: Open) -> None:
    terminal = opened(open_terminal, "less", LESSSECURE="1")
    assert "18\r\n18 rows" in terminal.run(f"{ENDLESS} LIMIT 18;")
    terminal.send(f"{TALL}\r")
    screen = terminal.shows(r"\n *21\n")
    assert "30\n" not in screen
    terminal.send("G")
    terminal.shows(r"\n *30\n")
    terminal.send("q")
    terminal.shows(r"\n *30\n(.*\n)*30 rows\nsqlports>")
    assert "101" in terminal.run("SELECT 100 + 1;")
    terminal.send("\x04")
    assert terminal.end() == 0


@less
def test_quitting_the_pager_early_ends_the_statement_and_is_no_error(open_terminal: Open) -> None:
    terminal = opened(open_terminal, "less")
    terminal.run(".mode csv")
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(r"\n20\n")
    terminal.send("q")
    told = terminal.prompt()
    assert "interrupted" not in told
    assert "rror" not in told
    assert "101" in terminal.run("SELECT 100 + 1;")


@less
def test_quitting_ends_a_statement_that_has_no_further_row_too(open_terminal: Open) -> None:
    terminal = opened(open_terminal, "less")
    terminal.run(".mode jsonl")
    terminal.send(f"SELECT x FROM ({ENDLESS}) WHERE x < 1000 OR x < 0;\r")
    terminal.shows(r'"x": 20')
    terminal.send("q")
    told = terminal.prompt()
    assert "interrupted" not in told


@less
def test_ctrl_c_in_the_pager_is_the_pagers(open_terminal: Open) -> None:
    terminal = opened(open_terminal, "less")
    terminal.run(".mode csv")
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(r"\n20\n")
    # To the end, which never comes.
    terminal.send("G")
    for _ in range(3):
        # The key drops what was typed and not read yet.
        time.sleep(0.3)
        terminal.send("\x03")
        terminal.process.send_signal(signal.SIGINT)
    assert b"sqlports>" not in terminal.raw[terminal.seen :]
    for _ in range(20):
        terminal.send("q")
        with suppress(TimeoutError):
            assert "interrupted" not in terminal.expect(r"\x1b\[\?2004h[^>]*sqlports>", 1)
            break
    terminal.send("\x03")
    terminal.prompt()
    assert "101" in terminal.run("SELECT 100 + 1;")


def test_a_pager_has_the_words_of_its_command_and_no_shell(open_terminal: Open, pager: Callable[[str], str]) -> None:
    terminal = opened(open_terminal, pager('echo "given: $*"; cat') + " '$(id)' --a\\ b ';' '|'")
    assert "given: $(id) --a b ; |\r\n" in terminal.run(TALL)


def test_less_is_told_how_unless_the_user_tells_it(open_terminal: Open, pager: Callable[[str], str]) -> None:
    script = pager('echo "LESS is $LESS"; cat')
    assert "LESS is -FRSX\r\n" in opened(open_terminal, script).run(TALL)
    assert "LESS is -i\r\n" in opened(open_terminal, script, LESS="-i").run(TALL)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/nowhere/at/all", "no pager: /nowhere/at/all: No such file or directory; without a pager from now on"),
        ("false", "the pager ended with status 1: false; without a pager from now on"),
        ("'unbalanced", "no pager: 'unbalanced: No such file or directory; without a pager from now on"),
    ],
)
def test_a_pager_that_fails_is_told_of_once_and_all_is_shown(open_terminal: Open, name: str, told: str) -> None:
    terminal = opened(open_terminal, name)
    shown = terminal.run(TALL)
    assert told in " ".join(shown.split())
    assert re.search(r"(?s)\r\n *1\r\n.*\r\n *30\r\n30 rows", shown)
    again = terminal.run(TALL)
    assert "pager" not in again
    assert "30\r\n" in again


def test_a_pager_may_leave_the_terminal_in_any_state(open_terminal: Open, pager: Callable[[str], str]) -> None:
    terminal = opened(open_terminal, pager("stty raw -echo; cat > /dev/null; kill -9 $$"))
    terminal.run(TALL)
    assert "101" in terminal.run("SELECT 100 + 1;")
    terminal.send("\x04")
    assert terminal.end() == 0


def test_being_terminated_while_a_pager_shows_ends_both(
    open_terminal: Open, pager: Callable[[str], str], tmp_path: Path
) -> None:
    terminal = opened(
        open_terminal, pager(f"trap 'touch {tmp_path}/ended; exit' TERM HUP; echo ready; while :; do sleep 0.05; done")
    )
    terminal.send(f"{TALL}\r")
    terminal.expect("ready")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == -signal.SIGTERM
    assert at_last((tmp_path / "ended").exists, True)


@pytest.mark.parametrize("environment", [{"PAGER": ""}, {"PAGER": "cat"}, {"TERM": "dumb"}], ids=["empty", "cat", "dumb"])
def test_where_there_is_no_pager(open_terminal: Open, pager: Callable[[str], str], environment: dict[str, str]) -> None:
    terminal = open_terminal(**{"PAGER": pager("echo paged; cat"), **environment})
    terminal.expect("sqlports>")
    terminal.send(TALL + "\r")
    assert "paged" not in terminal.expect("30 rows")


def test_what_goes_to_a_file_is_not_paged(open_terminal: Open, pager: Callable[[str], str], tmp_path: Path) -> None:
    terminal = open_terminal(PAGER=pager("echo paged; cat"), stdout=tmp_path / "out")
    terminal.prompt()
    assert "paged" not in terminal.run(TALL)
    assert "paged" not in (tmp_path / "out").read_text()


def test_the_prompts_own_lists_are_paged(open_terminal: Open, pager: Callable[[str], str]) -> None:
    terminal = opened(open_terminal, pager("echo paged; cat"))
    assert "paged" in terminal.run(".schema")


def test_lines_wider_than_the_screen_count_for_more(open_terminal: Open, pager: Callable[[str], str]) -> None:
    terminal = opened(open_terminal, pager("echo paged; cat"))
    terminal.run(".mode csv")
    assert "paged" in terminal.run("SELECT printf('%.3000c', 'x');")
    assert "paged" not in terminal.run("SELECT printf('%.800c', 'x');")


@pytest.mark.parametrize(
    ("setting", "environment", "words"),
    [
        ("auto", None, ["less"]),
        ("auto", "most -s", ["most", "-s"]),
        ("auto", "", []),
        ("auto", "  ", []),
        ("off", "most", []),
        ("less -i '+/a b'", "most", ["less", "-i", "+/a b"]),
        ("'unbalanced", None, ["'unbalanced"]),
    ],
)
def test_the_pagers_command(monkeypatch: pytest.MonkeyPatch, setting: str, environment: str | None, words: list[str]) -> None:
    monkeypatch.delenv("PAGER", raising=False)
    if environment is not None:
        monkeypatch.setenv("PAGER", environment)
    assert command(setting) == words
