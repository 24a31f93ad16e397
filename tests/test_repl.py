"""The prompt, in a pseudo-terminal as people have it, and its parts where a terminal would hide them."""

from __future__ import annotations

import errno
import os
import random
import re
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.session import Session
from sqlports.settings import Settings
from sqlports.shell import dot
from sqlports.shell.dots import Leave
from sqlports.shell.shell import Shell
from sqlports.sources.refusals import PERMISSION, Refusal

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .terminal import Terminal

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"


def test_a_banner_says_how_to_get_help(open_terminal: Callable[..., Terminal]) -> None:
    before = open_terminal().prompt()
    assert re.match(r".*sqlports \d+\.\d+\.\d+: .*\.help.*\r\n", before)


def test_queries_run_and_errors_do_not_end_the_prompt(terminal: Terminal) -> None:
    assert "  42\r\n" in terminal.run("SELECT 40 + 2 AS answer;")
    error = terminal.run("SELECT nam FROM processes;")
    assert "no such column: nam (did you mean name?)\r\nline 1: SELECT nam" in error
    assert "sqlports: " not in error
    assert "near" in terminal.run("SELEKT 1;")
    assert "is refused" in terminal.run("ATTACH 'x' AS y;")
    several = terminal.run("SELECT 6 * 7; SELECT 100 + 1;")
    assert several.index("42") < several.index("101")


def test_a_statement_may_have_several_lines(terminal: Terminal) -> None:
    terminal.send("SELECT '\r")
    terminal.expect(r"    \.\.\.'>")
    terminal.send("' || 'a' ||\r")
    terminal.expect(r"     \.\.\.>")
    terminal.send("(3 + \r")
    terminal.expect(r"    \.\.\.\(>")
    assert r"\na7" in terminal.run("4); -- and no more")


def test_dot_commands(terminal: Terminal) -> None:
    assert "Running processes" in terminal.run(".tables proc")
    assert "CREATE TABLE users" in terminal.run(".schema users")
    assert "markdown" in terminal.run(".help mode")
    assert "did you mean .tables?" in terminal.run(".tabels")
    terminal.run(".mode jsonl")
    assert '{"a": 5}\r\n' in terminal.run("SELECT 5 AS a;")
    terminal.run("CREATE TEMP VIEW mine AS SELECT 1;")
    assert "mine" in terminal.run(".tables")
    assert "CREATE VIEW mine" in terminal.run(".schema mine")
    terminal.send(".quit\r")
    assert terminal.end() == 0


def test_control_d_leaves(terminal: Terminal) -> None:
    terminal.send("\x04")
    assert terminal.end() == 0


def test_control_c_drops_what_was_typed(terminal: Terminal) -> None:
    terminal.send("SELECT 'never")
    terminal.expect("never")
    terminal.send("\x03")
    terminal.prompt()
    assert "  42\r\n" in terminal.run("SELECT 40 + 2 AS answer;")


@pytest.mark.parametrize(
    "query",
    [
        pytest.param(ENDLESS, id="within SQLite"),
        pytest.param(ENDLESS + ", processes", id="over a table"),
    ],
)
def test_control_c_stops_a_query_and_another_runs(terminal: Terminal, query: str) -> None:
    terminal.send(f"SELECT 40 + 2; {query};\r")
    terminal.expect("42\r\n")
    terminal.send("\x03")
    terminal.expect("interrupted( after 1 row)?\r\n")
    terminal.prompt()
    assert "101" in terminal.run("SELECT 100 + 1;")


def test_control_c_stops_a_flood(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--csv")
    terminal.prompt()
    terminal.send(f"{ENDLESS.replace('count(*)', 'x')};\r")
    terminal.expect("\r\n5000\r\n")
    terminal.send("\x03")
    terminal.expect(r"interrupted after [\d,]+ rows\r\n")
    terminal.prompt()
    assert "101" in terminal.run("SELECT 100 + 1;")


def test_no_escape_sequence_reaches_the_terminal(terminal: Terminal) -> None:
    for mode in ("table", "csv", "line", "json"):
        terminal.run(f".mode {mode}")
        assert r"\x1b[31mred" in terminal.run("SELECT char(27) || '[31mred';").replace(r"\u001b", r"\x1b")
        # Pasted, since a terminal's own keys are escape sequences too.
        terminal.run("\x1b[200~SELECT 1 AS '\x1b[32mgreen';\x1b[201~")
        assert "is read as a text" in terminal.run('\x1b[200~SELECT "\x1b[33myellow";\x1b[201~')
    assert not re.search(rb"\x1b\[3[1-3]m", terminal.raw)


def test_tab_completes(terminal: Terminal) -> None:
    terminal.send("SELECT groupname FROM gro")
    terminal.expect("Groups, one row")
    terminal.send("\t")
    terminal.expect("groups")
    # Enter takes it, and does not run it.
    terminal.send("\r")
    assert "root" in terminal.run(" WHERE gid = 0;")


def test_a_narrow_terminal(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(columns=20)
    terminal.prompt()
    told = terminal.run("SELECT 1 AS one, 2 AS two, 3 AS three, 4 AS four, 5 AS five;")
    assert "five\x1b[0m  5\r\n" in told


def test_the_window_may_change_its_size(terminal: Terminal) -> None:
    wide = "SELECT '" + "x" * 70 + "' AS a;"
    assert "x" * 70 + "\r\n" in terminal.run(wide)
    terminal.resize(40)
    terminal.send(wide + "\r")
    terminal.expect("x" * 39 + "…")


def test_only_results_go_where_standard_output_goes(open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    terminal = open_terminal("--csv", stdout=tmp_path / "out")
    terminal.prompt()
    terminal.run("SELECT 40 + 2 AS answer; SELECT;")
    terminal.send("\x04")
    assert terminal.end() == 0
    assert (tmp_path / "out").read_text() == "answer\n42\n"


def test_a_terminal_that_can_nothing(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(TERM="dumb")
    terminal.expect("sqlports> ")
    terminal.send("SELECT\n")
    terminal.expect(r"     \.\.\.> ")
    terminal.send("40 + 2;\n")
    terminal.expect("  42\r\n")
    terminal.expect("sqlports> ")
    terminal.send("SELECT 'never")
    terminal.send("\x03")
    terminal.expect("sqlports> ")
    terminal.send(".mode json\n")
    terminal.expect("sqlports> ")
    terminal.send("\x04")
    assert terminal.end() == 0
    assert b"\x1b" not in terminal.raw


def test_being_terminated_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.send("SELECT")
    terminal.expect("SELECT")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == -signal.SIGTERM


def test_history_is_private_and_comes_back(open_terminal: Callable[..., Terminal], state: Path) -> None:
    terminal = open_terminal()
    terminal.prompt()
    terminal.run("SELECT 40 + 2;")
    terminal.send(".exit\r")
    assert terminal.end() == 0
    file = state / "sqlports" / "history"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    terminal = open_terminal()
    terminal.prompt()
    terminal.send("\x1b[A\x1b[A")
    assert "  42\r\n" in terminal.run("")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        pytest.param(
            lambda file: file.write_bytes(b"\xff\xfe\0rubbish\n+x\0y\n\n+SELECT 1;\n"), "damaged", id="a corrupt file"
        ),
        pytest.param(lambda file: file.mkdir(), "not kept", id="a directory"),
        pytest.param(os.mkfifo, "not kept", id="a pipe"),
        pytest.param(lambda file: (file.parent.rmdir(), file.parent.touch()), "not kept", id="no directory"),
    ],
)
def test_no_history_stops_the_prompt(
    open_terminal: Callable[..., Terminal], state: Path, make: Callable[[Path], object], told: str
) -> None:
    file = state / "sqlports" / "history"
    file.parent.mkdir(parents=True)
    make(file)
    terminal = open_terminal()
    assert told in terminal.prompt()
    assert "  42\r\n" in terminal.run("SELECT 40 + 2 AS answer;")


@pytest.fixture
def repl() -> Iterator[Shell]:
    engine = Engine()
    yield Shell(engine, Settings(mode="csv"))
    engine.close()


def test_an_interrupt_leaves_no_snapshot(repl: Shell, capfd: pytest.CaptureFixture[str]) -> None:
    """Whenever it comes, and whatever it meets."""
    generator = random.Random(1)
    for _ in range(25):
        timer = threading.Timer(generator.random() / 50, os.kill, (os.getpid(), signal.SIGINT))
        walk = threading.Thread(target=lambda timer=timer: _once(lambda: repl.engine.snapshot_now is not None, timer.start))
        walk.start()
        repl.handle(f"{ENDLESS} WHERE EXISTS (SELECT 1 FROM users u WHERE u.uid + x < 0);")
        walk.join()
        timer.join()
        assert repl.engine.snapshot_now is None
    assert capfd.readouterr().err.count("interrupted") == 25
    repl.handle("SELECT 40 + 2 AS answer;")
    assert capfd.readouterr().out == "answer\n42\n"


def _once(condition: Callable[[], bool], then: Callable[[], object]) -> None:
    while not condition():
        time.sleep(0.0001)
    then()


def test_an_unexpected_error_is_one_line(
    repl: Shell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("first\nsecond \x1b[31m")

    monkeypatch.setattr(Session, "run", fail)
    repl.handle("SELECT 1;")
    assert capfd.readouterr().err == "RuntimeError: first second \\x1b[31m\n"


def test_what_is_not_permitted_is_said_once(
    repl: Shell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    told = ["the handles of 5 processes", "the handles of 1,006 processes", "the executables of 1 process"]
    sentences = iter([[told[0]], told[1:2], told[1:], []])
    monkeypatch.setattr(Session, "hidden", lambda self: next(sentences))
    for _ in range(4):
        repl.handle("SELECT 1;")
    assert capfd.readouterr().err == "the handles of 5 processes\nthe executables of 1 process\n"


@pytest.mark.linux
def test_what_commands_do_is_seen_in_a_terminal(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(columns=100)
    terminal.prompt()
    assert "no look is held" in terminal.run(".release")
    assert ".release ends that" in terminal.run(".hold")
    assert "released, after 0 s" in re.sub(r"after \d+ s", "after 0 s", terminal.run(".release"))
    size = "SELECT resident_size >= 0 AS some, resident_size FROM processes WHERE pid = 1;"
    assert re.search(r"  1 +\d+\r\n", terminal.run(size))
    terminal.run(".units on")
    assert re.search(r"  1 +[\d.]+ [KMG]iB\r\n", terminal.run(size))
    assert "PostgreSQL Database" in terminal.run(".port 5432/tcp")
    terminal.run(".rows 4")
    few = terminal.run("SELECT value FROM json_each('[71, 72, 73, 74, 75, 76]');")
    assert [number for number in range(71, 77) if str(number) in few] == [71, 72, 75, 76]
    assert "6 rows (4 shown)" in few
    assert "state is never 'LISTENING': did you mean 'LISTEN'?" in terminal.run(
        "SELECT pid FROM sockets WHERE state = 'LISTENING';"
    )
    # Too wide for a table, a row is a block of lines.
    wide = terminal.run(
        "SELECT " + ", ".join(f"'{number}{'x' * 30}' AS a_column_{number}" for number in range(6)) + ";",
    )
    for number in range(6):
        # Among them are colours.
        assert re.search(rf"a_column_{number}\S*  {number}x{{30}}\r\n", wide)


def test_the_details_of_what_is_not_permitted_are_asked_for_next(
    repl: Shell, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    refusal = Refusal("/proc/PID/fd", 42, errno.EACCES, PERMISSION, 1)
    monkeypatch.setattr(Session, "run", lambda self, *_: self.refusals.append(refusal))
    repl.handle("SELECT 1;")
    assert capfd.readouterr().err.endswith("; scan_errors, asked next, has the details.\n")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (".m", "csv\n"),
        (".mode", "csv\n"),
        ('.schema "users";', "CREATE TABLE users"),
        (".tables *port*s", "port_ranges"),
        (".help .quit", ".quit\nLeave"),
        ("help", ".tables [PATTERN]"),
        (".mode js", "js may be json or jsonl\n"),
        (".mode xml", "no such mode: xml"),
        (".port 5432/tcp", "registered  postgresql: PostgreSQL Database"),
        (".port", "which port? .port 8080"),
        (".port xyzzy", "no port is called 'xyzzy'"),
        (".mode tabel", "did you mean table?"),
        (".schema usrs", "no such table: usrs (did you mean users?)"),
        (".tables xyzzy", "no table's name is like xyzzy"),
        (".quit now", ".quit takes no argument"),
        (".", "no such command: . (.help lists them)\n"),
        (".xyz", "no such command: .xyz (.help lists them)\n"),
        (".help xyz", "no such command: .xyz (.help lists them)\n"),
        (".tabels", "no such command: .tabels (did you mean .tables?)\n"),
    ],
)
def test_commands(repl: Shell, capfd: pytest.CaptureFixture[str], typed: str, told: str) -> None:
    repl.handle(typed)
    assert told in "".join(capfd.readouterr())


@pytest.mark.parametrize("typed", [".quit", ".q", ".exit;", "exit", " Quit ; "])
def test_ways_to_leave(repl: Shell, typed: str) -> None:
    with pytest.raises(Leave):
        repl.handle(typed)


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", False),
        ("  ", False),
        ("SELECT 1", True),
        ("SELECT 1;", False),
        ("SELECT 1; -- done", False),
        ("SELECT 1; /* not done", True),
        ("SELECT ';", True),
        ("SELECT 1; SELECT", True),
        ("-- only this", False),
        (".mode", False),
        ("help", False),
        ("SELECT '\udcff';", False),
        ("SELECT \0", False),
    ],
)
def test_when_an_input_is_complete(text: str, more: bool) -> None:
    assert dot.unfinished(text) is more


def test_the_list_of_commands_fits_an_ordinary_terminal(repl: Shell, capfd: pytest.CaptureFixture[str]) -> None:
    repl.handle(".help")
    lines = capfd.readouterr().out.splitlines()
    assert len(lines) > 20
    assert [line for line in lines if len(line) > 79] == []


@pytest.mark.parametrize("word", ["quit", "exit", "quit;"])
def test_a_word_without_its_dot_leaves(terminal: Terminal, word: str) -> None:
    terminal.send(word + "\r")
    assert terminal.end() == 0


def test_what_other_prompts_are_asked_needs_no_semicolon_to_be_answered(terminal: Terminal) -> None:
    assert ".tables" in terminal.run("\\dt")
    assert ".describe sockets" in terminal.run("\\d sockets")
    assert ".tables" in terminal.run("show tables")
    assert "Ctrl-D" in terminal.run("help")
