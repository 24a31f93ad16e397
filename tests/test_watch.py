"""--watch: for programs what came and went, for people a page that is drawn over."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from .conftest import ENDLESS, HOSTILE, RUN, UNSAFE, Child, FakeRoot, command

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .terminal import Terminal

EVERY = ("--watch", "0.05")


class Watched:
    """The command in the middle of watching, whose standard output is read line by line."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*RUN, *EVERY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        return line

    def change(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.line())
        return found

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """The exit status and what was said, after a signal."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@pytest.fixture
def watched() -> Iterator[Callable[..., Watched]]:
    begun: list[Watched] = []

    def start(*arguments: str) -> Watched:
        begun.append(Watched(*arguments))
        return begun[-1]

    yield start
    for one in begun:
        one.process.kill()
        one.process.communicate()


LISTENER = "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); tell(s.getsockname()[1])\n"


def test_jsonl_tells_first_all_rows_and_then_what_comes_and_goes(
    watched: Callable[..., Watched], child: Callable[..., Child]
) -> None:
    first = child(LISTENER + "sys.stdin.readline(); s.close(); tell(0)")
    sql = "SELECT local_port AS port FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN'"
    watch = watched("--jsonl", sql)
    while watch.change() != {"_change": "added", "port": first.told}:
        pass
    second = child(LISTENER)
    while watch.change() != {"_change": "added", "port": second.told}:
        pass
    first.go_on()
    while watch.change() != {"_change": "removed", "port": first.told}:
        pass
    assert watch.stop() == (130, "")


def test_a_row_that_changed_went_as_it_was_and_came_as_it_is(watched: Callable[..., Watched], fake: FakeRoot) -> None:
    fake.process(4, "same")
    fake.process(5, "old")
    watch = watched("--jsonl", "--root", str(fake.path), "SELECT pid, name FROM processes")
    assert watch.change() == {"_change": "added", "pid": 4, "name": "same"}
    assert watch.change() == {"_change": "added", "pid": 5, "name": "old"}
    fake.write("proc/comm", "new\n")
    os.replace(fake.path / "proc/comm", fake.path / "proc/5/comm")
    assert watch.change() == {"_change": "removed", "pid": 5, "name": "old"}
    assert watch.change() == {"_change": "added", "pid": 5, "name": "new"}


def test_a_column_of_that_name_is_another(watched: Callable[..., Watched]) -> None:
    assert watched("--jsonl", "SELECT 7 AS _change, 8 AS a").change() == {"_change": "added", "_change:1": 7, "a": 8}


def test_what_does_not_change_is_told_once(watched: Callable[..., Watched]) -> None:
    watch = watched("--jsonl", "SELECT 1 AS a; SELECT count(*) AS rounds FROM (SELECT random()); SELECT random() AS r")
    lines = [watch.change() for _ in range(9)]
    assert [line for line in lines if "r" not in line] == [{"_change": "added", "a": 1}, {"_change": "added", "rounds": 1}]
    assert [line["_change"] for line in lines if "r" in line] == ["added", *["removed", "added"] * 3]


@pytest.mark.parametrize(("mode", "apart"), [("csv", ","), ("tsv", "\t")])
def test_csv_and_tsv_have_one_header_and_all_rows_of_every_round(
    watched: Callable[..., Watched], mode: str, apart: str
) -> None:
    watch = watched("--mode", mode, "SELECT 'x' AS 'a\nb', random() AS n UNION ALL SELECT 'y', 2")
    text = "".join(watch.line() for _ in range(9))
    if mode == "csv":
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows[0] == ["a\nb", "n"]
        assert [row[0] for row in rows[1:6]] == ["x", "y", "x", "y", "x"]
    else:
        assert text.split("\n")[0] == f"a\\nb{apart}n"
        assert text.count("a\\nb") == 1


def test_other_modes_write_a_result_each_round(watched: Callable[..., Watched]) -> None:
    watch = watched("--json", "SELECT 1 AS a")
    assert [watch.line() for _ in range(3)] == ['[{"a": 1}]\n'] * 3


def test_a_table_where_there_is_no_terminal_has_the_time_and_both_values(watched: Callable[..., Watched]) -> None:
    watch = watched("SELECT 1 AS a, strftime('%f', 'now') AS now")
    first = [watch.line() for _ in range(5)]
    assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d  every 0\.05 s  1 row  \+0 -0 ~0\n", first[0])
    assert first[4] == "\n"
    second = [watch.line() for _ in range(4)]
    assert re.fullmatch(r"~ 1  [\d.]+ → [\d.]+\n", second[3])


@pytest.mark.parametrize("mode", ["jsonl", "csv", "json", "table", "line"])
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, -signal.SIGTERM)])
def test_a_signal_ends_it(watched: Callable[..., Watched], mode: str, number: int, status: int) -> None:
    watch = watched("--mode", mode, "SELECT 1 AS a")
    watch.line()
    assert watch.stop(number) == (status, "")


def test_a_signal_in_the_middle_of_a_query_ends_it(watched: Callable[..., Watched]) -> None:
    watch = watched("--jsonl", f"SELECT 1 AS a; {ENDLESS}")
    time.sleep(0.3)
    status, said = watch.stop()
    assert (status, "Traceback" in said) == (130, False)


@pytest.mark.parametrize("mode", ["jsonl", "csv", "table"])
def test_a_closed_pipe_ends_it_at_once_though_nothing_changes(mode: str) -> None:
    process = subprocess.Popen(
        [*RUN, "--watch", "1000000", "--mode", mode, "SELECT 1 AS a"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout
    assert process.stderr
    assert process.stdout.readline()
    process.stdout.close()
    assert (process.wait(60), process.stderr.read()) == (0, b"")
    process.stderr.close()


def test_a_mistake_in_the_first_round_ends_it() -> None:
    done = command(*EVERY, "--jsonl", "SELECT nam FROM processes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "did you mean name?" in done.stderr


def test_a_mistake_later_is_told_and_watching_goes_on(watched: Callable[..., Watched], fake: FakeRoot) -> None:
    fake.process(5, "5")
    # No JSON any more once the name is none.
    sql = "SELECT json(name) AS v FROM processes"
    watch = watched("--jsonl", "--root", str(fake.path), sql)
    assert watch.change() == {"_change": "added", "v": "5"}
    for name in ("{", "6"):
        fake.write("proc/comm", f"{name}\n")
        os.replace(fake.path / "proc/comm", fake.path / "proc/5/comm")
        if name == "{":
            assert watch.process.stderr
            assert re.match(r"sqlports: \d\d:\d\d:\d\d malformed JSON", watch.process.stderr.readline())
    assert watch.change() == {"_change": "removed", "v": "5"}
    assert watch.change() == {"_change": "added", "v": "6"}
    assert watch.stop()[0] == 130


def test_what_has_no_rows_and_what_has_an_end_is_not_watched() -> None:
    done = command(*EVERY, "CREATE TEMP VIEW v AS SELECT 1")
    assert (done.returncode, done.stderr) == (1, "sqlports: this gives no rows that could be watched\n")
    done = command(*EVERY, "--mode", "parquet", "SELECT 1")
    assert (done.returncode, done.stderr) == (2, "sqlports: --watch goes on and on, and parquet has an end\n")


def test_too_many_rows_to_compare_are_refused() -> None:
    sql = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 100001) SELECT x FROM c"
    done = command(*EVERY, "--jsonl", sql)
    assert (done.returncode, done.stdout) == (1, "")
    assert "more than 100,000 rows" in done.stderr
    assert "add a LIMIT" in done.stderr


def test_a_limit_is_told_once(watched: Callable[..., Watched]) -> None:
    watch = watched("--csv", "--limit", "1", "SELECT 1 AS a UNION ALL SELECT 2")
    assert [watch.line() for _ in range(4)] == ["a\n", "1\n", "1\n", "1\n"]
    assert watch.stop() == (130, "sqlports: only the first 1 rows are shown (--limit)\n")


def test_a_file_grows(tmp_path: Path) -> None:
    path = tmp_path / "log"
    process = subprocess.Popen([*RUN, "--csv", *EVERY, "-o", str(path), "SELECT 1 AS a"])
    while not path.exists() or path.read_text().count("\n") < 4:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert path.read_text().startswith("a\n1\n1\n1\n")


def test_a_full_disk_ends_it() -> None:
    done = command(*EVERY, "--jsonl", "-o", "/dev/full", "SELECT 1 AS a")
    assert done.returncode == 1
    assert "No space left" in done.stderr


# On a terminal.


def test_a_terminal_is_drawn_over_and_is_afterwards_as_it_was(
    open_terminal: Callable[..., Terminal], child: Callable[..., Child]
) -> None:
    first = child(LISTENER + "sys.stdin.readline(); s.close(); tell(0)")
    sql = "SELECT local_port, state FROM sockets WHERE protocol = 'tcp' AND local_port IN (%s) AND state = 'LISTEN'"
    second = child(
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); tell(s.getsockname()[1])\nsys.stdin.readline(); s.listen(); tell(0)"
    )
    terminal = open_terminal("--watch", "0.2", sql % f"{first.told}, {second.told}")
    text = terminal.shows(rf"\n  +{first.told}  LISTEN")
    assert re.search(r"^\d\d:\d\d:\d\d  every 0\.2 s  1 row  \+0 -0 ~0  q ends, space pauses\n", text)
    second.go_on()
    terminal.expect(rf"\x1b\[32m\+ +{second.told}  LISTEN\x1b\[0m")
    first.go_on()
    terminal.expect(rf"\x1b\[31m- +{first.told}  LISTEN\x1b\[0m")
    # It stays for one round.
    terminal.shows(r"1 row  \+0 -0 ~0")
    terminal.send("q")
    assert terminal.end() == 0
    terminal.expect(r"\x1b\[\?25h\x1b\[\?1049l")
    assert terminal.raw.startswith(b"\x1b[?1049h")


@pytest.mark.parametrize(
    ("keys", "status"),
    [("q", 0), ("Q", 0), ("\x04", 0), ("\x1c", 0), ("\x03", 130)],
    ids=["q", "Q", "Ctrl-D", "the quit key", "Ctrl-C"],
)
def test_keys_that_end_it(open_terminal: Callable[..., Terminal], keys: str, status: int) -> None:
    terminal = open_terminal("--watch", "1000000", "SELECT 1 AS a")
    terminal.shows(r"\n  1\n")
    terminal.send(keys)
    assert terminal.end() == status
    terminal.expect(r"\x1b\[\?1049l")
    assert b"Traceback" not in terminal.raw


@pytest.mark.parametrize("keys", ["q", "\x03"], ids=["q", "Ctrl-C"])
def test_a_key_ends_it_in_the_middle_of_a_query(open_terminal: Callable[..., Terminal], keys: str, fake: FakeRoot) -> None:
    # The first round has an end; from the second on there is one process that makes the query an endless one.
    fake.process(5, "5")
    sql = f"SELECT pid FROM processes WHERE pid = 5 OR ({ENDLESS}) > 0"
    terminal = open_terminal("--watch", "0.1", "--root", str(fake.path), sql)
    terminal.shows(r"\n  +5")
    fake.process(6, "6")
    time.sleep(0.5)
    terminal.send(keys)
    assert terminal.end() == (0 if keys == "q" else 130)
    terminal.expect(r"\x1b\[\?1049l")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_being_killed_leaves_the_terminal_as_it_was(open_terminal: Callable[..., Terminal], number: int) -> None:
    terminal = open_terminal("--watch", "1000000", "SELECT 1 AS a")
    terminal.shows(r"\n  1\n")
    terminal.process.send_signal(number)
    assert terminal.end() == -number
    terminal.expect(r"\x1b\[\?25h\x1b\[\?1049l")


def test_a_page_fits_the_window_also_when_that_changes(open_terminal: Callable[..., Terminal]) -> None:
    numbers = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 500)"
    sql = f"{numbers} SELECT n, printf('%200s', 'x') AS wide FROM c"
    terminal = open_terminal("--watch", "1000000", sql, columns=60, lines=20)
    text = terminal.shows(r"… 484 more rows")
    assert "…" in text.split("\n")[3] or text.split("\n")[3].strip().startswith("1")
    for columns, lines in ((20, 8), (100, 30), (5, 3)):
        terminal.resize(columns, lines)
        if lines > 5:
            terminal.shows(rf"… {500 - (lines - 4)} more r")
        assert terminal.process.poll() is None
    terminal.send("q")
    assert terminal.end() == 0


def test_what_changed_is_shown_though_not_all_rows_fit(open_terminal: Callable[..., Terminal]) -> None:
    sql = (
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 500) "
        "SELECT n, iif(n = 321, strftime('%f', 'now'), 'still') AS now FROM c"
    )
    # Told apart by the row's number, as a table's key would.
    terminal = open_terminal("--watch", "0.1", sql, lines=12)
    terminal.shows(r"\n\+ +321 ")
    terminal.shows(r"\n- +321 ")
    terminal.send("q")
    assert terminal.end() == 0


def test_the_space_bar_pauses(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--watch", "0.1", "SELECT random() AS r")
    terminal.shows("~1")
    terminal.send(" ")
    paused = terminal.shows("paused, space goes on")
    time.sleep(0.5)
    terminal.send(" ")
    terminal.shows("q ends, space pauses")
    # The page was the same all the while.
    drawn = terminal.raw.decode().split("paused, space goes on")
    assert len(drawn) == 2
    assert re.search(r"-?\d{6,}", paused)
    terminal.send("q")
    assert terminal.end() == 0


def test_ctrl_z_stops_it_with_the_terminal_as_it_was(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--watch", "0.2", "SELECT 1 AS a")
    terminal.shows(r"\n  1\n")
    terminal.send("\x1a")
    terminal.expect(r"\x1b\[\?1049l")
    # A group of processes without a shell around it is not stopped by the terminal's own signal (it is orphaned).
    for _ in range(300):
        terminal.process.send_signal(signal.SIGCONT)
        with suppress(TimeoutError):
            terminal.expect(r"\x1b\[\?1049h", 0.2)
            break
    terminal.send("q")
    assert terminal.end() == 0


def test_no_escape_sequence_of_a_value_reaches_the_terminal(open_terminal: Callable[..., Terminal]) -> None:
    sql = f"SELECT {HOSTILE} AS v, {HOSTILE} || random() AS '\x1b[35mname'"
    terminal = open_terminal("--watch", "0.1", sql, columns=200)
    terminal.shows("~1|[+]1")
    terminal.send("q")
    assert terminal.end() == 0
    own = re.sub(rb"\x1b\[[?0-9;]*[hlHKJm]|\r+\n", b"", terminal.raw)
    assert not UNSAFE.search(own.decode())
    assert b"\x1b[31mred" not in terminal.raw
    assert b"\x1b[35m" not in terminal.raw


def test_no_color_marks_without_colours(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--watch", "0.1", "SELECT random() AS r", NO_COLOR="1")
    terminal.expect(r"\x1b\[7m-?\d+\x1b\[0m")
    terminal.send("q")
    assert terminal.end() == 0
    assert not re.search(rb"\x1b\[[0-9;]*3\dm", terminal.raw)


def test_a_terminal_that_can_nothing_gets_one_page_below_the_other(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--watch", "0.1", "SELECT strftime('%f', 'now') AS now", TERM="dumb")
    terminal.expect(r"every 0\.1 s  1 row  \+0 -0 ~0\r\n")
    terminal.expect(r"every 0\.1 s  1 row  \+0 -0 ~1\r\n")
    terminal.expect(r"~ [\d.]+ → [\d.]+\r\n")
    terminal.send("\x03")
    assert terminal.end() == 130
    assert b"\x1b" not in terminal.raw


def test_lines_and_charts_are_drawn_over_too(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--watch", "0.1", "--line", "SELECT 1 AS a, strftime('%f', 'now') AS now")
    terminal.shows(r"q ends.*\n +a = 1\n")
    terminal.expect(r"\x1b\[H")
    terminal.send("q")
    assert terminal.end() == 0


def test_a_mistake_in_between_is_shown_and_passes(open_terminal: Callable[..., Terminal], fake: FakeRoot) -> None:
    fake.process(5, "5")
    terminal = open_terminal("--watch", "0.1", "--root", str(fake.path), "SELECT json(name) AS v FROM processes")
    terminal.shows(r"\n  5")
    for name, told in (("{", "malformed JSON"), ("6", r"\n[~+ ] 6")):
        fake.write("proc/comm", f"{name}\n")
        os.replace(fake.path / "proc/comm", fake.path / "proc/5/comm")
        terminal.shows(told)
    terminal.send("q")
    assert terminal.end() == 0


def test_a_first_mistake_is_told_where_the_prompt_of_the_shell_is(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--watch", "1", "SELEC")
    assert terminal.end() == 1
    terminal.expect("near")
    assert b"\x1b[?1049h" not in terminal.raw


def test_keys_are_not_asked_of_what_is_no_terminal() -> None:
    """SQL from a pipe, the page on a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*RUN, "--watch", "0.1"],
        stdin=subprocess.PIPE,
        stdout=slave,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(slave)
    assert process.stdin
    process.stdin.write(b"SELECT 42 AS a")
    process.stdin.close()
    text = b""
    while text.count(b"42") < 3:
        text += os.read(master, 4096)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    os.close(master)
    assert process.stderr
    assert process.stderr.read() == b""
    process.stderr.close()
