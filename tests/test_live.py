"""Results that are looked at again, watched, compared, and one look held over several queries."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.settings import Settings
from sqlports.shell import results
from sqlports.shell.shell import Shell

from .conftest import ENDLESS, Child, FakeRoot
from .terminal import Terminal

Capture = pytest.CaptureFixture[str]
NUMBERS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {}) SELECT n FROM c;"
LISTENER = "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); tell(s.getsockname()[1])\n"
LEAVES = "sys.stdin.readline(); s.close(); tell(0)"


@pytest.fixture
def shell() -> Iterator[Shell]:
    engine = Engine()
    yield Shell(engine, Settings(mode="csv"))
    engine.close()


@pytest.fixture
def fakes(fake: FakeRoot) -> Iterator[Shell]:
    """A prompt over a system that a test makes."""
    engine = Engine(root=str(fake.path))
    yield Shell(engine, Settings(mode="csv"))
    engine.close()


def said(shell: Shell, capfd: Capture, text: str) -> tuple[str, str]:
    shell.handle(text)
    return capfd.readouterr()


# .last


def test_the_last_result_is_shown_again_in_another_mode_and_not_asked_for_again(
    fakes: Shell, fake: FakeRoot, capfd: Capture
) -> None:
    fake.process(5, "before")
    assert said(fakes, capfd, "SELECT pid, name FROM processes;").out == "pid,name\n5,before\n"
    fake.write("proc/5/comm", "after\n")
    assert json.loads(said(fakes, capfd, ".last json").out) == [{"pid": 5, "name": "before"}]
    assert said(fakes, capfd, ".last ver").out.endswith("pid  5\nname  before\n".replace("pid  5", " pid  5"))
    assert said(fakes, capfd, ".last").out == "pid,name\n5,before\n"


def test_last_shows_all_rows_of_a_result_that_was_not_shown_whole(terminal: Terminal) -> None:
    shown = terminal.run(NUMBERS.format(100))
    assert "100 rows (40 shown)" in shown
    assert not re.search(r"\r\n +50\r\n", shown)
    terminal.run(".set pager off")
    assert re.search(r"\r\n +50\r\n", terminal.run(".last all"))
    assert "100 rows" in terminal.run(".last")


def test_last_goes_where_results_go(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    said(shell, capfd, "SELECT 42 AS a;")
    assert said(shell, capfd, f".once {tmp_path}/out") == ("", "")
    assert said(shell, capfd, ".last json") == ("", "")
    assert (tmp_path / "out").read_text() == '[{"a": 42}]\n'
    assert said(shell, capfd, ".last jsonl").out == '{"a": 42}\n'


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (".last", "there is no result yet\n"),
        (".watch", "no statement has run yet: which query?\n"),
        (".diff", "no statement has run yet: which query?\n"),
        (".copy", "there is no result yet\n"),
        (".release", "no look is held (.hold holds one)\n"),
        (".watch 0 SELECT 1", "every how many seconds? from 0.1 to 86,400, not 0\n"),
        (".watch -1", "every how many seconds? from 0.1 to 86,400, not -1\n"),
        (".watch 1.2.3", "every how many seconds? from 0.1 to 86,400, not 1.2.3\n"),
    ],
)
def test_what_cannot_be_done_is_told(shell: Shell, capfd: Capture, typed: str, told: str) -> None:
    assert said(shell, capfd, typed) == ("", told)


def test_of_an_unknown_mode_the_likeliest_is_named(shell: Shell, capfd: Capture) -> None:
    said(shell, capfd, "SELECT 1;")
    assert "did you mean vertical?" in said(shell, capfd, ".last vertcal").err


def test_a_result_that_is_too_large_is_shown_and_not_kept(
    shell: Shell, capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "ROWS", 10)
    assert said(shell, capfd, NUMBERS.format(10)).out.count("\n") == 11
    assert said(shell, capfd, ".last").out.count("\n") == 11
    assert said(shell, capfd, NUMBERS.format(11)).out.count("\n") == 12
    assert "too large to be kept: more than 10 rows" in said(shell, capfd, ".last").err
    monkeypatch.setattr(results, "BYTES", 1 << 20)
    said(shell, capfd, "SELECT zeroblob(2000000) IS NULL AS a, length(zeroblob(9)) AS b;")
    assert said(shell, capfd, ".last").out == "a,b\n0,9\n"
    said(shell, capfd, "SELECT hex(zeroblob(2000000));")
    assert "too large to be kept" in said(shell, capfd, ".last").err


def test_no_more_than_so_many_statements_are_kept(shell: Shell, capfd: Capture) -> None:
    for number in range(results.STATEMENTS + 5):
        said(shell, capfd, f"SELECT {number};")
    assert "for the first time" in said(shell, capfd, ".diff SELECT 0").err
    assert "no difference" in said(shell, capfd, ".diff SELECT 20").err


def test_a_stopped_statement_leaves_its_rows(terminal: Terminal) -> None:
    terminal.run(".mode csv")
    terminal.run(".set pager off")
    terminal.send(NUMBERS.format(-1) + "\r")
    terminal.expect("\r\n5000\r\n")
    terminal.send("\x03")
    terminal.expect("interrupted")
    terminal.prompt()
    shown = terminal.run(".last csv")
    assert "it was stopped or cut short" in shown or "too large" in shown


# .diff


def test_diff_shows_what_came_went_and_changed(fakes: Shell, fake: FakeRoot, capfd: Capture) -> None:
    fakes.settings.mode = "table"
    fakes.settings.types = False
    fake.process(5, "old")
    fake.process(6, "same")
    fake.process(7, "leaves")
    sql = "SELECT pid, name FROM processes"
    said(fakes, capfd, f"{sql};")
    fake.write("proc/5/comm", "new\n")
    fake.process(8, "comes")
    for file in (fake.proc / "7").glob("*"):
        if file.name in ("stat", "comm"):
            file.unlink()
    (fake.proc / "7").rename(fake.path / "gone")
    shown, told = said(fakes, capfd, ".diff")
    assert [line.split() for line in shown.splitlines()[2:]] == [
        ["~", "5", "old", "→", "new"],
        ["-", "7", "leaves"],
        ["+", "8", "comes"],
    ]
    assert re.search(r"\d\d:\d\d:\d\d to \d\d:\d\d:\d\d: \+1 -1 ~1\n", told)
    fakes.settings.mode = "json"
    assert json.loads(said(fakes, capfd, ".diff").out)[0] == {"_change": "~", "pid": 5, "name": "old → new"}


def test_diff_of_a_query_runs_it_and_compares_with_its_last_run(fakes: Shell, fake: FakeRoot, capfd: Capture) -> None:
    fake.process(5, "old")
    sql = "SELECT pid, name FROM processes"
    assert said(fakes, capfd, f".diff {sql}") == (
        "",
        "run for the first time, 1 row: the same again shows what is different then\n",
    )
    said(fakes, capfd, "SELECT 1;")
    assert re.fullmatch(r"no difference between [\d:]+ and [\d:]+, 1 row\n", said(fakes, capfd, f".diff {sql};").err)
    fake.write("proc/5/comm", "new\n")
    assert said(fakes, capfd, f".diff {sql}").out == "_change,pid,name\n~,5,old → new\n"


def test_a_statement_with_other_values_is_another(shell: Shell, capfd: Capture) -> None:
    for value in (1, 2):
        shell.run("SELECT :v AS v;", {"v": value})
    assert len(shell.results.runs(shell.results.last)) == 1  # type: ignore[arg-type]
    shell.run("SELECT :v AS v;", {"v": 1, "unused": 5})
    assert len(shell.results.runs(shell.results.last)) == 2  # type: ignore[arg-type]
    capfd.readouterr()
    assert "no difference" in said(shell, capfd, ".diff").err


def test_diff_of_real_sockets(terminal: Terminal, child: Callable[..., Child]) -> None:
    first = child(LISTENER + LEAVES)
    sql = "SELECT local_port, state, pid FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN' AND local_port > 1024"
    assert str(first.told) in terminal.run(f"{sql};")
    second = child(LISTENER)
    first.go_on()
    shown = terminal.run(".diff")
    assert re.search(rf"\r\n- +{first.told}  LISTEN", shown)
    assert re.search(rf"\r\n\+ +{second.told}  LISTEN", shown)


# .hold


def test_a_look_is_held_until_it_is_released(fakes: Shell, fake: FakeRoot, capfd: Capture) -> None:
    fake.process(5, "before")
    sql = "SELECT name FROM processes;"
    assert said(fakes, capfd, ".hold").err == "one look is held from now on; .release ends that\n"
    assert fakes.held is not None
    assert said(fakes, capfd, sql).out == "name\nbefore\n"
    fake.write("proc/5/comm", "after\n")
    assert said(fakes, capfd, sql).out == "name\nbefore\n"
    assert re.search(r"in place of one that was \d+ s old", said(fakes, capfd, ".hold").err)
    assert said(fakes, capfd, sql).out == "name\nafter\n"
    fake.write("proc/5/comm", "later\n")
    assert re.fullmatch(r"released, after \d+ s\n", said(fakes, capfd, ".release").err)
    assert (fakes.held, fakes.engine.snapshot_now) == (None, None)
    assert said(fakes, capfd, sql).out == "name\nlater\n"


def test_a_mistake_and_an_interrupt_leave_a_held_look(shell: Shell, capfd: Capture) -> None:
    said(shell, capfd, ".hold")
    before = shell.engine.snapshot_now
    said(shell, capfd, "SELECT nam FROM processes;")
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    handler = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        assert "interrupted" in said(shell, capfd, f"{ENDLESS};").err
    finally:
        signal.signal(signal.SIGALRM, handler)
    assert shell.engine.snapshot_now is before
    said(shell, capfd, ".release")
    assert shell.engine.snapshot_now is None


def test_a_held_look_is_not_watched(shell: Shell, capfd: Capture) -> None:
    said(shell, capfd, ".hold")
    told = said(shell, capfd, ".watch SELECT 1").err
    assert told == "one look is held, and every round would show the same (.release ends that)\n"


# .watch


def test_watch_redraws_marks_and_gives_the_prompt_back(terminal: Terminal, child: Callable[..., Child]) -> None:
    first = child(LISTENER + LEAVES)
    terminal.run(f"SELECT local_port, pid FROM sockets WHERE state = 'LISTEN' AND local_port = {first.told};")
    terminal.send(".watch 0.2\r")
    terminal.expect(r"\x1b\[\?1049h")
    terminal.shows(rf"every 0\.2 s  1 row .*q ends.*\n.*\n.*\n  +{first.told} ")
    first.go_on()
    terminal.expect(rf"\x1b\[31m- +{first.told} ")
    terminal.shows(r"0 rows  \+0 -0 ~0")
    terminal.send("q")
    terminal.expect(r"\x1b\[\?25h\x1b\[\?1049l")
    terminal.prompt()
    assert "101" in terminal.run("SELECT 100 + 1;")


def test_watch_without_seconds_asks_every_two(terminal: Terminal) -> None:
    terminal.send(".watch SELECT 40 + 2 AS a\r")
    terminal.shows(r"every 2 s .*\n +a\n.*\n +42")
    terminal.send("\x03")
    terminal.prompt()
    # What was seen last is the last result.
    assert "42" in terminal.run(".last csv")
    terminal.send("\x04")
    assert terminal.end() == 0


def test_a_mistake_does_not_begin_to_be_watched(terminal: Terminal) -> None:
    assert "did you mean name?" in terminal.run(".watch 0.2 SELECT nam FROM processes")
    assert b"\x1b[?1049h" not in terminal.raw


def test_watch_never_uses_a_pager(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(PAGER="sed s/^/paged:/", lines=12)
    terminal.prompt()
    terminal.send(f".watch 0.2 {NUMBERS.format(500)}\r")
    terminal.shows("more rows")
    terminal.send("q")
    terminal.prompt()
    assert b"paged:" not in terminal.raw


def test_watch_takes_the_values_of_the_last_run(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    shell.parameters = {"v": 7}
    said(shell, capfd, "SELECT :v AS v;")
    shell.parameters = {}
    signal.setitimer(signal.ITIMER_REAL, 0.5)
    handler = signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        shown = said(shell, capfd, ".watch 0.1").out
    finally:
        signal.signal(signal.SIGALRM, handler)
    # Where there is no terminal a page stands below the other.
    assert len(re.findall(r"^\d{4}-\d\d-\d\d [\d:]+  every 0\.1 s  1 row", shown, re.MULTILINE)) > 1
    assert "\n  7\n" in shown


def test_being_killed_while_watching_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    terminal.send(".watch 60 SELECT 42\r")
    terminal.shows(r"\n +42\n")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == -signal.SIGTERM
    terminal.expect(r"\x1b\[\?1049l")
