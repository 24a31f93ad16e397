"""What the command writes: its modes, files, pipes and terminals."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
from itertools import pairwise
from pathlib import Path

import pytest

from .conftest import HOSTILE, RUN, UNSAFE, command
from .written import in_terminal, values

SAMPLE = "SELECT 1 AS a, 'x y' AS b, NULL AS c, 2.5 AS a, '' AS d UNION ALL SELECT -2, 'é|\"', 3, 1e300, 'z'"


def test_table() -> None:
    assert values("table", SAMPLE).splitlines() == [
        " a  b       c       a  d",
        "--  ---  ----  ------  -",
        " 1  x y  NULL     2.5",
        '-2  é|"     3  1e+300  z',
    ]


def test_json_has_numbers_nulls_and_both_columns_of_one_name() -> None:
    assert json.loads(values("json", SAMPLE)) == [
        {"a": 1, "b": "x y", "c": None, "a:1": 2.5, "d": ""},
        {"a": -2, "b": 'é|"', "c": 3, "a:1": 1e300, "d": "z"},
    ]


def test_json_and_jsonl_of_nothing() -> None:
    assert values("json", "SELECT 1 WHERE 0") == "[]\n"
    assert values("jsonl", "SELECT 1 WHERE 0") == ""


def test_jsonl_is_a_line_a_row() -> None:
    lines = values("jsonl", f"SELECT {HOSTILE} AS v, 9223372036854775807 AS n UNION ALL SELECT 'b', 9e999").splitlines()
    assert len(lines) == 2
    assert json.loads(lines[0]) == {"v": "\x1b[31mred\n\x9bx\u202e|\t\\", "n": 9223372036854775807}
    assert json.loads(lines[1])["n"] == float("inf")


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 1500])
def test_rows_are_whole_however_many(count: int) -> None:
    sql = f"WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n, '}}{{' AS t FROM c LIMIT {count}"
    assert json.loads(values("json", sql)) == [{"n": n, "t": "}{"} for n in range(1, count + 1)]
    assert len(values("csv", sql).splitlines()) == count + 1


def test_csv_is_read_back_equal_and_has_its_header_always() -> None:
    rows = list(csv.reader(io.StringIO(values("csv", f"SELECT {HOSTILE} AS v, 'a,\"b\"' AS v, NULL AS n"), newline="")))
    assert rows == [["v", "v", "n"], ["\x1b[31mred\n\x9bx\u202e|\t\\", 'a,"b"', ""]]
    assert values("csv", "SELECT 1 AS a, 2 AS b WHERE 0") == "a,b\n"


def test_tsv_is_a_line_a_row() -> None:
    assert values("tsv", f"SELECT {HOSTILE} AS v, NULL AS n, 1 AS o").splitlines() == [
        "v\tn\to",
        "\\x1b[31mred\\n\\x9bx\\u202e|\\t\\\\\t\t1",
    ]


def test_line() -> None:
    assert values("line", "SELECT 1 AS a, NULL AS long UNION ALL SELECT 2, 'x'") == (
        "   a = 1\nlong = NULL\n\n   a = 2\nlong = x\n"
    )


def test_markdown_escapes_what_would_be_markup() -> None:
    assert "a\\|b\\<i\\>" not in values("markdown", "SELECT 'a|b<i>' AS v")
    assert "| a\\|b\\<i> |" in values("markdown", "SELECT 'a|b<i>' AS v")


@pytest.mark.parametrize("mode", ["table", "json", "jsonl", "tsv", "markdown", "line", "vertical", "chart", "insert"])
def test_no_control_character_of_a_value_is_written(mode: str) -> None:
    text = values(mode, f"SELECT {HOSTILE} AS v, {HOSTILE} AS w, 1 AS n")
    assert not UNSAFE.search(text.replace("\t", "") if mode == "tsv" else text)


def test_a_blob_is_written_as_sql_has_it() -> None:
    assert json.loads(values("json", "SELECT x'00ff' AS b")) == [{"b": "x'00ff'"}]


def test_a_huge_value_is_not_cut_and_not_padded_to() -> None:
    sql = "SELECT printf('%.*c', 2000000, 'x') AS big, 1 AS n UNION ALL SELECT 'y', 2"
    done = command(sql)
    assert (len(done.stdout) < 2_100_000, done.stdout.count("x")) == (True, 2_000_000)
    assert "written as lines" in done.stderr


def test_output_goes_to_a_file_that_a_failing_query_leaves_alone(tmp_path: Path) -> None:
    path = tmp_path / "out"
    assert command("--json", "-o", str(path), "SELECT 1 AS a").stdout == ""
    assert path.read_text() == '[{"a": 1}]\n'
    assert command("--json", "-o", str(path), "SELEC").returncode == 1
    assert path.read_text() == '[{"a": 1}]\n'


def test_a_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "out"
    link = tmp_path / "link"
    path.write_text("before")
    path.chmod(0o640)
    link.symlink_to(path)
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
    assert command("--json", "-o", str(link), "--timeout", "0.3", sql).returncode == 4
    assert path.read_text() == "before"
    assert command("--json", "-o", str(link), "SELECT 1 AS a").returncode == 0
    assert (path.read_text(), path.stat().st_mode & 0o777, link.is_symlink()) == ('[{"a": 1}]\n', 0o640, True)
    assert sorted(os.listdir(tmp_path)) == ["link", "out"]


def test_a_file_is_made_though_nothing_is_in_it(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("stale")
    assert command("--jsonl", "-o", str(path), "SELECT 1 WHERE 0").returncode == 0
    assert path.read_text() == ""


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_by_name_goes_on_where_others_wrote(name: str, tmp_path: Path) -> None:
    script = f'(echo head; "$@" --jsonl "SELECT 1 AS a" -o {name}; echo tail) > out'
    subprocess.run(["sh", "-c", script, "sh", *RUN], check=True, cwd=tmp_path)
    assert (tmp_path / "out").read_text() == 'head\n{"a": 1}\ntail\n'


def test_a_kill_leaves_nothing_of_an_unfinished_file(tmp_path: Path) -> None:
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
    process = subprocess.Popen([*RUN, "--jsonl", "-o", "out", sql], cwd=tmp_path)
    while not os.listdir(tmp_path):
        assert process.poll() is None
        time.sleep(0.01)
    process.terminate()
    assert process.wait(60) == -signal.SIGTERM
    assert os.listdir(tmp_path) == []


def test_a_slow_reader_of_a_pipe_that_does_not_block_gets_all() -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 50000) SELECT n FROM c"
    process = subprocess.Popen([*RUN, "--jsonl", sql], stdout=writer)
    os.close(writer)
    time.sleep(0.3)
    with open(reader, "rb") as file:
        assert len(file.read().splitlines()) == 50000
    assert process.wait(60) == 0


@pytest.mark.parametrize("columns", [20, 40, 80])
def test_a_table_fits_the_terminal_and_says_what_was_cut(columns: int) -> None:
    sql = "SELECT 1234 AS pid, printf('%.*c', 1000, 'x') AS long, '日本日本日本日本日本日本日本日本日本日本' AS wide"
    text = in_terminal(columns, sql)
    table, _, said = text.partition("sqlports: ")
    assert re.search(r"(1 value is|2 values are) cut to fit the terminal", " ".join(said.split()))
    from prompt_toolkit.utils import get_cwidth

    assert max(map(get_cwidth, table.splitlines())) <= columns
    assert "1234" in table


@pytest.mark.linux
def test_a_file_of_several_names_keeps_them_and_on_a_full_disk_what_is_in_it(tmp_path: Path) -> None:
    path, other = tmp_path / "out", tmp_path / "other"
    path.write_text("before" * 5000)
    other.hardlink_to(path)
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 9000) SELECT n FROM c"
    shell = 'ulimit -f 40; exec "$@"'
    done = subprocess.run(["sh", "-c", shell, "sh", *RUN, "--jsonl", "-o", path, sql], capture_output=True, check=False)
    assert (done.returncode, b"File too large" in done.stderr) == (1, True)
    assert path.read_text() == "before" * 5000
    for text in ("'" + "x" * 40000 + "'", "1"):
        assert command("--csv", "-o", str(path), f"SELECT {text} AS a").returncode == 0
        assert other.read_text() == f"a\n{text.strip(chr(39))}\n"
    assert sorted(os.listdir(tmp_path)) == ["other", "out"]


def test_a_table_of_no_rows_shows_its_columns() -> None:
    assert values("table", "SELECT 1 AS a, 2 AS bb WHERE 0") == "a  bb\n-  --\n"
    assert in_terminal(80, "SELECT 1 AS a, 2 AS bb WHERE 0") == "a  bb\n─  ──\n"


@pytest.mark.parametrize("end", ["char(13)", "char(10)", "char(13) || char(10)", "char(12)", "char(133)", "char(8232)"])
def test_no_end_of_a_line_in_a_value_ends_a_row_of_csv(end: str) -> None:
    text = values("csv", f"SELECT 'a' || {end} || 'b' AS v, 1 AS n UNION ALL SELECT {end}, 2")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in rows] == [2, 2, 2]
    assert text.endswith(",2\n")


def test_a_terminal_gets_no_control_character_of_a_value_even_as_csv() -> None:
    for mode in ("csv", "table", "line", "json", "vertical", "chart", "insert", "tsv", "markdown"):
        assert not UNSAFE.search(in_terminal(200, "--mode", mode, f"SELECT {HOSTILE} AS v, 1 AS n").replace("\t", ""))
    # There a tab is one, and obeyed as such.
    assert not UNSAFE.search(in_terminal(200, "--html", f"SELECT {HOSTILE} AS v, 1 AS n").replace("\t", ""))


def test_a_table_of_more_rows_than_are_measured_is_whole_and_aligned() -> None:
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT 10500) SELECT n, 'x' || n AS text FROM c"
    lines = values("table", sql).splitlines()
    assert len(lines) == 10502
    assert (lines[2], lines[10001], lines[-1]) == ("    1  x1", "10000  x10000", "10500  x10500")
    lines = values("markdown", sql).splitlines()
    assert (len(lines), lines[-1]) == (10502, "| 10500 | x10500 |")


@pytest.mark.parametrize("mode", ["table", "markdown", "line", "csv", "html", "vertical", "insert"])
def test_endless_rows_come_as_they_are_made(mode: str) -> None:
    sql = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c"
    process = subprocess.Popen([*RUN, "--mode", mode, sql], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    for _ in range(20_000):
        assert process.stdout.readline()
    process.stdout.close()
    assert (process.stderr.read(), process.wait(60)) == (b"", 0)
    process.stderr.close()


@pytest.mark.parametrize("columns", [20, 40, 60])
def test_a_caret_stands_below_its_place_on_a_narrow_terminal(columns: int) -> None:
    said = in_terminal(
        columns, "SELECT pid, name, parent, uid, state FROM processes WHERE threadss > 100 AND pid > 1 ORDER BY pid", status=1
    )
    line, caret = next((line, caret) for line, caret in pairwise(said.splitlines()) if line.startswith("line 1: "))
    assert len(line) <= columns
    assert line[caret.index("^") :].startswith("threadss"[: columns - caret.index("^") - 1])
    assert caret.strip() == "^"


def test_a_message_is_broken_between_words() -> None:
    said = in_terminal(40, "SELECT * FROM sockets WHERE state = 'nonsense'")
    lines = said.splitlines()
    assert all(len(line) <= 40 for line in lines)
    assert "state is never 'nonsense'" in " ".join(lines)
