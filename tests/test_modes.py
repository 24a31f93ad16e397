"""Each mode, to the letter; what a table does with many rows, wide rows, types and colours; and terminals without UTF-8."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from prompt_toolkit.utils import get_cwidth

from sqlports import modes
from sqlports.cells import cut, width, wrapped
from sqlports.modes import Look

from .conftest import HOSTILE, command
from .written import SAMPLE, in_terminal, values

GOLDEN = {
    "table": """\
pid  name                    none     pid  empty, or not  data
---  ----------------------  ----  ------  -------------  -------
  1  a 'b' "c" <d> & |e|, f  NULL     2.5                 x'00ff'
-20  'NULL'                  x     1e+300  é日            x''
""",
    "line": """\
          pid = 1
         name = a 'b' "c" <d> & |e|, f
         none = NULL
          pid = 2.5
empty, or not =\x20
         data = x'00ff'

          pid = -20
         name = 'NULL'
         none = x
          pid = 1e+300
empty, or not = é日
         data = x''
""",
    "vertical": """\
-- 1 -------------------------------------------------------
          pid  1
         name  a 'b' "c" <d> & |e|, f
         none  NULL
          pid  2.5
empty, or not
         data  x'00ff'
-- 2 -------------------------------------------------------
          pid  -20
         name  'NULL'
         none  x
          pid  1e+300
empty, or not  é日
         data  x''
""",
    "json": """\
[{"pid": 1, "name": "a 'b' \\"c\\" <d> & |e|, f", "none": null, "pid:1": 2.5, "empty, or not": "", "data": "x'00ff'"},
 {"pid": -20, "name": "NULL", "none": "x", "pid:1": 1e+300, "empty, or not": "é日", "data": "x''"}]
""",
    "jsonl": """\
{"pid": 1, "name": "a 'b' \\"c\\" <d> & |e|, f", "none": null, "pid:1": 2.5, "empty, or not": "", "data": "x'00ff'"}
{"pid": -20, "name": "NULL", "none": "x", "pid:1": 1e+300, "empty, or not": "é日", "data": "x''"}
""",
    "csv": """\
pid,name,none,pid,"empty, or not",data
1,"a 'b' ""c"" <d> & |e|, f",,2.5,,x'00ff'
-20,NULL,x,1e+300,é日,x''
""",
    "tsv": """\
pid\tname\tnone\tpid\tempty, or not\tdata
1\ta 'b' "c" <d> & |e|, f\t\t2.5\t\tx'00ff'
-20\tNULL\tx\t1e+300\té日\tx''
""",
    "markdown": """\
|   pid | name                      | none   |    pid | empty, or not   | data    |
|------:|:--------------------------|:-------|-------:|:----------------|:--------|
|     1 | a 'b' "c" \\<d> & \\|e\\|, f | NULL   |    2.5 |                 | x'00ff' |
|   -20 | 'NULL'                    | x      | 1e+300 | é日             | x''     |
""",
    "insert": """\
BEGIN;
CREATE TABLE IF NOT EXISTS "result"("pid", "name", "none", "pid:1", "empty, or not", "data");
INSERT INTO "result"("pid", "name", "none", "pid:1", "empty, or not", "data") \
VALUES(1, 'a ''b'' "c" <d> & |e|, f', NULL, 2.5, '', x'00ff');
INSERT INTO "result"("pid", "name", "none", "pid:1", "empty, or not", "data") \
VALUES(-20, 'NULL', 'x', 1e+300, 'é日', x'');
COMMIT;
""",
    "html": """\
<table>
<thead>
<tr><th scope="col" class="number">pid</th><th scope="col">name</th><th scope="col">none</th>\
<th scope="col" class="number">pid</th><th scope="col">empty, or not</th><th scope="col">data</th></tr>
</thead>
<tbody>
<tr><td class="number">1</td><td>a &#x27;b&#x27; &quot;c&quot; &lt;d&gt; &amp; |e|, f</td><td class="null">NULL</td>\
<td class="number">2.5</td><td></td><td class="blob">x'00ff'</td></tr>
<tr><td class="number">-20</td><td>NULL</td><td>x</td><td class="number">1e+300</td><td>é日</td><td class="blob">x''</td></tr>
</tbody>
</table>
""",
}


@pytest.mark.parametrize("mode", [mode for mode in modes.MODES if mode not in ("chart", "parquet", "arrow")])
def test_each_mode_to_the_letter(mode: str) -> None:
    text = values(mode, SAMPLE)
    if mode == "html":
        head, text = text.split("</style>\n")
        assert head.startswith('<!DOCTYPE html>\n<html lang="en">\n<meta charset="utf-8">\n<title>')
    assert text == GOLDEN[mode]


BARS = (
    "SELECT 'nginx' AS name, 40 AS count UNION ALL SELECT 'a long name', 21 UNION ALL SELECT 'é', 0 UNION ALL SELECT 'x', NULL"
)


def test_a_chart_of_names_has_a_bar_for_each_in_their_order() -> None:
    assert in_terminal(40, "--chart", BARS).splitlines() == [
        "name         count",
        "nginx          40  █████████████████████",
        "a long name    21  ███████████",
        "é               0",
        "x            NULL",
    ]


def test_bars_have_eighths_of_a_character_and_stand_on_both_sides_of_nothing() -> None:
    sql = "SELECT column1 AS n, column2 AS v FROM (VALUES ('a', 16), ('b', 0.001), ('c', 7.5), ('d', -8), ('e', -1e-9))"
    assert in_terminal(34, "--chart", sql).splitlines() == [
        "n       v",
        "a      16          ███████████████",
        "b   0.001          ▏",
        "c     7.5          ███████",
        "d      -8  ████████",
        "e  -1e-09         █",
    ]


@pytest.mark.parametrize("time", ["1700000000 + 3600 * n", "datetime(1700000000 + 3600 * n, 'unixepoch')"])
def test_a_chart_of_times_has_a_column_for_each(time: str) -> None:
    sql = f"WITH RECURSIVE c(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c LIMIT 9) SELECT {time}, 8 * n AS load FROM c"
    lines = in_terminal(40, "--chart", sql, TZ="UTC").splitlines()
    assert lines[0].split() == ["load"]
    assert [line.split()[-1] for line in lines[1:9]] == ["█" * 4 * n for n in range(1, 8)] + [" ".join(["█" * 32])]
    assert lines[1].startswith("64 ")
    assert lines[8].startswith(" 0     ████")
    assert "2023-11-14 22:13" in lines[9]


def test_more_times_than_fit_are_charted_by_their_means_and_it_says_so() -> None:
    sql = "WITH RECURSIVE c(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c LIMIT 200) SELECT 1700000000 + n, n FROM c"
    text = in_terminal(50, "--chart", sql)
    assert "each column is the mean of 5 rows" in text
    assert max(map(len, text.splitlines()[:-1])) <= 50


@pytest.mark.parametrize("sql", ["SELECT 1 AS a", "SELECT 'x' AS a, 'y' AS b", "SELECT 'x' AS a, NULL AS b"])
def test_what_cannot_be_charted_is_a_table_and_a_sentence_says_what_can(sql: str) -> None:
    done = command("--chart", sql)
    assert done.stdout == values("table", sql)
    assert "a chart needs a name, or a time, and a number in the last column" in done.stderr


COUNT = "WITH RECURSIVE c(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM c LIMIT {}) SELECT n, 'x' || n AS t FROM c"


class Page:
    """An output of this width that keeps its text."""

    def __init__(self, columns: int | None = None, encoding: str = "utf-8") -> None:
        self.columns = columns
        self.encoding = encoding
        self.text = ""
        self.begun = False

    def write(self, text: str) -> None:
        self.text += text
        self.begun = True

    def write_bytes(self, data: bytes) -> None:
        raise AssertionError(data)


def table(rows: Any, look: Look, columns: tuple[str, ...] = ("n",), width: int | None = None) -> list[str]:
    page = Page(width)
    modes.write(columns, rows, "table", page, look)
    return page.text.splitlines()


@pytest.mark.parametrize(
    ("rows", "count", "shown"),
    [
        (5, 5, "1 2 3 4 5"),
        (5, 6, "1 2 3 · 5 6"),
        (4, 100, "1 2 · 99 100"),
        (1, 3, "1 ·"),
        (2, 3, "1 · 3"),
        (1, 1, "1"),
        (4, 0, ""),
    ],
)
def test_of_many_rows_the_first_and_the_last_are_shown(rows: int, count: int, shown: str) -> None:
    page = Page()
    written = modes.write(["n"], ([n] for n in range(1, count + 1)), "table", page, Look(rows=rows))
    assert [line.strip() for line in page.text.splitlines()[2:]] == shown.split()
    assert (written.rows, written.hidden) == (count, max(count - rows, 0))


def test_of_many_rows_that_are_left_out_none_is_kept() -> None:
    alive = 0
    most = 0

    class Cell(str):
        def __new__(cls, text: str) -> Cell:
            nonlocal alive, most
            alive += 1
            most = max(most, alive)
            return super().__new__(cls, text)

        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    written = modes.write(["n"], ([Cell(n)] for n in range(5000)), "table", Page(), Look(rows=10))
    assert (written.rows, written.hidden) == (5000, 4990)
    assert most < 20


def test_rows_on_their_side_are_left_out_too_and_keep_their_numbers() -> None:
    columns = tuple(f"a_rather_long_name_{n}" for n in range(8))
    lines = table([[n] * 8 for n in range(1, 1001)], Look(rows=3), columns, 60)
    rules = [line.split()[1] for line in lines if not line.startswith(" ") and "name" not in line]
    assert rules == ["1", "2", "997", "1,000"]
    assert any(line == "⋯ 997 rows ⋯" for line in lines)


def test_types_stand_under_the_names_and_nothing_under_an_expression() -> None:
    sql = "SELECT pid, name, cpu_percent, pid + 1 AS next FROM processes WHERE pid = 0"
    assert values("table", sql, "--types").splitlines() == [
        "pid  name  cpu_percent  next",
        "int  text  real",
        "---  ----  -----------  ----",
    ]
    assert values("table", "SELECT 1 AS a", "--types") == values("table", "SELECT 1 AS a")
    for mode in ("json", "csv", "html", "insert", "line", "vertical", "markdown"):
        assert values(mode, sql, "--types") == values(mode, sql)


def test_colours_are_for_terminals_and_change_no_letter() -> None:
    sql = "SELECT NULL AS a, 'NULL' AS b"
    coloured = in_terminal(80, sql, NO_COLOR="")
    assert coloured.splitlines()[0] == "\x1b[1ma\x1b[0m     \x1b[1mb\x1b[0m"
    assert coloured.splitlines()[2] == "\x1b[2mNULL\x1b[0m  'NULL'"
    plain = re.sub("\x1b\\[[0-9]*m", "", coloured)
    assert plain == in_terminal(80, sql)
    for mode in ("table", "line", "vertical", "chart"):
        page = Page()
        modes.write(["a", "b"], [[None, 1]], mode, page, Look(colour=True))
        assert "\x1b" not in page.text


@pytest.mark.parametrize("mode", ["json", "jsonl", "csv", "tsv", "markdown", "insert", "html"])
def test_modes_for_programs_know_no_colours_rows_or_units(mode: str) -> None:
    plain, dressed = Page(80), Page(80)
    rows = [[n, None] for n in range(10)]
    modes.write(["a", "b"], rows, mode, plain, Look())
    modes.write(["a", "b"], rows, mode, dressed, Look(types=("INTEGER", ""), units=("bytes", None), rows=2, colour=True))
    assert plain.text == dressed.text


@pytest.mark.parametrize("null", ["NULL", "", "-", "∅"])
def test_null_is_never_the_same_as_a_text(null: str) -> None:
    for mode in ("table", "line", "vertical"):
        page = Page()
        modes.write(["v"], [[None], [null], ["x"]], mode, page, Look(null=null))
        assert f"'{null}'" in page.text
    assert table([[None], [""], ["x"]], Look(null="∅"))[2:] == ["∅", "", "x"]


def test_a_long_column_is_cut_while_all_names_and_most_values_can_be_read() -> None:
    rows = [[n, "server", "/usr/lib/" + "x" * 200, "LISTEN"] for n in range(5)]
    lines = table(rows, Look(), ("pid", "name", "path", "state"), 60)
    assert lines[0].split() == ["pid", "name", "path", "state"]
    assert lines[2].startswith("  0  server  /usr/lib/xxx")
    assert lines[2].endswith("…  LISTEN")
    assert {len(line) for line in lines} <= {59, 60}


def test_a_row_that_cannot_be_read_side_by_side_is_turned() -> None:
    lines = in_terminal(20, "SELECT 1 AS a, 'bbbbb' AS bytes_received, 'c' AS c, '' AS d, NULL AS n").splitlines()
    assert lines == ["── 1 ───────────────", "a", "  1", "bytes_received", "  bbbbb", "c", "  c", "d", "n", "  NULL"]
    lines = in_terminal(32, f"SELECT 1 AS a, '{'x' * 40}' AS bytes_received, 'e' AS congestion_control").splitlines()
    assert lines == [
        "── 1 ───────────────────────────",
        "                 a  1",
        "    bytes_received  xxxxxxxxxxxx",
        "                    xxxxxxxxxxxx",
        "                    xxxxxxxxxxxx",
        "                    xxxx",
        "congestion_control  e",
    ]


def test_a_turned_value_of_a_megabyte_is_cut_and_vertical_has_it_whole() -> None:
    sql = "SELECT printf('%.*c', 1000000, 'x') AS big, 1 AS one_name_of_some_length, 2 AS another_name_of_length, 3 AS third"
    text = in_terminal(60, sql)
    assert 100 < text.count("x") < 1000
    assert "1 value is cut to fit the terminal; --line shows it whole" in " ".join(text.split())
    text = in_terminal(60, "--vertical", sql)
    assert (text.count("x"), "cut" in text) == (1_000_000, False)
    assert max(map(len, text.splitlines())) <= 60


@pytest.mark.parametrize("columns", [1, 2, 5, 10, 20, 33, 80])
@pytest.mark.parametrize("mode", ["table", "vertical", "chart"])
def test_no_line_is_wider_than_the_terminal(mode: str, columns: int) -> None:
    page = Page(columns)
    rows = [[1, "日本語" * 20, None, "e\u0301" * 30, 2.5], [10**15, "x", "", "\x1b" * 9, -7]] * 3
    modes.write(["pid", "名前", "c", "a_long_name_is_this", "n"], rows, mode, page, Look(rows=4, types=["INTEGER"] * 5))
    # In what is narrower than a number there is nothing to be hoped for, but an end.
    assert max(map(get_cwidth, page.text.splitlines())) <= columns or columns < 10


@pytest.mark.parametrize("text", ["abc", "日本", "e\u0301", "😀", "\u1112\u1161\u11ab", "\uff41", "\xad", "a\u200bb", "नमस्ते"])
def test_the_width_of_a_text_is_what_a_terminal_makes_of_it(text: str) -> None:
    assert width(text) == get_cwidth(text)


def test_texts_are_cut_and_wrapped_between_characters() -> None:
    assert [cut("日本語", room) for room in range(7)] == ["", "…", "…", "日…", "日…", "日本…", "日本語"]
    assert wrapped("日本語ab", 5) == ["日本", "語ab"]
    assert wrapped("", 5) == [""]
    # Letters with many marks are cut as if they were wide, and come to an end.
    assert len(cut("e" + "\u0301" * 100_000, 5)) < 100


NOT_UTF8 = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "PYTHONCOERCECLOCALE": "0"}
WIDE = "SELECT 'é日' AS name, printf('%.*c', 100, 'x') AS long, 12 AS count"


def test_without_utf8_all_that_is_drawn_is_ascii_and_stands_in_its_column() -> None:
    text = in_terminal(40, WIDE, **NOT_UTF8).splitlines()
    assert text[:3] == [
        "name        long                   count",
        "----------  ---------------------  -----",
        "\\xe9\\u65e5  xxxxxxxxxxxxxxxxxxxx~     12",
    ]
    bars = in_terminal(40, "--chart", "SELECT 'é' AS name, 4 AS count UNION ALL SELECT 'b', 2", **NOT_UTF8).splitlines()
    assert bars == ["name  count", "\\xe9  4  " + "#" * 31, "b     2  " + "#" * 16]
    times = "WITH RECURSIVE c(n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM c LIMIT 9) SELECT 1700000000 + n, n FROM c"
    for mode, sql in (("table", COUNT.format(3)), ("vertical", WIDE), ("chart", times), ("line", WIDE)):
        text = in_terminal(20, "--mode", mode, sql, **NOT_UTF8)
        assert text.isascii()


def test_html_json_csv_and_insert_are_utf8_whatever_the_terminal() -> None:
    for mode in ("html", "json", "csv", "insert"):
        assert "é日" in in_terminal(80, "--mode", mode, WIDE, **NOT_UTF8)


def test_names_of_columns_are_shown_as_safely_as_values() -> None:
    hostile = "SELECT 1 AS \"a\x1b[31m\nb\u202e\", 'x' AS x, 1 AS n"
    for mode in modes.MODES:
        if mode in ("parquet", "arrow"):
            continue
        text = in_terminal(100, "--mode", mode, hostile)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text), mode


def test_the_types_of_a_users_own_table_are_shown_safely() -> None:
    result = SimpleNamespace(types=("VARCHAR\x1b[2J(5)",), origins=(("t", "a"),))
    page = Page(80)
    modes.write(["a"], [["x"]], "table", page, modes.look_of(result, types=True, units=True))
    assert page.text.splitlines()[1] == "varchar\\x1b[2j(5)"


def test_the_prompts_table_says_how_many_rows_there_are(tmp_path: Path) -> None:
    from sqlports.session import remark

    told: list[str] = []
    remark(modes.write(["n"], ([n] for n in range(16_402)), "table", Page(), Look(rows=40)), told.append)
    assert told == ["16,402 rows (40 shown)"]


def test_hostile_names_are_harmless_where_rows_are_turned() -> None:
    text = in_terminal(20, f"SELECT {HOSTILE} AS v, 1 AS a_long_name_is_this, 2 AS another_long_name")
    assert "\\x1b[31mred" in text.replace("\n  ", "")
    assert "\x1b" not in text
