"""What is written for programs is read back by programs of others with equal values."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, modes

from .conftest import RUN, command
from .written import in_terminal

# Values that writers get wrong, each as SQL; a column for each type, and one for all.
NUMBERS = ["0", "-1", "9223372036854775807", "-9223372036854775808", "NULL"]
FLOATS = ["0.1 + 0.2", "1e300", "-1.5", "9e999", "-9e999", "5e-324", "1e15", "NULL", "2.0"]
TEXTS = [
    "''", "'NULL'", "NULL", "'it''s'", "'\"x\"'", "'a,b;c|d'", "'<b>&amp;</b>'", "' sp '", "'1'", "'x''00'''", "'é日😀'",
    "char(10)", "'a' || char(10) || 'b'", "'a' || char(9)", "'--'", "'/*'", "'$1'", "'\\n'",
]  # fmt: skip
CONTROLS = ["char(13)", "char(13, 10)", "char(27) || '[31m'", "char(0) || 'x'", "char(8238)", "char(127)", "char(155)"]
BLOBS = ["x''", "x'00'", "x'27ff0a'", "NULL"]


def rows_of(*columns: list[str]) -> str:
    longest = max(map(len, columns))
    rows = (", ".join(column[n % len(column)] for column in columns) for n in range(longest))
    return f'SELECT column1 AS n, column2 AS "a ""b""", column3 AS n, column4 AS N FROM (VALUES ({"), (".join(rows)}))'


ALL = rows_of(NUMBERS, FLOATS, [*TEXTS, *CONTROLS], BLOBS)
PRINTABLE = rows_of(NUMBERS, FLOATS, TEXTS, BLOBS)
MIXED = "SELECT column1 AS v FROM (VALUES (1), ('1'), (1.5), (x'31'), (NULL), (''))"


def asked(sql: str) -> list[tuple[Any, ...]]:
    with Engine() as engine:
        return [row for result in engine.run(sql) for row in result]


def output(mode: str, sql: str) -> bytes:
    done = subprocess.run([*RUN, "--mode", mode, sql], capture_output=True, check=True)
    return done.stdout


def as_text(value: Any) -> Any:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else value


def test_json_is_read_back() -> None:
    read = [tuple(row.values()) for row in json.loads(output("json", ALL))]
    assert read == [tuple(map(as_text, row)) for row in asked(ALL)]


def test_csv_is_read_back_as_the_texts_of_its_values() -> None:
    header, *read = csv.reader(io.StringIO(output("csv", ALL).decode(), newline=""))
    assert header == ["n", 'a "b"', "n", "N"]
    assert read == [["" if value is None else str(as_text(value)) for value in row] for row in asked(ALL)]


class Tables(HTMLParser):
    """The cells of a page's tables, with their classes; a tag that is not closed is an error."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: list[list[list[tuple[str | None, str]]]] = []
        self.open: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in ("html", "meta"):
            return
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append((dict(attributes).get("class"), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in ("td", "th"):
            kind, text = self.tables[-1][-1].pop()
            self.tables[-1][-1].append((kind, text + data))


def value_of(kind: str | None, text: str) -> Any:
    if kind == "null":
        return None
    if kind == "number":
        return float(text) if any(mark in text for mark in ".einf") else int(text)
    return bytes.fromhex(text[2:-1]) if kind == "blob" else text


def test_html_is_read_back_and_classes_tell_what_a_value_is() -> None:
    page = Tables()
    page.feed(output("html", f"{PRINTABLE}; SELECT NULL AS a, 'x' AS b").decode())
    page.close()
    assert page.open == []
    (head, *rows), second = page.tables
    assert [text for _, text in head] == ["n", 'a "b"', "n", "N"]
    assert [tuple(value_of(*cell) for cell in row) for row in rows] == asked(PRINTABLE)
    assert second == [[(None, "a"), (None, "b")], [("null", "NULL"), (None, "x")]]


def test_html_is_one_page_however_many_results() -> None:
    text = output("html", "SELECT 1 AS a; SELECT 2 AS b").decode()
    assert (text.count("<!DOCTYPE"), text.count("<style>"), text.count("<table>")) == (1, 1, 2)


def test_controls_are_written_out_in_html_which_has_none() -> None:
    text = output("html", f"SELECT {CONTROLS[2]} AS v, char(13) AS r, char(0) AS z").decode()
    assert "<td>\\x1b[31m</td><td>\\r</td><td>\\x00</td>" in text


def test_inserts_are_read_back_by_sqlite() -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(output("insert", ALL).decode())
    assert list(database.execute("SELECT * FROM result")) == asked(ALL)
    assert [column[0] for column in database.execute("SELECT * FROM result").description] == ["n", 'a "b"', "n:1", "N:2"]


@pytest.mark.skipif(not shutil.which("sqlite3"), reason="needs sqlite3")
def test_inserts_go_through_sqlites_own_shell(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    for _ in range(2):
        subprocess.run(["sqlite3", "-bail", str(path)], input=output("insert", ALL), check=True)
    assert list(sqlite3.connect(path).execute("SELECT * FROM result")) == asked(ALL) * 2


def test_inserts_keep_the_type_of_each_value() -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(output("insert", MIXED).decode())
    read = [row[0] for row in database.execute("SELECT * FROM result")]
    assert [(type(value), value) for value in read] == [(type(row[0]), row[0]) for row in asked(MIXED)]


def test_inserts_are_a_line_each_that_a_terminal_cannot_obey() -> None:
    lines = output("insert", ALL).decode().splitlines()
    assert len(lines) == 3 + len(asked(ALL))
    assert all(line.isprintable() for line in lines)


def test_inserts_fill_a_table_called_as_the_one_that_is_asked() -> None:
    for sql, name in (
        ("SELECT pid, name FROM processes LIMIT 2", "processes"),
        ("SELECT p.pid, u.username FROM processes p JOIN users u USING (uid) LIMIT 2", "result"),
        ("SELECT pid, count(*) AS n FROM (SELECT pid FROM processes LIMIT 3) GROUP BY pid", "processes"),
        ("SELECT count(*) AS n FROM processes", "result"),
        ("SELECT name FROM sqlite_schema UNION ALL SELECT 'x'", "result"),
        ("SELECT value FROM json_each('[1]')", "result"),
    ):
        database = sqlite3.connect(":memory:")
        text = output("insert", sql).decode()
        # Twice, as who asks every hour does.
        database.executescript(text)
        database.executescript(text)
        assert [row[0] for row in database.execute("SELECT name FROM sqlite_schema")] == [name]
        assert database.execute(f"SELECT count(*) % 2 FROM {name}").fetchone() == (0,)


@pytest.mark.parametrize(
    ("sql", "tables"),
    [
        ("SELECT 1 a; SELECT 2 b, 'x' c", {"result": [(1,)], "result:1": [(2, "x")]}),
        ("SELECT 1 a; SELECT 2 b; SELECT 3 A; SELECT 4 b", {"result": [(1,), (3,)], "result:1": [(2,), (4,)]}),
        ("SELECT 1 a, 2 b; SELECT 3 b, 4 a", {"result": [(1, 2), (4, 3)]}),
        ("SELECT 1 a; SELECT 2 a, 3 a; SELECT 4 c", {"result": [(1,)], "result:1": [(2, 3)], "result:2": [(4,)]}),
    ],
)
def test_results_of_other_columns_are_inserted_into_other_tables(sql: str, tables: dict[str, list[Any]]) -> None:
    database = sqlite3.connect(":memory:")
    database.executescript(output("insert", sql).decode())
    names = [row[0] for row in database.execute("SELECT name FROM sqlite_schema")]
    assert {name: database.execute(f'SELECT * FROM "{name}"').fetchall() for name in names} == tables


def test_half_a_result_inserts_nothing() -> None:
    text = output("insert", "SELECT 1 AS a UNION ALL SELECT 2").decode()
    database = sqlite3.connect(":memory:")
    database.executescript(text.removesuffix("COMMIT;\n"))
    database.rollback()
    assert list(database.execute("SELECT name FROM sqlite_schema")) == []


arrow = pytest.importorskip("pyarrow")


def read_arrow(mode: str, data: bytes) -> Any:
    import pyarrow.ipc
    import pyarrow.parquet

    return pyarrow.parquet.read_table(io.BytesIO(data)) if mode == "parquet" else pyarrow.ipc.open_stream(data).read_all()


@pytest.mark.parametrize("mode", ["parquet", "arrow"])
def test_columns_are_read_back_with_their_types(mode: str) -> None:
    table = read_arrow(mode, output(mode, ALL))
    assert table.column_names == ["n", 'a "b"', "n:1", "N"]
    assert [str(kind) for kind in table.schema.types] == ["int64", "double", "string", "binary"]
    assert list(zip(*(column.to_pylist() for column in table.columns), strict=True)) == asked(ALL)


@pytest.mark.parametrize("mode", ["parquet", "arrow"])
def test_a_column_of_several_types_is_text_and_a_remark_says_so(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "out"
    done = command("--mode", mode, "-o", str(path), f"{MIXED[:-1]}, (9223372036854775807))")
    assert done.returncode == 0
    assert done.stderr == "sqlports: written as text, having values of several types: v\n"
    assert read_arrow(mode, path.read_bytes()).to_pydict() == {"v": ["1", "1", "1.5", "x'31'", None, "", str((1 << 63) - 1)]}


def test_integers_among_floats_are_floats_where_they_are_exact() -> None:
    for values, kind, read in (
        ("(1), (0.5), (NULL)", "double", [1.0, 0.5, None]),
        ("(9007199254740993), (0.5)", "string", ["9007199254740993", "0.5"]),
    ):
        done = subprocess.run([*RUN, "--arrow", f"SELECT column1 AS v FROM (VALUES {values})"], capture_output=True, check=True)
        table = read_arrow("arrow", done.stdout)
        assert (str(table.schema.types[0]), table.column("v").to_pylist()) == (kind, read)


def test_columns_without_a_value_have_their_declared_types() -> None:
    sql = "SELECT pid, name, cpu_percent, pid + 1 AS next FROM processes WHERE pid = -5"
    table = read_arrow("arrow", output("arrow", sql))
    assert [str(kind) for kind in table.schema.types] == ["int64", "string", "double", "string"]
    assert table.num_rows == 0


def test_more_rows_than_a_batch_are_all_there_and_a_late_text_is_kept() -> None:
    many = "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT 40000)"
    sql = f"{many} SELECT n, iif(n = 40000, 'x', n) AS m FROM c"
    for mode in ("arrow", "parquet"):
        table = read_arrow(mode, output(mode, sql))
        assert table.column("n").to_pylist() == list(range(1, 40001))
        assert table.column("m").to_pylist()[-2:] == ["39999", "x"]


@pytest.mark.parametrize("mode", ["parquet", "arrow"])
def test_a_terminal_and_a_second_result_are_refused(mode: str, tmp_path: Path) -> None:
    assert in_terminal(200, "--mode", mode, "SELECT 1", status=1) == (
        f"sqlports: {mode} is nothing for a terminal: give it a file (--output FILE, at the prompt .once FILE) or a pipe\n"
    )
    path = tmp_path / "out"
    done = command("--mode", mode, "-o", str(path), "SELECT 1; SELECT 2")
    assert (done.returncode, path.exists()) == (1, False)
    assert f"{mode} holds one result" in done.stderr


@pytest.mark.parametrize("mode", ["parquet", "arrow"])
def test_without_pyarrow_the_remedy_is_said(mode: str) -> None:
    code = "import sys; sys.modules['pyarrow'] = None; from sqlports.cli import main; main(sys.argv[1:])"
    run = [sys.executable, "-P", "-c", code, "--mode", mode, "SELECT 1"]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"sqlports: {mode} needs pyarrow: pip install 'sqlports[arrow]'\n"


def test_every_mode_writes_nothing_of_no_rows_but_what_frames_it(tmp_path: Path) -> None:
    for mode in modes.MODES:
        path = tmp_path / mode
        done = command("--mode", mode, "-o", str(path), "SELECT 1 AS a, 'x' AS b WHERE 0")
        assert (done.returncode, done.stderr) == (0, ""), mode
    assert (tmp_path / "insert").read_text().splitlines()[-1] == "COMMIT;"
    assert (tmp_path / "vertical").read_text() == ""
