"""What the functions of SQL tell of lists and of the parts of paths."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

from sqlports import Engine
from sqlports.about.functions import functions
from sqlports.errors import QueryError
from sqlports.functions import lists


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def told(engine: Engine, call: str, *values: Any) -> Any:
    return engine.query(f"SELECT {call} AS it", values)[0]["it"]


@pytest.mark.parametrize(
    ("value", "words", "is_listed"),
    [
        (5432, "3306, 5432", 1),
        (5432, "3306,54321", 0),
        (5432, "05432", 0),
        (5899, "22,5900-5909", 0),
        (5900, "22,5900-5909", 1),
        (5909, " 22 , 5900-5909 ", 1),
        (5910, "22,5900-5909", 0),
        (5900, "5900-5900", 1),
        (5432, "54*", 1),
        (5432, "55*", 0),
        (-20, "-20", 1),
        (0, "-20-5", 1),
        (5432, "", 0),
        (5432, " , ,", 0),
        (5432, 5432, 1),
        ("5901", "5900-5909", 0),
        ("5900-5909", "5900-5909", 1),
        ("5432", "5432", 1),
        (1.5, "1.5", 1),
        ("postgres", "mysqld,\n postgres", 1),
        ("Postgres", "postgres", 0),
        ("postgres", "postgre", 0),
        ("postgre", "postgres", 0),
        ("", "postgres", 0),
        ("", "", 0),
        ("", ",", 0),
        ("", "*", 1),
        ("a b", "a b, c", 1),
        ("python3.11", "perl*, python*", 1),
        ("ipython3", "perl*, python*", 0),
        ("two\nlines", "two*", 1),
        ("ksh93", "ksh[0-9][^a-z]", 1),
        ("ksh9a", "ksh[0-9][^a-z]", 0),
        ("x'); --", "a', x'); --", 1),
        ('a"b', '"', 0),
        ("a,b", "a,b", 0),
        (b"a", "a", 0),
        (None, "a", None),
        ("a", None, None),
        (None, None, None),
    ],
)
def test_a_value_is_in_a_list_or_not(engine: Engine, value: Any, words: Any, is_listed: int | None) -> None:
    assert told(engine, "listed(?, ?)", value, words) == is_listed


@pytest.mark.parametrize("wrong", ["80 443", "http", "80-", "-", "1-2-3", "90-80", "8O", "\u0663", "\x1b[2J", "9" * 20])
def test_what_is_no_number_in_a_list_of_numbers_is_named(engine: Engine, wrong: str) -> None:
    if "[" not in wrong:
        with pytest.raises(QueryError) as raised:
            told(engine, "listed(22, ?)", f"22, {wrong}")
        assert repr(wrong) in str(raised.value)
    assert told(engine, "listed('22', ?)", f"22, {wrong}") == 1


def test_a_pattern_matches_what_glob_says_it_does() -> None:
    sqlite = apsw.Connection(":memory:")
    values = ["".join(letters) for length in range(4) for letters in itertools.product("ab]-[^", repeat=length)]
    signs = "ab]-[^*?"
    patterns = ["".join(letters) for length in range(1, 5) for letters in itertools.product(signs, repeat=length)]
    rare = ["[a-c-e]*", "[]-a]", "[^]-]?", "[b-a]", "[a-", "[a-]b", "[^-a]", "*[ab]*[^b]", "a**?*b*", "[[-]]", "**a*b*"]
    patterns = [*[pattern for pattern in patterns if set(pattern) & set("*?[")][::3], *rare]
    for pattern in patterns:
        fitting = {
            value
            for (value,) in sqlite.execute("SELECT value FROM json_each(?1) WHERE value GLOB ?2", (json.dumps(values), pattern))
        }
        assert {value for value in values if lists.listed(value, pattern)} == fitting, pattern


def test_no_text_is_slow_to_match() -> None:
    hostile = "a" * 20_000
    assert lists.listed(hostile, "*a*a*a*a*a*a*a*a*a*a*b, *[ab]*?*[ab]*?*[ab]*?*c") == 0


def test_a_list_is_read_once_for_all_rows(engine: Engine) -> None:
    lists._words.cache_clear()
    lists._ranges.cache_clear()
    rows = engine.query(
        "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
        "SELECT sum(listed(i, '5, 100-199, 99?')) AS many FROM n"
    )
    assert rows == [{"many": 1 + 100 + 10}]
    assert (lists._words.cache_info().misses, lists._ranges.cache_info().misses) == (1, 1)


@pytest.mark.parametrize(
    ("path", "directories", "is_below"),
    [
        ("/usr/bin/sh", "/opt, /usr/bin", 1),
        ("/usr/bin/sh", "/usr/", 1),
        ("/usr/bin", "/usr/bin", 1),
        ("/usr/bin", "/usr/bin/", 1),
        ("/usr/binary", "/usr/bin", 0),
        ("//tmp/x", "/tmp", 1),
        ("/./tmp//x", "/tmp", 1),
        ("/usr/lib/../../tmp/x", "/tmp", 1),
        ("/usr/lib/../../tmp/x", "/usr", 0),
        ("/tmp/.x/y", "/tmp/.x", 1),
        ("/opt/usr/bin/sh", "/usr/bin", 0),
        ("/tmp/x", "/*", 0),
        ("/tmp/x", "/", 1),
        ("tmp/x", "/", 0),
        ("/tmp/x", "", 0),
        ("/tmp/x", " , ", 0),
        ("", "/tmp", 0),
        (None, "/tmp", None),
        (7, "/tmp", None),
        ("/tmp/x", None, None),
    ],
)
def test_a_path_is_below_a_directory_or_not(engine: Engine, path: Any, directories: Any, is_below: int | None) -> None:
    assert told(engine, "below(?, ?)", path, directories) == is_below


@pytest.mark.parametrize(
    ("path", "name"),
    [("/usr/bin/sh", "sh"), ("sh", "sh"), ("/", ""), ("/usr/", ""), ("", ""), ("/a\n/b c", "b c"), (None, None), (7, None)],
)
def test_the_name_of_a_file_is_the_end_of_its_path(engine: Engine, path: Any, name: str | None) -> None:
    assert told(engine, "basename(?)", path) == name


def test_what_is_declared_is_what_help_shows() -> None:
    shown = {one.name: (one.signature, one.kind) for one in functions()}
    assert shown["listed"] == ("listed(value, words)", "list")
    assert shown["below"] == ("below(path, directories)", "list")
    assert shown["basename"] == ("basename(path)", "list")
