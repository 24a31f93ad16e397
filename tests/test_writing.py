"""How results are written at the prompt, and where they go."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import stat
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.settings import Settings
from sqlports.shell import clipboard
from sqlports.shell.dots import Leave
from sqlports.shell.script import pieces
from sqlports.shell.shell import Shell

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .conftest import command
from .terminal import Terminal

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def shell() -> Iterator[Shell]:
    engine = Engine()
    with_settings = Shell(engine, Settings(mode="csv"))
    yield with_settings
    with_settings.close()
    engine.close()


def said(shell: Shell, capfd: Capture, *inputs: str) -> tuple[str, str]:
    for text in inputs:
        shell.handle(text)
    return capfd.readouterr()


# .once and .output


def test_once_is_for_the_next_results_only(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    file = tmp_path / "out"
    assert said(shell, capfd, f".once {file}", ".mode jsonl", "SELECT 1 AS a; SELECT 2 AS b;") == ("", "")
    assert file.read_text() == '{"a": 1}\n{"b": 2}\n'
    assert said(shell, capfd, "SELECT 3 AS c;").out == '{"c": 3}\n'
    assert os.listdir(tmp_path) == ["out"]


def test_output_is_for_all_that_comes_until_it_ends(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    file = tmp_path / "two words"
    assert said(shell, capfd, f".output '{file}'", "SELECT 1 AS a;", ".mode json", "SELECT 2 AS b;", ".mode") == ("", "")
    assert not file.exists()
    assert shell.where == str(file)
    said(shell, capfd, ".output")
    assert file.read_text() == 'a\n1\n[{"b": 2}]\njson\n'
    assert said(shell, capfd, "SELECT 3 AS c;").out == '[{"c": 3}]\n'
    assert said(shell, capfd, ".output").err == "results go to the terminal\n"


def test_all_rows_go_to_a_file_uncut_and_without_colours(terminal: Terminal, tmp_path: Path) -> None:
    terminal.run(f".once {tmp_path}/out")
    terminal.run(
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 100) SELECT n, printf('%200s', n) FROM c;"
    )
    lines = (tmp_path / "out").read_text().splitlines()
    assert len(lines) == 102
    assert all(len(line) > 200 for line in lines[1:])
    assert "\x1b" not in "".join(lines)


def test_a_file_has_the_mode_that_files_have_and_a_tilde_is_home(
    shell: Shell, capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    before = os.umask(0o027)
    try:
        assert said(shell, capfd, ".once ~/out", "SELECT 1 AS a;") == ("", "")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o640


def test_the_end_of_the_prompt_ends_a_file(open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    for number, leave in enumerate((".quit\r", "\x04")):
        terminal = open_terminal("--csv")
        terminal.prompt()
        terminal.run(f".output {tmp_path}/out{number}")
        terminal.run("SELECT 42 AS a;")
        terminal.send(leave)
        assert terminal.end() == 0
        assert (tmp_path / f"out{number}").read_text() == "a\n42\n"


def test_a_kill_leaves_a_file_as_it_was(open_terminal: Callable[..., Terminal], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("before")
    terminal = open_terminal("--csv")
    terminal.prompt()
    terminal.run(f".output {tmp_path}/out")
    terminal.run("SELECT 42 AS a;")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == -signal.SIGTERM
    assert os.listdir(tmp_path) == ["out"] or set(os.listdir(tmp_path)) == {"out", "state"}
    assert (tmp_path / "out").read_text() == "before"


def test_a_mistake_leaves_a_file_as_it_was(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("before")
    told = said(shell, capfd, f".once {file}", "SELECT 1; SELEC;").err
    assert "syntax error" in told
    assert f"{file} gets nothing" in told
    assert (file.read_text(), os.listdir(tmp_path), shell.where) == ("before", ["out"], None)
    # A command that is wrong, or only sets something, is not what was meant to go there.
    said(shell, capfd, f".once {file}", ".modee", ".mode xyz", ".mode csv", "SELECT 1 AS a;")
    assert file.read_text() == "a\n1\n"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/nonexistent/out", "/nonexistent/out: No such file or directory\n"),
        ("/proc/self/comm/out", "/proc/self/comm/out: Not a directory\n"),
        ("/tmp", "/tmp: Is a directory\n"),
    ],
)
@pytest.mark.parametrize("command", [".once", ".output"])
def test_a_file_that_cannot_be_written_is_told_at_once(
    shell: Shell, capfd: Capture, command: str, name: str, told: str
) -> None:
    if name == "/proc/version" and os.geteuid() == 0:
        told = ""
    assert told.split(".")[0][:14] in said(shell, capfd, f"{command} {name}").err
    assert shell.where is None
    assert said(shell, capfd, "SELECT 1 AS a;").out == "a\n1\n"


@pytest.mark.parametrize("command", [".once", ".output"])
def test_a_full_disk_is_told_and_does_not_end_the_prompt(shell: Shell, capfd: Capture, command: str) -> None:
    told = said(shell, capfd, f"{command} /dev/full", "SELECT 1 AS a;").err
    assert told.startswith("/dev/full: No space left on device\n")
    assert shell.where is None
    assert said(shell, capfd, "SELECT 1 AS a;").out == "a\n1\n"


def test_results_go_to_a_command(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    assert said(shell, capfd, ".once |wc -l", "SELECT 1 AS a;").out.strip() == "2"
    assert said(shell, capfd, ".once '| tr a-z A-Z'", "SELECT 'text' AS a;").out == "A\nTEXT\n"
    said(shell, capfd, f".output | sort > {tmp_path}/out", "SELECT 2 AS b;", "SELECT 1 AS a;", ".output")
    assert (tmp_path / "out").read_text() == "1\n2\na\nb\n"
    # Also of what has no rows.
    assert said(shell, capfd, ".mode jsonl", ".once |wc -l", "SELECT 1 WHERE 0;").out.strip() == "0"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("exit 3", "exit 3: exit status 3\n"),
        ("kill -9 $$", "kill -9 $$: ended by signal 9\n"),
        ("no_such_command_xyz 2>/dev/null", "no_such_command_xyz 2>/dev/null: exit status 127\n"),
    ],
)
def test_a_command_that_fails_is_told(shell: Shell, capfd: Capture, command: str, told: str) -> None:
    assert said(shell, capfd, f".once |{command}", "SELECT 1 AS a;") == ("", told)
    assert said(shell, capfd, "SELECT 1 AS a;").out == "a\n1\n"


def test_a_command_that_has_enough_ends_the_statement(shell: Shell, capfd: Capture) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c;"
    assert said(shell, capfd, ".once |head -2", endless) == ("n\n1\n", "")
    assert said(shell, capfd, "SELECT 1 AS a;") == ("a\n1\n", "")


def test_a_command_may_use_the_terminal_and_need_not_leave_it_as_it_was(terminal: Terminal) -> None:
    script = "stty raw -echo </dev/tty; cat >/dev/null; printf 'key? ' >/dev/tty; dd bs=1 count=1 </dev/tty 2>/dev/null | od -c"
    terminal.run(f".once |{script}")
    terminal.send("SELECT 1;\r")
    terminal.expect(r"key\? ")
    terminal.send("k")
    terminal.expect("0000000   k")
    terminal.prompt()
    assert "42" in terminal.run("SELECT 40 + 2;")
    terminal.send("\x04")
    assert terminal.end() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_being_ended_while_a_command_shows_the_results_ends_both(terminal: Terminal, number: int) -> None:
    terminal.run(".once |trap '' HUP; cat >/dev/null; stty raw -echo </dev/tty; sh -c 'echo $$ $((6 * 7)); sleep 1000'")
    terminal.send("SELECT 1;\r")
    inner = terminal.expect(r"\d+ 42\n").split()[-2]
    terminal.process.send_signal(number)
    assert terminal.end() == -number
    # Where nobody waits for it, it stays as a name.
    state = Path(f"/proc/{inner}/stat")
    assert not state.exists() or ") Z " in state.read_text()


def test_a_command_that_shows_a_part_is_waited_for_when_the_rest_fails(shell: Shell, tmp_path: Path) -> None:
    shell.handle(f".once |cat >/dev/null; sleep 0.3; touch {tmp_path}/ended")
    shell.handle("SELECT 1; SELECT nonsense;")
    assert (tmp_path / "ended").exists()


def test_ctrl_c_ends_a_command_and_not_the_prompt(terminal: Terminal) -> None:
    # By itself: a shell that is just starting a program keeps Ctrl-C from it.
    code = "import signal, time; signal.signal(2, signal.SIG_DFL); print(6 * 7, flush=True); time.sleep(1000)"
    terminal.run(f".once |cat >/dev/null; exec {sys.executable} -c '{code}'")
    terminal.send("SELECT 1;\r")
    terminal.expect("42\r\n")
    terminal.send("\x03")
    terminal.prompt()
    assert "42" in terminal.run("SELECT 40 + 2;")


# .mode, .units, .types, .rows, .null, .set


@pytest.mark.parametrize(
    ("typed", "name", "value"),
    [
        (".mode js", "mode", None),
        (".mode jsonl", "mode", "jsonl"),
        (".units on", "units", True),
        (".units YES", "units", True),
        (".units 0", "units", False),
        (".types off", "types", False),
        (".types no", "types", False),
        (".rows 7", "rows", 7),
        (".rows all", "rows", 0),
        (".rows 1,000", "rows", 1000),
        (".null -", "null", "-"),
        (".null '(none)'", "null", "(none)"),
        (".set mode markdown", "mode", "markdown"),
        (".set units on", "units", True),
        (".set timeout 2.5", "timeout", 2.5),
        (".set null 'a b'", "null", "a b"),
        (".set time 3", None, None),
    ],
)
def test_settings_are_set(shell: Shell, capfd: Capture, typed: str, name: str | None, value: object) -> None:
    before = Settings(mode="csv")
    told = said(shell, capfd, typed)
    if value is None:
        assert told[1]
        assert shell.settings == before
    else:
        assert told == ("", "")
        assert name is not None
        assert getattr(shell.settings, name) == value


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (".units maybe", "units takes on or off, not 'maybe'\n"),
        (".timer maybe", "timer takes on or off, not 'maybe'\n"),
        (".set types maybe", "types takes on or off, not 'maybe'\n"),
        (".set timeout -1", "to 1,000,000,000, not -1\n"),
        (".rows -1", "rows takes a whole number from 0 to"),
        (".rows ten", "rows takes a whole number from 0 to"),
        (".set timeout nan", "timeout takes a number from 0 to"),
        (".set keys wi", "keys takes one of emacs, vi, not 'wi'"),
        (".set nope 1", "no such setting: nope"),
        (".set null \x1b[31m", "control character"),
        (".set mode xlm", "did you mean html?"),
    ],
)
def test_what_a_setting_does_not_take_is_told(shell: Shell, capfd: Capture, typed: str, told: str) -> None:
    before = Settings(mode="csv")
    found = said(shell, capfd, typed).err
    assert told in found or "mode takes one of" in found
    assert "\x1b" not in found
    assert shell.settings == before


def test_all_settings_are_listed_and_each_tells_what_it_takes(shell: Shell, capfd: Capture) -> None:
    shell.settings.mode = "json"
    listed = {row["setting"]: row for row in json.loads(said(shell, capfd, ".set").out)}
    assert listed["units"]["value"] == "off"
    assert "3 h ago" in listed["units"]["what it does"]
    assert set(listed) == set(vars(Settings()))
    for name in listed:
        text = said(shell, capfd, f".set {name}").out
        assert text.startswith(f"{name} {listed[name]['value']}\n")
        assert "It takes " in text
    assert said(shell, capfd, ".rows").out == "40\n"


def test_a_timeout_holds_from_the_next_statement_on(shell: Shell, capfd: Capture) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c;"
    assert "took longer than 0.2 s" in said(shell, capfd, ".set timeout 0.2", endless).err
    said(shell, capfd, ".set timeout 0")
    assert shell.engine.timeout is None


def test_types_and_null_are_as_set(terminal: Terminal) -> None:
    assert "int" in terminal.run("SELECT pid, uid FROM processes WHERE pid = 1;").split("SELECT")[-1]
    terminal.run(".types off")
    terminal.run(".null nothing")
    shown = terminal.run("SELECT NULL AS a;")
    assert "nothing" in shown.rpartition("SELECT")[2]


# .copy


def copied(terminal: Terminal) -> str:
    found = re.search(r"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07", terminal.expect(r"\x1b\]52;c;[A-Za-z0-9+/=]*\x07"))
    assert found
    return base64.b64decode(found[1]).decode()


def test_copy_hands_the_last_result_to_the_terminal(open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal(TMUX="", STY="")
    terminal.prompt()
    terminal.run("SELECT 1 AS a, 'é' || char(27) AS b;")
    terminal.send(".copy\r")
    # An empty TMUX is none.
    assert copied(terminal) == "a\tb\n1\té\\x1b\n"
    terminal.expect("1 row copied as tsv")
    terminal.prompt()
    terminal.send(".copy json\r")
    assert json.loads(copied(terminal)) == [{"a": 1, "b": "é\x1b"}]
    terminal.prompt()
    big = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 20000) SELECT n FROM c;"
    terminal.run(".mode csv")
    terminal.run(".once /dev/null")
    terminal.run(big)
    told = terminal.run(".copy")
    assert "108,896 bytes are too many for a terminal's clipboard, which takes 56,244: .once FILE takes all" in re.sub(
        r"\s+", " ", told
    )
    assert terminal.raw.count(b"\x1b]52") == 2


def test_copy_needs_a_terminal(shell: Shell, capfd: Capture) -> None:
    told = said(shell, capfd, "SELECT 1;", ".copy")
    assert told == ("1\n1\n", "there is no terminal to copy to\n")


def test_a_clipboard_is_reached_through_tmux_and_screen() -> None:
    assert clipboard.sequence("QQ==") == "\x1b]52;c;QQ==\x07"
    assert clipboard.sequence("QQ==", tmux=True) == "\x1bPtmux;\x1b\x1b]52;c;QQ==\x07\x1b\\"
    long = "Q" * 2000
    parts = clipboard.sequence(long, screen=True).split("\x1b\\")
    assert parts[-1] == ""
    assert "".join(part.removeprefix("\x1bP") for part in parts) == f"\x1b]52;c;{long}\x07"
    assert max(map(len, parts)) <= 514


# .read


def script(tmp_path: Path, text: str, name: str = "script.sql") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_a_file_of_sql_and_commands_is_run(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    text = (
        "-- a comment\n\n.mode jsonl\nSELECT 1\n  AS a;\n\n  .once " + str(tmp_path / "out") + "\n"
        "SELECT '\n.mode csv\n' AS text; SELECT 3 AS c;\r\nSELECT 4 AS d; -- no more\nSELECT 5 AS e"
    )
    assert said(shell, capfd, f".read {script(tmp_path, text)}") == ('{"a": 1}\n{"d": 4}\n{"e": 5}\n', "")
    assert (tmp_path / "out").read_text() == '{"text": "\\n.mode csv\\n"}\n{"c": 3}\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "SELECT 1 AS a;\n\nSELECT\n  nam FROM processes;\nSELECT 2;",
            "script.sql: no such column: nam (did you mean name?)\nline 4:   nam",
        ),
        (".mode csv\n.mod xyz\n", "script.sql, line 2: no such mode: xyz"),
        ("\n\n.nope\n", "script.sql, line 3: no such command: .nope"),
        ("SELECT 1;\nSELECT (2", "\nline 2: SELECT (2"),
        ("\n.read nested.sql\n", "nested.sql, line 2: no such command: .nope"),
    ],
)
def test_the_first_mistake_ends_a_file_and_is_told_with_its_line(
    shell: Shell, capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    script(tmp_path, "\n.nope\n", "nested.sql")
    script(tmp_path, text)
    shown, complaint = said(shell, capfd, ".read script.sql")
    assert told in complaint
    assert shown in ("", "a\n1\n", "1\n1\n")


def test_a_file_may_read_others_but_not_without_end(
    shell: Shell, capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    script(tmp_path, "SELECT 1 AS a;\n.read inner\n", "outer")
    script(tmp_path, "SELECT 2 AS b;\n", "inner")
    assert said(shell, capfd, ".read outer") == ("a\n1\nb\n2\n", "")
    script(tmp_path, ".read itself\n", "itself")
    assert said(shell, capfd, ".read itself").err == "itself, line 1: itself is read within 10 others\n"
    assert shell.reading == 0


def test_what_is_no_file_is_not_read(shell: Shell, capfd: Capture, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, told in (
        (tmp_path / "none", "none: No such file or directory\n"),
        (tmp_path, ": Is a directory\n"),
        (tmp_path / "pipe", "pipe is no file with an end\n"),
        ("/dev/zero", "/dev/zero is no file with an end\n"),
        ("", "which file? .read FILE\n"),
    ):
        assert said(shell, capfd, f".read {name}").err.endswith(told)


def test_a_file_may_end_the_prompt(shell: Shell, tmp_path: Path) -> None:
    with pytest.raises(Leave):
        shell.handle(f".read {script(tmp_path, '.quit')}")


def test_ctrl_c_ends_a_file(terminal: Terminal, tmp_path: Path) -> None:
    endless = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c;"
    path = script(tmp_path, f"SELECT 40 + 2;\n{endless}\nSELECT 'never' || ' this';\n")
    terminal.send(f".read {path}\r")
    terminal.expect("42\r\n")
    time.sleep(0.2)
    terminal.send("\x03")
    terminal.expect("interrupted")
    terminal.prompt()
    assert "101" in terminal.run("SELECT 100 + 1;")
    assert b"never this" not in terminal.raw


def test_a_file_is_cut_where_its_statements_end() -> None:
    text = "\n-- only this\n\nSELECT 1;\n.mode csv\nSELECT ';\n.mode'\n;\n\nexit\n"
    assert list(pieces(text)) == [
        (2, "-- only this"),
        (4, "SELECT 1;"),
        (5, ".mode csv"),
        (6, "SELECT ';\n.mode'\n;"),
        (10, "exit"),
    ]


@pytest.mark.parametrize(
    "name", ["x.json", "x.jsonl", "x.ndjson", "x.csv", "x.tsv", "x.md", "x.HTML", "x.sql", "x.parquet", "x.arrow"]
)
@pytest.mark.parametrize(
    "typed",
    [
        ".once {}\nSELECT 1 AS a, 'b' AS b;",
        "SELECT 1 AS a, 'b' AS b;\n.once {}\n.last",
        ".output {}\nSELECT 1 AS a, 'b' AS b;\n.output",
    ],
)
def test_a_file_is_written_as_its_name_says_and_as_the_command_writes_it(
    shell: Shell, tmp_path: Path, name: str, typed: str
) -> None:
    file, other = tmp_path / name, tmp_path / f"other-{name}"
    for line in typed.format(file).split("\n"):
        shell.handle(line)
    done = command("-o", str(other), "SELECT 1 AS a, 'b' AS b")
    assert (done.returncode, done.stderr) == (0, "")
    assert file.read_bytes() == other.read_bytes() != b""
    assert file.read_bytes() != command("--table", "SELECT 1 AS a, 'b' AS b").stdout.encode()


def test_a_mode_that_is_given_wins_over_a_files_name(tmp_path: Path) -> None:
    command("--csv", "-o", str(tmp_path / "x.json"), "SELECT 1 AS a")
    assert (tmp_path / "x.json").read_text() == "a\n1\n"


def test_an_empty_text_may_stand_for_null(shell: Shell, capfd: Capture) -> None:
    shell.settings.mode = "table"
    for typed in (".null ''", ".set null ''", '.null ""'):
        shell.settings.null = "NULL"
        assert said(shell, capfd, typed, ".null") == ("\n", "")
    assert said(shell, capfd, ".null '-'", ".null") == ("-\n", "")


def test_a_parameter_is_a_text_that_ends_or_a_mistake(shell: Shell, capfd: Capture) -> None:
    assert said(shell, capfd, ".param").err == "no parameters: .param NAME VALUE gives one a value\n"
    for wrong in ("'unclosed", "'it's'", "'"):
        assert said(shell, capfd, f".param x {wrong}").err.endswith(f"a quote within it is written twice: {wrong}\n")
    assert shell.parameters == {}
    said(shell, capfd, ".param x 'it''s'", ".param y it's", ".param z ''")
    assert shell.parameters == {"x": "it's", "y": "it's", "z": ""}
