"""What is shown and heard while a statement runs: how far it is, Esc, what is typed meanwhile, Ctrl-C and Ctrl-Z; --stats."""

from __future__ import annotations

import json
import os
import random
import re
import shlex
import signal
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.progress import Progress
from sqlports.sources.snapshot import Snapshot

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .conftest import FakeRoot, command
from .terminal import Terminal

Open = Callable[..., Terminal]

ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) FROM c"
ROWS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c"
RUNNING = r"running · \d+ s · Esc or Ctrl-C stops"


def test_a_long_statement_shows_that_it_runs_and_esc_stops_it(terminal: Terminal) -> None:
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(RUNNING)
    terminal.send("\x1b")
    terminal.expect("interrupted\r\n")
    terminal.prompt()
    assert "running" not in terminal.shows("sqlports> $|sqlports>\n")
    assert "101" in terminal.run("SELECT 100 + 1;")


def test_an_arrow_is_no_esc_and_what_is_typed_meanwhile_comes_next(terminal: Terminal) -> None:
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(RUNNING)
    terminal.send("SELECT 'twö'\x1b[D\x1b[D")
    time.sleep(0.3)
    terminal.send("!")
    time.sleep(0.3)
    assert "twö" not in terminal.shows(RUNNING)
    terminal.send("\x1b")
    # The arrows have moved the cursor, as if they had been pressed there.
    terminal.shows(r"interrupted\nsqlports> SELECT 'tw!ö'")


def test_a_statement_typed_ahead_runs_next(terminal: Terminal) -> None:
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(RUNNING)
    terminal.send("SELECT 6 * 7;\rSELECT 100 + 1;\r\x1b")
    terminal.shows(r"(?s)interrupted\n.* 42\n.* 101\n")


def test_ctrl_c_forgets_what_was_typed_ahead(terminal: Terminal) -> None:
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(RUNNING)
    terminal.send("DROP all of it")
    time.sleep(0.3)
    terminal.send("\x03")
    assert "DROP" not in terminal.shows(r"interrupted\nsqlports>\n")


def test_rows_that_came_before_the_stop_stay(terminal: Terminal) -> None:
    terminal.send(f"SELECT x FROM ({ROWS}) WHERE x < 4 OR x < 0;\r")
    terminal.shows(RUNNING)
    terminal.send("\x1b")
    assert re.search(r"x\n─+\n *1\n *2\n *3\n", terminal.shows("interrupted after 3 rows"))


def test_one_that_is_told_what_is_read_and_how_far(fake: FakeRoot) -> None:
    """Of the processes so many of so many, drawn by what the sources count."""
    for pid in range(1, 8):
        fake.process(pid, f"p{pid}")
    system = Snapshot(str(fake.path))
    with Engine() as engine:
        progress = Progress(engine, None, None)
        assert progress._doing() == "running"
        engine.snapshot_now = system
        for process in list(system.processes())[:3]:
            assert process.stat
        assert progress._doing() == "processes 3 of 7"
        assert progress._doing() == "running"
        system.descriptors(1), system.descriptors(2)
        assert progress._doing() == "handles of processes 2 of 7"
        system.reads["tcp ipv4"] += 1
        assert progress._doing() == "tcp ipv4 sockets"
        engine.snapshot_now = None


def test_the_command_shows_it_too_and_takes_the_line_away(open_terminal: Open) -> None:
    terminal = open_terminal("--timeout", "2", ENDLESS)
    terminal.shows(r"running · 1 s · (Esc or )?Ctrl-C stops")
    terminal.expect("longer than 2 s")
    assert terminal.end() == 4
    assert "running" not in terminal.shows("longer than 2 s")


def test_the_line_fits_a_narrow_terminal(open_terminal: Open) -> None:
    terminal = open_terminal(ENDLESS, columns=12, lines=5)
    assert terminal.shows(r"^running\b").split("\n")[1].strip() == ""
    terminal.send("\x03")
    assert terminal.end() == 130


def test_no_line_where_standard_output_is_a_pipe_or_the_terminal_is_dumb(open_terminal: Open, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    piped = open_terminal("--timeout", "1.6", ENDLESS, stdout=tmp_path / "pipe")
    dumb = open_terminal("--timeout", "1.6", ENDLESS, TERM="dumb")
    for terminal in (piped, dumb):
        told = terminal.expect("longer than 1.6 s")
        assert terminal.end() == 4
        assert "running" not in told
    os.close(reader)


def test_the_line_is_there_while_a_file_is_written(open_terminal: Open, tmp_path: Path) -> None:
    terminal = open_terminal("-o", str(tmp_path / "out"), ENDLESS)
    terminal.shows("running")
    terminal.send("\x03")
    assert terminal.end() == 130
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
@pytest.mark.parametrize("arguments", [(), (ENDLESS,)], ids=["prompt", "command"])
def test_being_ended_while_a_statement_runs_leaves_the_terminal_as_it_was(
    open_terminal: Open, arguments: tuple[str, ...], number: int
) -> None:
    terminal = open_terminal(*arguments)
    if not arguments:
        terminal.prompt()
        terminal.send(f"{ENDLESS};\r")
    terminal.shows("running")
    terminal.process.send_signal(number)
    assert terminal.end() == -number


def test_the_quit_key_leaves_no_part_of_a_file(open_terminal: Open, tmp_path: Path) -> None:
    terminal = open_terminal("--csv", "-o", str(tmp_path / "out"), ROWS)
    terminal.shows("running")
    assert list(tmp_path.glob("out.*.part"))
    terminal.send("\x1c")
    assert terminal.end() == -signal.SIGQUIT
    assert not list(tmp_path.glob("out*"))


def test_the_quit_key_in_a_file_of_statements_leaves_the_terminal_as_it_was(terminal: Terminal, tmp_path: Path) -> None:
    (tmp_path / "script.sql").write_text(f"{ENDLESS};")
    terminal.send(f".read {tmp_path}/script.sql\r")
    terminal.shows(RUNNING)
    terminal.send("\x1c")
    assert terminal.end() == -signal.SIGQUIT


def test_the_window_may_change_its_size_while_a_statement_runs(terminal: Terminal) -> None:
    terminal.send(f"{ENDLESS};\r")
    terminal.shows(RUNNING)
    terminal.resize(20, 6)
    # A line that is wider than the window would leave its rest in the line above.
    terminal.expect(r"\rrunning · \d+ s\x1b\[K")
    terminal.send("\x1b")
    terminal.expect("interrupted\r\n")
    terminal.prompt()
    assert "101" in terminal.run("SELECT 100 + 1;")
    terminal.send("\x04")
    assert terminal.end() == 0


class Shell(Terminal):
    """A shell with job control in a pseudo-terminal."""

    program = ("/bin/sh", "-im")


def test_ctrl_z_leaves_the_terminal_to_the_shell_and_takes_it_again(state: Path) -> None:
    """Only a shell's child can be stopped by a key: the kernel does not stop what nobody could let go on."""
    shell = Shell({**os.environ, "TERM": "xterm", "PS1": "shell> ", "ENV": "", "XDG_STATE_HOME": str(state)})
    try:
        shell.expect("shell> ")
        shell.send(" ".join(map(shlex.quote, [sys.executable, "-P", "-m", "sqlports"])) + "\r")
        shell.prompt()
        shell.send(f"{ENDLESS};\r")
        shell.shows(RUNNING)
        shell.send("\x1a")
        shell.expect("shell> ")
        assert termios.tcgetattr(shell.slave)[3] & (termios.ICANON | termios.ECHO) == termios.ICANON | termios.ECHO
        assert "running" not in shell.shows("shell> ")
        shell.send("fg\r")
        shell.shows(RUNNING)
        shell.send("\x1b")
        shell.expect("interrupted\r\n")
        shell.prompt()
        shell.send("\x04")
        shell.expect("shell> ")
    finally:
        shell.close()


def test_a_prompt_lives_through_ctrl_c_at_any_moment(terminal: Terminal) -> None:
    generator = random.Random(2)
    inputs = [
        f"{ENDLESS};\r",
        "SELECT * FROM processes;\r",
        "SELECT 'x\r",
        ".tables\r",
        f"{ROWS} LIMIT 3000;\r",
        "\x12se",
        "\x1b[A",
    ]
    for _ in range(40):
        terminal.send(generator.choice(inputs))
        time.sleep(generator.random() / 20)
        for _ in range(generator.choice((1, 1, 2, 3))):
            if generator.random() < 0.5:
                terminal.send("\x03")
            else:
                terminal.process.send_signal(signal.SIGINT)
            time.sleep(generator.random() / 50)
    # Whatever is left is stopped, and what was typed dropped: it may be behind with what it was sent.
    for _ in range(30):
        terminal.send("\x03")
        drawn = ""
        with suppress(TimeoutError):
            for _ in range(10):
                # What runs says so after a second.
                drawn += terminal.expect("(?s).+", 2)
        if "running" not in drawn[-200:]:
            break
    terminal.send("SELECT 42 || '42' AS a;\r")
    # Prompts that were drawn for what was sent before may come first.
    terminal.expect("4242\r\n")
    terminal.prompt()
    terminal.send("\x04")
    assert terminal.end() == 0
    assert b"Unhandled" not in terminal.raw


def test_timer_tells_rows_time_and_what_was_read(terminal: Terminal) -> None:
    assert "off\r\n" in terminal.run(".timer")
    terminal.run(".timer on")
    assert re.search(r"\r\n1 row, (under 1 ms|\d+ ms)\r\n", terminal.run("SELECT 1;"))
    assert re.search(r"\r\n1 row, .* m?s, read stat\r\n", terminal.run("SELECT parent FROM processes WHERE pid = 1;"))
    assert re.search(r"\r\nno rows, .* m?s", terminal.run("SELECT 1 WHERE 0;"))
    terminal.run(".mode csv")
    assert re.search(r"\r\n2 rows, .* m?s\r\n", terminal.run("SELECT 1 UNION SELECT 2;"))
    terminal.run(".timer off")
    assert "2 rows" not in terminal.run("SELECT 1 UNION SELECT 2;")
    assert "timer takes on or off, not 'perhaps'" in terminal.run(".timer perhaps")


def test_a_table_is_followed_by_its_number_of_rows(terminal: Terminal) -> None:
    assert "\r\n3 rows\r\n" in terminal.run("SELECT 1 UNION SELECT 2 UNION SELECT 3;")
    assert "\r\n1 row\r\n" in terminal.run("SELECT 1;")
    assert "\r\nno rows\r\n" in terminal.run("SELECT 1 WHERE 0;")
    assert "\r\n100 rows (40 shown)\r\n" in terminal.run(f"{ROWS} LIMIT 100;")


def stats(*arguments: str) -> Iterator[dict[str, object]]:
    told = command("--stats", *arguments).stderr.splitlines()
    return (json.loads(line) for line in told if line.startswith("{"))


def test_stats_tell_what_a_run_came_to(fake: FakeRoot) -> None:
    fake.process(7, "seven")
    fake.process(8, "eight")
    [line] = stats("--root", str(fake.path), "SELECT parent FROM processes; SELECT 1 UNION SELECT 2")
    assert list(line) == ["rows", "seconds", "read", "refused", "status"]
    assert (line["rows"], line["read"], line["refused"], line["status"]) == (4, {"pids": 1, "stat": 2}, [], 0)
    assert isinstance(line["seconds"], float)


def test_stats_tell_what_was_refused(fake: FakeRoot) -> None:
    (fake.process(7, "seven") / "fd").rmdir()
    (fake.proc / "7" / "fd").write_text("no directory")
    [line] = stats("--root", str(fake.path), "SELECT pid, fd FROM handles; SELECT 1; SELECT 2")
    assert line["refused"] == [{"source": "/proc/PID/fd", "reason": "Not a directory", "count": 1}]


@pytest.mark.parametrize(
    ("arguments", "rows", "status"),
    [
        (("SELECT 1; SELECT nonsense",), 1, 1),
        (("--timeout", "0.2", f"SELECT 1; {ENDLESS}"), 1, 4),
        (("-o", "/dev/full", "SELECT 1"), 1, 1),
    ],
)
def test_stats_are_told_of_a_run_that_fails(arguments: tuple[str, ...], rows: int, status: int) -> None:
    [line] = stats(*arguments)
    assert (line["rows"], line["status"]) == (rows, status)


def test_stats_have_a_line_for_every_round_of_a_watch(open_terminal: Open) -> None:
    terminal = open_terminal("--stats", "--watch", "0.01", "--csv", "SELECT 5")
    for _ in range(2):
        terminal.expect(r'"status": 0}\r\n')
    terminal.send("\x03")
    assert terminal.end() == 130
