"""The configuration file: what it sets, whom it does not concern, and how its faults are told."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from sqlports import colour, config
from sqlports.commands.man import ENVIRONMENT
from sqlports.config import ConfigError, read
from sqlports.settings import Settings, fault, takes
from tests.conftest import RUN, as_nobody, command
from tests.written import in_terminal

if sys.platform != "win32":
    from .terminal import Terminal
else:
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

SQL = "SELECT 1 AS a, NULL AS b"


def ask(path: str | Path | None, *arguments: str, **environment: str) -> Any:
    """Run the command with a configuration file."""
    named = {} if path is None else {"SQLPORTS_CONFIG": str(path)}
    return command(*(arguments or (SQL,)), env={**os.environ, **named, **environment})


def faults(text: str | bytes) -> list[str]:
    """The faults of a file's text, or none."""
    try:
        read(text.encode() if isinstance(text, str) else text, "F")
    except ConfigError as error:
        return str(error).split("\n")
    return []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text('mode = "csv"\nnull = "-"\n')
    path.chmod(0o600)
    return path


# What it sets.


def test_what_a_file_says_holds_for_a_terminal_and_not_for_a_pipe_or_a_file(
    file: Path, tmp_path: Path, open_terminal: Callable[..., Terminal]
) -> None:
    plain = ask("")
    assert plain.returncode == 0
    assert (ask(file).stdout, ask(file).stderr) == (plain.stdout, plain.stderr)
    terminal = open_terminal(SQL, SQLPORTS_CONFIG=str(file))
    assert terminal.expect("a,b\r\n1,[^\r]*\r\n").endswith("1,\r\n")
    assert terminal.end() == 0
    kept = tmp_path / "kept"
    terminal = open_terminal("-o", str(kept), SQL, SQLPORTS_CONFIG=str(file))
    assert terminal.end() == 0
    assert kept.read_text() == plain.stdout


def test_an_option_wins_over_the_file(file: Path, open_terminal: Callable[..., Terminal]) -> None:
    terminal = open_terminal("--jsonl", SQL, SQLPORTS_CONFIG=str(file))
    terminal.expect('{"a": 1, "b": null}')
    assert terminal.end() == 0


def test_the_prompt_has_the_settings_of_the_file(file: Path, state: Path, open_terminal: Callable[..., Terminal]) -> None:
    file.write_text('null = "nothing"\nhistory = false\n')
    terminal = open_terminal(SQLPORTS_CONFIG=str(file))
    terminal.prompt()
    assert "nothing" in terminal.run("SELECT NULL;")
    terminal.send("\x04")
    assert terminal.end() == 0
    assert not (state / "sqlports").exists()


def test_where_nobody_says_otherwise_it_is_below_the_home(tmp_path: Path, file: Path) -> None:
    below = tmp_path / "home" / ".config" / "sqlports"
    below.mkdir(parents=True)
    (below / "config.toml").write_text("rows = no")
    environment = {key: value for key, value in os.environ.items() if key not in ("XDG_CONFIG_HOME", "SQLPORTS_CONFIG")}
    told = command(SQL, env={**environment, "HOME": str(tmp_path / "home")})
    assert told.returncode == 0
    assert f"{below}/config.toml:1: rows: " in told.stderr
    told = command(SQL, env={**environment, "HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": str(tmp_path)})
    assert told.returncode == 0


def test_a_time_limit_of_the_file_ends_no_script(tmp_path: Path, open_terminal: Callable[..., Terminal]) -> None:
    path = tmp_path / "config.toml"
    path.write_text("timeout = 0.05")
    count = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {}) SELECT count(*) FROM c"
    assert ask(path, count.format(300_000)).returncode == 0
    terminal = open_terminal(count.format(10**12), SQLPORTS_CONFIG=str(path))
    assert terminal.end() == 4


# What is wrong.


def test_all_faults_are_told_at_once_with_file_line_and_key(tmp_path: Path, open_terminal: Callable[..., Terminal]) -> None:
    path = tmp_path / "config.toml"
    path.write_text(
        "# rows = no\n"
        'null = "\\"" # mode = 1\n'
        '"rows" = -3\n'
        "\n"
        "mode = 'tabel'\n"
        'colr = "auto"\n'
        "types = [\n  1, # ]\n"
        '  "]",\n]\n'
        "timer 40\n"
        "timeout = 1 2\n"
        "prompt.colour = 1\n"
        "[sqlports]\n"
        'keys = "vi"\n'
    )
    told = ask(path)
    assert (told.returncode, told.stdout) == (2, "")
    lines = told.stderr.removeprefix("sqlports: ").splitlines()
    assert [line.split(" ")[:2] for line in lines] == [
        [f"{path}:{line}:", f"{key}:"]
        for line, key in zip(
            (3, 5, 6, 7, 11, 12, 13, 14),
            ("rows", "mode", "colr", "types", "timer", "timeout", "prompt", "sqlports"),
            strict=True,
        )
    ]
    assert "did you mean table?" in lines[1]
    assert "did you mean colour?" in lines[2]
    terminal = open_terminal(SQLPORTS_CONFIG=str(path), columns=200)
    assert terminal.end() == 2
    assert f"{path}:14: sqlports: " in terminal.shows("14: sqlports")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("rows = 'many'", "F:1: rows: takes a whole number from 0 to 1,000,000,000, not a text ('many')"),
        ("\n\nrows = true", "F:3: rows: takes a whole number from 0 to 1,000,000,000, not true or false (True)"),
        ("rows = 4.0", "F:1: rows: takes a whole number"),
        ("rows = 1979-05-27", "F:1: rows: takes a whole number from 0 to 1,000,000,000, not a time"),
        ("rows = 99999999999999999999", "F:1: rows: takes a whole number from 0"),
        ("timeout = nan", "F:1: timeout: takes a number from 0 to 1,000,000,000, not nan"),
        ("timeout = -inf", "F:1: timeout: takes a number"),
        ("types = 1", "F:1: types: takes true or false, not a whole number (1)"),
        ("colour = 'Always'", "F:1: colour: takes one of auto, always, never, not 'Always' (did you mean always?)"),
        ("[[rows]]", "F:1: rows: takes a whole number from 0 to 1,000,000,000, not a list"),
        ("x.y = '''\na = 1\n'''\n'rows' = ''", "F:4: rows: takes a whole number"),
        ("null = '''\n[x]\n'''\r\nkeys = 1", "F:4: keys: takes one of emacs, vi, not a whole number (1)"),
        ('pager = "\\u001b[2J"', "F:1: pager: has a control character in it, '\\x1b[2J'"),
        ("rows = 1\n\nrows = 2", "F:3: rows: cannot overwrite a value"),
        ('\nnull = """\nrows = 3\n', "F:2: null: unterminated string"),
        ("\n\ntypes = [1,\n 2", "F:3: types: unclosed array"),
        ("x = " + "[" * 10_000, "F:1: it is beyond what can be read as TOML"),
        ("rows = " + "1" * 10_000, "F:1: it is beyond what can be read as TOML"),
        (b"mode = 'csv'\nnull = '\xff'", "F:2: it is not UTF-8"),
        ('"a\\nb\\u001b" = 1', "F:1: a\\nb\\x1b: no such setting"),
        ("= 1", "F:1: invalid"),
        ("mode = 'parquet'", "F:1: mode: parquet is nothing for a terminal"),
    ],
)
def test_a_fault_is_told_with_its_line_and_key(text: str | bytes, told: str) -> None:
    assert any(line.startswith(told) for line in faults(text)), faults(text)


@pytest.mark.parametrize(
    "text",
    ["", "\ufeff# nothing\n", "rows = 0", "timeout = 3", "timeout = 0.5", "'mode' = \"json\"", "null = ''", "rows = 0x10"],
)
def test_what_is_right_is_taken(text: str) -> None:
    assert faults(text) == []


def test_a_long_wrong_file_is_told_in_a_few_lines_and_at_once() -> None:
    assert 0 < len(faults("key = 1\n" * 8000)) <= 20
    assert 0 < len(faults('null = """\n' + "'\n" * 30_000)) <= 20
    assert len(faults("null = '''\n" + "x = [\n" * 9000 + "'''\nrows = 'x'")) == 2


# What is no such file.


def test_a_named_file_that_cannot_be_used_ends_the_command(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"#" * 70_000)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "socket"))
    for name in ("missing", "pipe", "large", "socket", ".", "large/below"):
        told = ask(tmp_path / name)
        assert (told.returncode, told.stdout) == (2, ""), name
        assert str(tmp_path / name) in told.stderr
        assert len(told.stderr.splitlines()) == 1
    assert ask("/dev/zero").returncode == 2
    listening.close()


def test_a_file_with_faults_that_nobody_named_ends_no_pipe_and_no_file_but_a_terminal(tmp_path: Path, state: Path) -> None:
    below = tmp_path / "sqlports"
    below.mkdir()
    path = below / "config.toml"
    path.write_text('mode = "csv"\nrows = "many"\nhue = 1\n')
    out = tmp_path / "out"
    for arguments in ((SQL, "--jsonl"), (SQL, "--jsonl", "-o", str(out)), ("run", "zombies", "--json")):
        done = ask(None, *arguments, XDG_CONFIG_HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert done.stderr.startswith(f"sqlports: {path}:2: rows: takes")
        assert done.stderr.count("\n") == 3
        assert f"{path}:3: hue: no such setting" in done.stderr
    assert out.read_text() == '{"a": 1, "b": null}\n'
    assert ask(None, SQL, XDG_CONFIG_HOME=str(tmp_path)).stdout == command(SQL).stdout
    assert ask(None, "config", XDG_CONFIG_HOME=str(tmp_path)).returncode == 2
    assert ask(path).returncode == 2
    assert "rows: takes" in in_terminal(200, SQL, status=2, XDG_CONFIG_HOME=str(tmp_path))
    assert "rows: takes" in in_terminal(200, status=2, XDG_CONFIG_HOME=str(tmp_path))


def test_an_empty_name_and_the_null_device_mean_no_file(tmp_path: Path) -> None:
    below = tmp_path / "sqlports"
    below.mkdir()
    (below / "config.toml").write_text("rows = no")
    for name in ("", os.devnull):
        assert ask(name, XDG_CONFIG_HOME=str(tmp_path)).returncode == 0


def test_a_file_that_nobody_named_and_that_may_not_be_read_is_told_and_left(tmp_path: Path) -> None:
    below = tmp_path / "sqlports"
    below.mkdir()
    (below / "config.toml").symlink_to("config.toml")
    told = ask(None, XDG_CONFIG_HOME=str(tmp_path))
    assert told.returncode == 0
    assert told.stderr == f"sqlports: {below}/config.toml is not used: Too many levels of symbolic links\n"


@pytest.mark.root
def test_root_uses_no_file_that_another_user_could_write(tmp_path: Path) -> None:
    below = tmp_path / "sqlports"
    below.mkdir()
    path = below / "config.toml"
    path.write_text("rows = 'secret'")
    for prepare in (
        lambda: os.chown(path, 12345, 0),
        lambda: (os.chown(path, 0, 0), path.chmod(0o666)),
        lambda: path.chmod(0o620),
        lambda: (path.chmod(0o600), os.chown(below, 12345, 0)),
    ):
        prepare()
        told = ask(None, XDG_CONFIG_HOME=str(tmp_path))
        assert told.returncode == 0
        assert f"{path} is not used: " in told.stderr
        assert "secret" not in told.stderr
        assert ask(path).returncode == 2
    os.chown(below, 0, 0)
    assert "secret" in ask(path).stderr


@pytest.mark.root
def test_a_link_in_anothers_home_does_not_make_root_tell_what_only_root_may_read(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("root:password\n")
    (home / "sqlports").mkdir()
    (home / "sqlports" / "config.toml").symlink_to(secret)
    os.chown(home / "sqlports", 12345, 12345)
    os.chown(home, 12345, 12345)
    assert "password" not in ask(None, XDG_CONFIG_HOME=str(home)).stderr


@pytest.mark.root
def test_a_user_who_is_not_root_may_let_others_write_the_file() -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)
        path = f"{place}/config.toml"
        Path(path).write_text("rows = 3")
        os.chmod(path, 0o666)
        assert as_nobody(lambda: config._read(path).decode()) == "rows = 3"


# What is told of it.


def test_every_setting_has_a_doc_and_its_own_default_is_one_that_it_takes() -> None:
    for known in fields(Settings):
        assert known.metadata["doc"].endswith(".")
        assert fault(known.name, known.default) is None
        assert takes(known)


def test_config_tells_each_setting_its_value_and_where_it_is_from(file: Path) -> None:
    told = json.loads(ask(file, "config", "--json", "--units", NO_COLOR="1", PAGER="more").stdout)
    found = {row["setting"]: (row["value"], row["origin"]) for row in told}
    assert list(found) == [known.name for known in fields(Settings)]
    assert found["mode"] == ("csv", f"{file}:1")
    assert found["null"] == ("-", f"{file}:2")
    assert found["units"] == ("true", "--units")
    assert found["colour"] == ("never", "NO_COLOR")
    assert found["pager"] == ("more", "PAGER")
    assert found["keys"] == ("emacs", "default")
    assert all(row["doc"] for row in told)


def test_config_says_where_a_file_would_be(tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "SQLPORTS_CONFIG"}
    told = command("config", env={**environment, "XDG_CONFIG_HOME": str(tmp_path)})
    assert told.returncode == 0
    assert f"{tmp_path}/sqlports/config.toml" in told.stderr
    assert command("config", "wrong").returncode == 2


def test_the_example_is_a_file_that_changes_nothing_and_names_every_setting(file: Path) -> None:
    file.write_text("broken")
    text = ask(file, "config", "example").stdout
    assert config.read(text.encode(), "F").settings == Settings()
    uncommented = "\n".join(line.removeprefix("#") for line in text.splitlines() if line[:2] not in ("# ", "#"))
    found = config.read(uncommented.encode(), "F")
    assert list(found.values) == [known.name for known in fields(Settings)]
    assert found.settings == Settings()
    assert all(len(line) <= 100 for line in text.splitlines())


def test_every_setting_and_variable_is_in_the_documentation() -> None:
    pages = (Path(__file__).parents[1] / "docs").rglob("*.md")
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    for known in fields(Settings):
        # As `sqlports config example` has them.
        assert re.search(rf"^\| `{known.name}` \| `{re.escape(json.dumps(known.default))}` \|", text, re.MULTILINE), known.name
    for names, _ in ENVIRONMENT:
        assert f"`{names.split(',')[0]}`" in text


def test_without_a_file_nothing_of_it_is_imported() -> None:
    code = (
        "import sys, io; from sqlports.cli import run; assert run(['SELECT 1']) == 0;"
        "print([name for name in ('tomllib', 'dataclasses', 'sqlports.settings') if name in sys.modules], file=sys.stderr)"
    )
    environment = {**os.environ, "SQLPORTS_CONFIG": ""}
    told = subprocess.run([*RUN[:2], "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert told.stderr == "[]\n"


# Colours.


def test_colours_are_for_terminals_that_have_them_and_for_who_wants_them(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    with open(slave, "w") as terminal, open(os.devnull, "w") as nothing:
        assert [colour.wanted(setting, terminal) for setting in ("auto", "always", "never")] == [True, True, False]
        assert [colour.wanted("always", stream) for stream in (nothing, None)] == [False, False]
        for dumb in ("dumb", "unknown", ""):
            monkeypatch.setenv("TERM", dumb)
            assert [colour.wanted(setting, terminal) for setting in ("auto", "always")] == [False, True]
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("NO_COLOR", "")
        assert colour.wanted("auto", terminal)
        monkeypatch.setenv("NO_COLOR", "1")
        assert not colour.wanted("always", terminal)
    assert not colour.wanted("always", terminal)
    os.close(master)
