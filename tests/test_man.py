"""The manual page: all that there is, and nothing that a formatter complains of."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest

from sqlports.commands import COMMANDS
from sqlports.commands.man import roff
from sqlports.modes import MODES
from sqlports.options import make_parser
from sqlports.queries import saved
from sqlports.settings import Settings
from sqlports.shell.dots import commands
from tests.conftest import command


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    told = command("man", env={**os.environ, "XDG_CONFIG_HOME": "/nowhere"})
    assert (told.returncode, told.stderr) == (0, "")
    path = tmp_path_factory.mktemp("man") / "sqlports.1"
    path.write_text(told.stdout, encoding="utf-8")
    return path


def formatted(*arguments: str) -> str:
    if not shutil.which(arguments[0]):
        pytest.skip(f"{arguments[0]} is not installed")
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "400", "MAN_KEEP_FORMATTING": "", "GROFF_NO_SGR": "1"}
    told = subprocess.run(arguments, capture_output=True, text=True, encoding="utf-8", env=environment, check=False, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    return re.sub(".\b", "", told.stdout)


@pytest.mark.parametrize("device", ["utf8", "ascii"])
def test_groff_formats_the_page_without_a_warning(page: Path, device: str) -> None:
    text = formatted("groff", "-man", f"-T{device}", "-ww", "-rLL=400n", str(page))
    assert "sqlports [OPTION]... [SQL]..." in text
    assert "--param NAME=VALUE" in text


def test_man_shows_the_page(page: Path) -> None:
    assert "EXIT STATUS" in formatted("man", "--warnings=w", "-l", str(page))


def test_mandoc_finds_no_fault_but_that_a_generated_page_has_no_date(page: Path) -> None:
    if not shutil.which("mandoc"):
        pytest.skip("mandoc is not installed")
    told = subprocess.run(["mandoc", "-Tlint", "-Wwarning", page], capture_output=True, text=True, check=False, timeout=60)
    assert [line for line in told.stdout.splitlines() if "missing date" not in line] == []


def test_everything_that_can_be_asked_set_or_typed_is_in_the_page(page: Path) -> None:
    labels = "\n".join(
        line for line in page.read_text().replace("\\-", "-").replace("\\&", "").splitlines() if line.startswith("\\fB")
    )
    options = {name for action in make_parser()._actions for name in action.option_strings}
    settings = {field.name for field in fields(Settings)}
    shipped = {query.name for query in saved.queries()[0] if not query.own}
    words = {*options, *MODES, *settings, *shipped, *commands(), *(f"sqlports {name}" for name in COMMANDS)}
    assert len(shipped) > 10
    assert {word for word in words if f"\\fB{word}\\fR" not in labels} == set()


@pytest.mark.parametrize("text", [".SH no heading", "'br", "\\fB", "-_`'^~\"\\", "a…é→b", "a\n.b\n'c", "\\n(.H"])
def test_text_is_printed_as_it_is(text: str, tmp_path: Path) -> None:
    path = tmp_path / "page.1"
    path.write_text(f'.TH X 1 "" ""\n.SH NAME\n.nf\n{roff(text)}\n', encoding="utf-8")
    shown = formatted("groff", "-man", "-Tutf8", "-ww", str(path))
    printed = [line.strip() for line in shown.partition("NAME\n")[2].splitlines()]
    assert printed[: text.count("\n") + 1] == text.replace("…", "...").split("\n")


def test_the_page_is_the_same_whoever_asks_and_takes_no_word(page: Path) -> None:
    assert command("man", env={**os.environ, "SQLPORTS_CONFIG": "/no/such/file"}).stdout == page.read_text()
    assert command("man", "ls").returncode == 2
