"""osqueryi's formats, byte for byte as osquery 5 writes them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import RUN

ROW = "SELECT 1 AS a, 'x y' AS b, NULL AS c"
TWO = f"{ROW} UNION ALL SELECT 2.5, 'é\"', ''"


def osqueryi(*arguments: str, data: bytes | None = None) -> bytes:
    """What is written on standard output."""
    given: dict[str, Any] = {"input": data} if data is not None else {"stdin": subprocess.DEVNULL}
    return subprocess.run([*RUN, "osqueryi", *arguments], capture_output=True, timeout=120, check=False, **given).stdout


@pytest.mark.parametrize(
    ("arguments", "sql", "written"),
    [
        ((), ROW, "+---+-----+---+\n| a | b   | c |\n+---+-----+---+\n| 1 | x y |   |\n+---+-----+---+\n"),
        (("--json",), "select 0", '[\n  {"0":"0"}\n]\n'),
        (("--json",), TWO, '[\n  {"a":"1","b":"x y","c":""},\n  {"a":"2.5","b":"é\\"","c":""}\n]\n'),
        (
            ("--json_pretty",),
            TWO,
            '[\n  {\n    "a": "1",\n    "b": "x y",\n    "c": ""\n  },\n'
            '  {\n    "a": "2.5",\n    "b": "é\\"",\n    "c": ""\n  }\n]\n',
        ),
        (("--line",), TWO, '    a = 1\n    b = x y\n    c = \n\n    a = 2.5\n    b = é"\n    c = \n'),
        (("--line",), "SELECT 1 AS longer_name, 2 AS b", "longer_name = 1\n          b = 2\n"),
        (("--list",), TWO, 'a|b|c\n1|x y|\n2.5|é"|\n'),
        (("--csv",), TWO, 'a|b|c\n1|"x y"|\n2.5|"é"""|""\n'),
        (("--csv", "--separator", ","), "SELECT 'a,b' AS x, 'c|d' AS y", 'x,y\n"a,b",c|d\n'),
        (("--csv", "--separator=||"), "SELECT '||a' AS x, 'b||c' AS y", 'x||y\n"||a"||b||c\n'),
        (("--csv", "--header=false"), ROW, '1|"x y"|\n'),
        (("--list", "--noheader"), ROW, "1|x y|\n"),
        (("--list", "--separator", "\t", "--nullvalue", "-"), ROW, "a\tb\tc\n1\tx y\t-\n"),
        (
            ("--nullvalue", "NULL"),
            ROW,
            "+---+-----+------+\n| a | b   | c    |\n+---+-----+------+\n| 1 | x y | NULL |\n+---+-----+------+\n",
        ),
        (("--json", "--nullvalue", "NULL"), ROW, '[\n  {"a":"1","b":"x y","c":"NULL"}\n]\n'),
    ],
)
def test_a_result_is_written_as_osqueryi_writes_it(arguments: tuple[str, ...], sql: str, written: str) -> None:
    assert osqueryi(*arguments, sql).decode() == written


@pytest.mark.parametrize(
    ("flag", "written"),
    [
        ("--json", "[\n\n]\n"),
        ("--json_pretty", "[]\n"),
        ("--csv", ""),
        ("--list", ""),
        ("--line", ""),
        ("--pretty_is_usual", ""),
    ],
)
def test_no_rows(flag: str, written: str) -> None:
    arguments = () if flag == "--pretty_is_usual" else (flag,)
    assert osqueryi(*arguments, "SELECT 1 AS a WHERE 0").decode() == written


def test_keys_are_sorted_by_their_bytes_and_the_last_of_one_name_counts() -> None:
    assert (
        osqueryi("--json", "SELECT 1 AS b, 2 AS a, 3 AS B, 4 AS b, 5 AS é")
        == '[\n  {"B":"3","a":"2","b":"4","é":"5"}\n]\n'.encode()
    )
    assert osqueryi("SELECT 1 AS b, 22 AS b") == b"+----+----+\n| b  | b  |\n+----+----+\n| 22 | 22 |\n+----+----+\n"


def test_width_counts_code_points() -> None:
    table = "+------+\n| é    |\n+------+\n| ああ |\n| e\u0301 x |\n+------+\n".replace("| ああ |", "| ああ   |")
    assert osqueryi("SELECT 'ああ' AS é UNION ALL SELECT 'e\u0301 x'").decode() == table


def test_json_is_escaped_as_rapidjson_does_it() -> None:
    sql = "SELECT char(1, 31, 8, 9, 10, 12, 13, 34, 92, 47, 127, 233, 8232) AS a"
    written = osqueryi("--json", sql).decode()
    assert written == '[\n  {"a":"\\u0001\\u001F\\b\\t\\n\\f\\r\\"\\\\/\x7fé\u2028"}\n]\n'
    assert json.loads(written) == [{"a": '\x01\x1f\b\t\n\f\r"\\/\x7fé\u2028'}]


def test_numbers_are_those_of_osquerys_sqlite() -> None:
    sql = "SELECT 1.0, 2.0/3, 1e20, 1e-5, 123456789012345.0, 9223372036854775807, 1e999, 0.1"
    assert (
        osqueryi("--list", "--header=0", sql)
        == b"1.0|0.666666666666667|1.0e+20|1.0e-05|123456789012345.0|9223372036854775807|Inf|0.1\n"
    )


def test_a_blob_is_its_bytes_up_to_a_nul() -> None:
    assert osqueryi("--list", "--header=0", "SELECT x'ff41', x'410042', 'a' || char(0) || 'b'") == b"\xffA|A|a\n"


def test_several_statements_are_one_table_and_several_lists() -> None:
    assert osqueryi("--json", "SELECT 1 AS a; SELECT 2 AS a, 3 AS b") == b'[\n  {"a":"1"},\n  {"a":"2","b":"3"}\n]\n'
    assert osqueryi("SELECT 1 AS a; SELECT 2 AS b") == b"+---+\n| a |\n+---+\n| 1 |\n|   |\n+---+\n"
    assert osqueryi("--list", "SELECT 1 AS a; SELECT 2 AS b") == b"a\n1\nb\n2\n"
    assert osqueryi("--line", "SELECT 1 AS a; SELECT 2 AS b") == b"    a = 1\n    b = 2\n"


def test_columns_have_the_width_of_the_name_the_first_row_or_the_one_that_is_set() -> None:
    script = b".mode column\nSELECT 'abcdefghijklm' AS a, 2 AS b UNION ALL SELECT 'abcdefghijklmnop', 3;\n"
    script += b".width 3 -5\nSELECT 'abcdef' AS a, 2 AS b, 1 AS c;\n"
    assert osqueryi(data=script).decode().splitlines() == [
        "a              b         ",
        "-------------  ----------",
        "abcdefghijklm  2         ",
        "abcdefghijklm  3         ",
        "a        b  c         ",
        "---  -----  ----------",
        "abc      2  1         ",
    ]


def test_output_goes_to_a_file_that_is_written_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert osqueryi("--json", "--output", str(path), "SELECT 1 AS a") == b""
    assert path.read_bytes() == b'[\n  {"a":"1"}\n]\n'
    assert osqueryi("--json", "--output=-", "SELECT 1 AS a") == b'[\n  {"a":"1"}\n]\n'
