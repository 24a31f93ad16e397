"""What Tab does on the command line, in the shells themselves."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlports import registry
from sqlports.commands import COMMANDS
from sqlports.commands.completion import TAKEN, candidates
from sqlports.commands.completion_scripts import SCRIPTS
from sqlports.modes import MODES
from sqlports.options import make_parser
from tests.conftest import RUN, command

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

START = {
    "bash": ["bash", "--norc", "--noprofile", "-i"],
    "zsh": ["zsh", "-f", "-i"],
    "fish": ["fish", "-N", "-i"],
}
BEGIN = {
    "bash": "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source {script}",
    "zsh": "unsetopt beep prompt_sp zle_bracketed_paste; autoload -Uz compinit; compinit -D -u; bindkey -e; source {script}",
    "fish": "source {script}",
}
QUERY = """-- title: A query of this user's own.
-- param: word first|second 'first' Which one.
-- param: pid integer Whose.
SELECT :word, :pid;
"""


class Shell:
    """An interactive shell that has sqlports' completion, in a directory with a few files."""

    def __init__(self, name: str, place: Path) -> None:
        self.name = name
        (place / "bin").mkdir()
        sqlports = place / "bin" / "sqlports"
        sqlports.write_text(f'#!/bin/sh\nexec {" ".join(RUN)} "$@"\n')
        sqlports.chmod(0o755)
        (place / "work" / "somewhere").mkdir(parents=True)
        (place / "work" / "something").touch()
        (place / "work" / "query one.sql").touch()
        queries = place / "config" / "sqlports" / "queries"
        queries.mkdir(parents=True)
        (queries / "my-query.sql").write_text(QUERY)
        script = place / "script"
        script.write_text(SCRIPTS[name])
        environment = {
            **os.environ,
            "PATH": f"{place / 'bin'}:{os.environ['PATH']}",
            "HOME": str(place),
            "XDG_CONFIG_HOME": str(place / "config"),
            "TERM": "xterm",
            "LC_ALL": "C.UTF-8",
        }
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
        self._process = subprocess.Popen(
            START[name],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=place / "work",
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 no thread runs here
        )
        os.close(slave)
        self._seen = ""
        self._send(BEGIN[name].format(script=script) + "; echo rea''dy\r")
        self._wait(r"ready\r?\n")

    def line(self, typed: str) -> str:
        """What stands in the line when Tab was pressed behind this, and typing went on with an underscore."""
        self._seen = ""
        # The line becomes the word that is shown, between marks which what is echoed does not have.
        self._send(typed + "\t_")
        self._send("\x01printf '<%s>' '\x05'@\r")
        return self._wait(r"<([^%\x1b]*?)@>")[1]

    def _send(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def _wait(self, pattern: str) -> re.Match[str]:
        deadline = time.monotonic() + 60
        while True:
            found = re.search(pattern, self._seen)
            if found:
                return found
            ready, _, _ = select.select([self._master], [], [], max(0, deadline - time.monotonic()))
            assert ready, self._seen
            self._seen += os.read(self._master, 65536).decode(errors="replace")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._master)


@pytest.fixture(scope="module", params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    if not shutil.which(request.param):
        pytest.skip(f"{request.param} is not installed")
    started = Shell(request.param, tmp_path_factory.mktemp(request.param))
    yield started
    started.close()


@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("sqlports sche", "sqlports schema "),
        ("sqlports schema port_reg", "sqlports schema port_registry "),
        ("sqlports schema users port_reg", "sqlports schema users port_registry "),
        ("sqlports --mod", "sqlports --mode "),
        ("sqlports --mode htm", "sqlports --mode html "),
        ("sqlports --mode=htm", "sqlports --mode=html "),
        ("sqlports tables --backend por", "sqlports tables --backend portable "),
        ("sqlports run fpo", "sqlports run fport "),
        ("sqlports run my-q", "sqlports run my-query "),
        ("sqlports run my-query --wor", "sqlports run my-query --word "),
        ("sqlports run my-query --word sec", "sqlports run my-query --word second "),
        ("sqlports run my-query -p wor", "sqlports run my-query -p word="),
        ("sqlports --root somew", "sqlports --root somewhere/"),
        ("sqlports --root=somew", "sqlports --root=somewhere/"),
        ("sqlports --root someth", "sqlports --root someth"),
        ("sqlports -f que", "sqlports -f query\\ one.sql "),
        ("sqlports registry upd", "sqlports registry update "),
        ("sqlports completion zs", "sqlports completion zsh "),
        ("sqlports audit reverse-sh", "sqlports audit reverse-shell "),
        ("sqlports audit somew", "sqlports audit somewhere/"),
        ("sqlports audit ./someth", "sqlports audit ./something "),
        ("sqlports audit convert someth", "sqlports audit convert something "),
    ],
)
def test_tab_ends_what_was_begun(shell: Shell, typed: str, line: str) -> None:
    assert shell.line(typed) == line + "_"


def words(*typed: str, shell: str = "fish") -> list[str]:
    """What the command says could stand in the last word's place."""
    told = command("completion", "words", shell, input="".join(f"{word}\0" for word in typed))
    assert (told.returncode, told.stderr) == (0, "")
    return [line.split("\t")[0] for line in told.stdout.splitlines()]


def test_every_option_command_mode_and_table_is_offered() -> None:
    options = {name for action in make_parser()._actions for name in action.option_strings if name.startswith("--")}
    assert set(words("-")) == options
    assert set(words("")) == set(COMMANDS)
    assert set(words("--mode", "")) == set(MODES)
    assert set(words("schema", "")) == {*registry.table_names(), *registry.view_names()}


def test_every_command_that_takes_words_offers_them_or_takes_what_nobody_could_list() -> None:
    free = {"tables", "port", "functions", "explain"}
    assert {name for name, known in COMMANDS.items() if known.argument} <= {*TAKEN, *free}
    assert {*TAKEN} <= {*COMMANDS}


def test_what_is_given_once_is_offered_no_more() -> None:
    assert not {f"--{mode}" for mode in MODES} & set(words("--json", "-"))
    assert "--limit" not in words("--limit", "3", "SELECT 1", "-")
    assert "--param" in words("-p", "a=1", "-")


def test_a_parameter_of_many_audits_is_offered_once() -> None:
    offered = words("audit", "--param", "")
    assert "ports=" in offered
    assert len(offered) == len({*offered})


def test_a_value_is_no_command() -> None:
    assert words("--limit", "") == []
    assert words("-o", "schema", "") == words("")
    assert words("--output=x", "schema", "") == words("schema", "")
    assert words("SELECT 1", "") == []


def test_bash_is_told_what_it_replaces() -> None:
    # It splits a word at the equals sign.
    assert words("--mode", "=", "js", shell="bash") == ["json", "jsonl"]
    assert words("--mode", "=", shell="bash") == list(MODES)
    assert words("--mo", shell="bash") == ["--mode"]


def test_an_unknown_query_and_bad_bytes_are_no_error() -> None:
    assert words("run", "no-such", "-p", "") == []
    told = subprocess.run(
        [*RUN, "completion", "words", "bash"], input=b"\xff\x1b[31m\0", capture_output=True, check=True, timeout=60
    )
    assert (told.stdout, told.stderr) == (b"", b"")
    assert command("completion", "words", "zsh").stdout.startswith("tables\t")


def test_a_broken_configuration_does_not_keep_from_completing(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("no = ")
    environment = {**os.environ, "SQLPORTS_CONFIG": str(tmp_path / "config.toml")}
    assert "schema\t" in command("completion", "words", "fish", input="sch\0", env=environment).stdout


def test_a_script_tells_how_it_is_installed_and_runs_no_file_of_this_directory() -> None:
    for name, text in SCRIPTS.items():
        assert command("completion", name).stdout == text
        assert f"sqlports completion {name} >" in text
        assert "command sqlports completion words" in text


@pytest.mark.parametrize("wrong", [(), ("tcsh",), ("bash", "zsh"), ("words",), ("word", "bash")])
def test_wrong_words_are_refused_with_the_right_ones(wrong: tuple[str, ...]) -> None:
    told = command("completion", *wrong)
    assert (told.returncode, told.stdout) == (2, "")
    assert "bash, zsh or fish" in told.stderr


def test_the_same_is_offered_within_python() -> None:
    assert ("schema", "List the columns of tables and views.") in candidates([""])
