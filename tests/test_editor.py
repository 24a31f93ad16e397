"""What is typed at the prompt with, in a pseudo-terminal: keys, colours, the line below, other editors."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sqlports import Engine
from sqlports.settings import Settings
from sqlports.shell import dot

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from .terminal import Terminal

Open = Callable[..., Terminal]


@pytest.fixture
def whole(open_terminal: Open) -> Terminal:
    """The prompt in a terminal that tells where its cursor is: with the line below."""
    started = open_terminal(PROMPT_TOOLKIT_NO_CPR="")
    started.shows("sqlports>\n+ table")
    return started


def test_what_was_typed_before_is_offered_and_the_right_arrow_takes_it(terminal: Terminal) -> None:
    terminal.run("SELECT 6 * 7 AS answer;")
    terminal.send("SELECT 6")
    terminal.expect(r" \* 7 AS answer;")
    terminal.send("\x1b[C")
    assert "    42\r\n" in terminal.run("")


def test_ctrl_r_searches_the_history(terminal: Terminal) -> None:
    terminal.run("SELECT 6 * 7 AS answer;")
    terminal.run("SELECT 'other';")
    terminal.send("\x126 *")
    terminal.shows(r"(?s)'other'\n.*sqlports> SELECT 6 \* 7 AS answer;\n+I-search backward: 6 \*")
    terminal.send("\r")
    terminal.shows(r"(?s)'other'\n.*sqlports> SELECT 6 \* 7 AS answer;\n*$")
    assert "    42\r\n" in terminal.run("")


def test_a_pasted_script_does_not_run_before_enter(terminal: Terminal) -> None:
    terminal.send("\x1b[200~SELECT 1 + 1 AS a;\n.mode csv\nSELECT 2 + 2 AS b;\nSELECT\n 3 + 3 AS c;\n\x1b[201~")
    assert "2\n" not in terminal.shows(r"3 \+ 3 AS c;").split("3 + 3")[1]
    told = terminal.run("")
    assert re.search(r"(?s)\n2\r\n.*b\r\n4\r\n.*c\r\n6\r\n", told)


def test_a_script_that_breaks_off_in_a_command_says_what_it_drops(terminal: Terminal) -> None:
    terminal.send("SELECT 'lost \x1b[200~\x1b[201~\r")
    terminal.expect(r"\.\.\.'>")
    told = terminal.run(".mode")
    assert "dropped, since it had no end: SELECT 'lost" in told
    assert "table\r\n" in told


def test_what_is_whole_in_a_script_that_breaks_off_runs(terminal: Terminal) -> None:
    terminal.send("\x1b[200~SELECT 40 + 2 AS a;\n'oops\n and\n.mode\x1b[201~")
    terminal.shows(r"\.mode")
    told = terminal.run("")
    assert re.search(r"(?s)\n42\r\n.*dropped, since it had no end: 'oops and\r\n.*table\r\n", told)


def test_a_very_long_paste_runs_as_any(terminal: Terminal) -> None:
    terminal.send("\x1b[200~SELECT length('" + "a" * 200_000 + "') AS n; \x1b[201~\r")
    terminal.expect("\n200000\r\n")
    terminal.prompt()


def test_what_would_reorder_its_line_is_written_out_where_it_is_typed(terminal: Terminal) -> None:
    # The last is a search of what was typed before.
    for keys in ("\x1b[200~SELECT '\u202eabc\ufeff'\x1b[201~", "\x12\x1b[200~\u2066find\x1b[201~"):
        terminal.send(keys)
        terminal.shows(r"SELECT '\\u202eabc\\ufeff'$|SELECT '\\u202eabc\\ufeff'\n|backward: \\u2066find")
    terminal.send("\x07\x01")
    assert not re.search("[\u202e\ufeff\u2066]", terminal.raw.decode())


def test_the_cursor_stands_where_it_is_behind_what_is_written_out(terminal: Terminal) -> None:
    terminal.send("\x1b[200~SELECT length('\u202ea') AS n;\x1b[201~" + "\x1b[D" * 8 + "b")
    terminal.shows(r"length\('\\u202eab'\) AS n;")
    assert "\n3\r\n" in terminal.run("")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("port 8000", "port is no statement, but a command: .port 8000"),
        ("tables", "tables is no statement, but a command: .tables"),
        ("schema users;", "schema is no statement, but a command: .schema users"),
    ],
)
def test_a_command_without_its_dot_is_told_the_dot(terminal: Terminal, typed: str, told: str) -> None:
    assert told in terminal.run(typed)


def test_alt_enter_adds_a_line_and_does_not_run(terminal: Terminal) -> None:
    terminal.send("SELECT 6 * 7 AS a;\x1b\r")
    terminal.shows(r"7 AS a;\n *\.\.\.>")
    assert "42\r\n" in terminal.run("SELECT 1;")


def test_vi_keys_come_and_go(whole: Terminal) -> None:
    whole.send("\x1bOS")
    whole.shows("vi: insert")
    whole.send("SELECT 1\x1b")
    whole.shows("vi: normal")
    assert b"\x1b[2 q" in whole.raw
    # Append at the end, in vi's way.
    whole.send("A + 41;\r")
    whole.shows(" 42\n")
    whole.send("\x1bOS")
    whole.shows(r"(?s)sqlports>\n+ table · 1 row in [^:]*$")
    whole.send("\x04")
    assert whole.end() == 0


def test_the_settings_choose_the_keys(open_terminal: Open, state: Path) -> None:
    (state / "sqlports").mkdir(parents=True)
    (state / "sqlports" / "config.toml").write_text('keys = "vi"\n')
    started = open_terminal(PROMPT_TOOLKIT_NO_CPR="")
    started.shows("vi: insert")


def test_the_line_below_tells_mode_rows_time_and_privilege(whole: Terminal) -> None:
    who = "as root" if os.geteuid() == 0 else "as user"
    whole.shows(f" table · {who}")
    whole.send(".mode csv\rSELECT 1 UNION SELECT 2;\r")
    whole.shows(f" csv · .*{who}")
    whole.send(".mode table\rSELECT 1 UNION SELECT 2;\r")
    whole.shows(rf" table · 2 rows in .* · {who}")


def test_the_line_below_tells_how_old_a_held_look_is(whole: Terminal) -> None:
    whole.send(".hold\r")
    whole.shows(r"held for \d+ s")


@pytest.mark.parametrize(("columns", "lines"), [(20, 5), (20, 2), (5, 3), (1, 1), (200, 5)])
def test_a_tiny_terminal(open_terminal: Open, columns: int, lines: int) -> None:
    started = open_terminal(columns=columns, lines=lines, PROMPT_TOOLKIT_NO_CPR="")
    started.prompt() if columns > 9 else started.expect("2004h")
    started.send("SELECT 40 + 2;\r")
    started.expect("1 row")
    started.send("\x04")
    assert started.end() == 0
    assert b"Window too small" not in started.raw


def test_the_line_below_fits_whatever_it_is_to_tell(open_terminal: Open) -> None:
    from sqlports.shell import bar
    from sqlports.shell.shell import Shell

    with Engine() as engine:
        shell = Shell(engine, Settings(pager="\x1b[31mless -R\n" + "x" * 100, mode="table"))
        shell.run("SELECT 1")
        shell.hold()
        for columns in range(300):
            line = bar.line(shell, columns, "vi: normal")
            assert len(line) <= columns
            assert line.isprintable()
            # What a wider window tells is never less.
            assert ("held for" in line) == (columns > 15) or columns < 16
        assert {"pager \\x1b[31mless -R", "vi: normal", " table · 1 row in"} <= {
            text for text in ("pager \\x1b[31mless -R", "vi: normal", " table · 1 row in") if text in line
        }
        shell.close()


def test_the_window_may_shrink_while_somebody_types(whole: Terminal) -> None:
    whole.send("SELECT 40 +")
    whole.shows(r"SELECT 40 \+")
    whole.resize(20, 5)
    whole.process.send_signal(signal.SIGWINCH)
    whole.send(" 2;\r")
    whole.shows(" +42\n")


def test_no_line_below_and_no_escape_sequence_in_a_terminal_that_can_nothing(open_terminal: Open) -> None:
    started = open_terminal(TERM="dumb", PROMPT_TOOLKIT_NO_CPR="")
    started.expect("sqlports> ")
    started.send("SELECT 1;\n")
    started.expect("sqlports> ")
    assert b"\x1b" not in started.raw
    assert b"as root" not in started.raw
    assert b"as user" not in started.raw


def test_a_terminal_without_utf_8_gets_ascii(open_terminal: Open) -> None:
    started = open_terminal(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PROMPT_TOOLKIT_NO_CPR="")
    started.shows(r"sqlports>\n+ table - as ")
    started.send("SELECT char(233) AS a;\r")
    started.shows(r"\\xe9")
    # What is typed is what runs, though the terminal has no letter for it.
    started.send("SELECT unicode('é') + 1000;\r")
    started.shows(r"\b1233\b")
    started.raw.decode("ascii")


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
def test_what_is_no_text_is_not_run_as_something_else(open_terminal: Open, kind: str) -> None:
    started = open_terminal(TERM=kind, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    started.expect("sqlports> ?")
    started.send(b"SELECT '\xff' AS a, 1000 + 1;\r")
    assert "1001" not in started.expect("nothing was run: byte 0xff is no UTF-8")
    started.expect("sqlports> ?")
    started.send("SELECT unicode('é') + 1000;\r")
    started.expect(r"\b1233\b")


EDIT = """#!/bin/sh
stat -c '%a %n' "$1" "$(dirname "$1")" > {record}
cat "$1" >> {record}
printf 'SELECT\\n  40 + 2 AS answer;\\n' > "$1"
"""


@pytest.fixture
def editor(tmp_path: Path) -> Callable[[str], str]:
    def make(text: str) -> str:
        path = tmp_path / "an editor"
        path.write_text(text)
        path.chmod(0o755)
        return f"'{path}'"

    return make


def test_f2_takes_the_input_to_another_editor_and_back(
    open_terminal: Open, editor: Callable[[str], str], tmp_path: Path
) -> None:
    record = tmp_path / "record"
    terminal = open_terminal(VISUAL=editor(EDIT.format(record=record)), EDITOR="false", TMPDIR=str(tmp_path))
    terminal.prompt()
    terminal.send("SELECT 'before'\x1bOQ")
    terminal.shows(r"sqlports> SELECT\n +\.\.\.>   40 \+ 2 AS answer;")
    assert "    42\r\n" in terminal.run("")
    file, directory, text = record.read_text().splitlines()
    assert file.startswith("600 ")
    assert directory.startswith("700 ")
    assert text == "SELECT 'before'"
    assert not list(tmp_path.glob("sqlports-*"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/nowhere/at/all", "no editor: /nowhere/at/all: No such file or directory"),
        ("false", "false ended with status 1: the input is as it was"),
        ("/dev/null", "no editor: /dev/null: Permission denied"),
        ("rm", "rm left no file behind: the input is as it was"),
    ],
)
def test_an_editor_that_fails_leaves_the_input(open_terminal: Open, tmp_path: Path, name: str, told: str) -> None:
    terminal = open_terminal(VISUAL="", EDITOR=name, TMPDIR=str(tmp_path))
    terminal.prompt()
    terminal.send("SELECT 6 * 7;\x1bOQ")
    terminal.expect(re.escape(told))
    terminal.shows(r"sqlports> SELECT 6 \* 7;")
    assert "42\r\n" in terminal.run("")
    assert not list(tmp_path.glob("sqlports-*"))


def test_an_editor_may_leave_anything_behind(open_terminal: Open, editor: Callable[[str], str]) -> None:
    script = editor('#!/bin/sh\nstty raw -echo\nprintf "\\377\\000SELECT \'\\033[31m\';\\r\\n" > "$1"\n')
    terminal = open_terminal(EDITOR=script)
    terminal.prompt()
    terminal.send("\x1bOQ")
    terminal.shows(r"SELECT '\^\[\[31m';")
    terminal.send("\x03")
    terminal.prompt()
    assert "42\r\n" in terminal.run("SELECT 6 * 7;")
    terminal.send("\x04")
    assert terminal.end() == 0
    assert b"\x1b[31m" not in terminal.raw


def test_ctrl_c_in_the_editor_is_the_editors(open_terminal: Open, editor: Callable[[str], str]) -> None:
    script = editor("#!/bin/sh\ntrap 'echo SELECT 6*7\\; > \"$1\"; exit 0' INT\necho ready\nwhile :; do sleep 0.05; done\n")
    terminal = open_terminal(EDITOR=script)
    terminal.prompt()
    terminal.send("\x1bOQ")
    terminal.expect("ready")
    terminal.send("\x03")
    terminal.shows(r"sqlports> SELECT 6\*7;")
    assert "42\r\n" in terminal.run("")


def test_being_terminated_in_the_editor_leaves_no_file(
    open_terminal: Open, editor: Callable[[str], str], tmp_path: Path
) -> None:
    terminal = open_terminal(EDITOR=editor("#!/bin/sh\necho ready\nexec sleep 60\n"), TMPDIR=str(tmp_path))
    terminal.prompt()
    terminal.send("\x1bOQ")
    terminal.expect("ready")
    terminal.process.send_signal(signal.SIGTERM)
    assert terminal.end() == -signal.SIGTERM
    assert not list(tmp_path.glob("sqlports-*"))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("SELECT 1;\n.mode json\nSELECT 2;", ["SELECT 1;", ".mode json", "SELECT 2;"]),
        ("SELECT 1;\nSELECT 2;", ["SELECT 1;\nSELECT 2;"]),
        ("SELECT '\n.mode json\n';", ["SELECT '\n.mode json\n';"]),
        ("SELECT 1,\n.5;", ["SELECT 1,\n.5;"]),
        (".mode\n.help\n\n", [".mode", ".help"]),
        ("", [""]),
        ("\n\n", [""]),
    ],
)
def test_an_input_of_several_lines_is_statements_and_commands(text: str, pieces: list[str]) -> None:
    assert [(piece, "") for piece in pieces] == list(dot.pieces(text))


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("SELECT 1 a;\n'oops\n.mode", [("SELECT 1 a;", ""), (".mode", "'oops")]),
        ("SELECT 1;\nSELECT 2,\n.mode\n.tables", [("SELECT 1;", ""), (".mode", "SELECT 2,"), (".tables", "")]),
        ("SELECT ';'; /* a\n.mode", [("SELECT ';';", ""), (".mode", "/* a")]),
        ("'oops\n.mode", [(".mode", "'oops")]),
    ],
)
def test_only_what_has_no_end_is_dropped(text: str, pieces: list[tuple[str, str]]) -> None:
    assert list(dot.pieces(text)) == pieces


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("SELECT 'a", "'"),
        ('SELECT "a', '"'),
        ("SELECT /* a", "/*"),
        ("SELECT [a", "["),
        ("f((", "("),
        ("SELECT 1", ""),
        ("", ""),
    ],
)
def test_what_lines_have_open(text: str, lacks: str) -> None:
    assert dot.lacking(text) == lacks
