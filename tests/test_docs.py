"""The words are true: examples run, queries of the README run, generated pages are current."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from sqlports import Engine, registry
from sqlports.modes import MODES
from sqlports.options import parse

TREE = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((TREE / "examples").glob("*.sql"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 8


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_opens_with_its_question_and_runs(path: Path, live: Engine) -> None:
    text = path.read_text()
    assert re.match(r"-- [A-Z].*\?", text)
    results = [(result.columns, list(result)) for result in live.run(text, {"pid": os.getpid(), "path": "/usr"})]
    assert results


def test_generated_pages_are_current() -> None:
    generate = runpy.run_path(str(TREE / "docs" / "generate.py"))
    assert generate["stale"]() == []


def sql_blocks(name: str) -> list[str]:
    return re.findall(r"```sql\n(.*?)```", (TREE / name).read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize(
    "name",
    ["README.md", "docs/tables.md", "docs/sockets.md", "docs/handles.md", "docs/fport.md", "docs/files.md", "docs/ports.md"],
)
def test_every_query_that_is_shown_runs(name: str, live: Engine) -> None:
    blocks = sql_blocks(name)
    assert blocks
    for block in blocks:
        live.query(block, {"pid": os.getpid(), "port": 22})


def test_the_readme_shows_ten_queries() -> None:
    assert len(sql_blocks("README.md")) >= 10


def test_every_python_block_of_the_readme_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (TREE / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert blocks
    for block in blocks:
        if "@table" not in block:
            subprocess.run([sys.executable, "-P", "-c", block], check=True, cwd=tmp_path, capture_output=True)


def test_the_readme_names_every_mode_and_exit_status() -> None:
    text = (TREE / "README.md").read_text(encoding="utf-8")
    for mode in MODES:
        assert f"`{mode}`" in text, mode
    assert parse(["--tsv"]).mode == "tsv"


def test_every_table_has_a_live_name_in_the_list() -> None:
    text = (TREE / "README.md").read_text(encoding="utf-8")
    for name in (*registry.table_names(), *registry.view_names()):
        assert f"| `{name}` |" in text


def test_files_are_short() -> None:
    for folder in ("sqlports", "tables", "benchmarks", "docs"):
        for path in (TREE / folder).rglob("*.py"):
            assert len(path.read_text(encoding="utf-8").splitlines()) <= 300, path


@pytest.mark.parametrize("name", registry.view_names())
def test_every_column_of_a_view_is_explained_and_no_other(name: str) -> None:
    [result] = Engine().run(f"SELECT * FROM {name} LIMIT 0")
    assert list(registry.view(name).columns) == list(result.columns)
