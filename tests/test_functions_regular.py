"""Regular expressions: what they match, and that none makes the program deaf."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import time
import warnings
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from sqlports import Engine
from sqlports.errors import Interrupted, QueryError, QueryTimeout
from sqlports.functions import patience, regular

from .conftest import RUN

# Takes longer than anybody lives.
ENDLESS = "regex_match('" + "a" * 64 + "', '(a+)+b', 0)"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


def told(engine: Engine, call: str, *arguments: Any) -> Any:
    return engine.query(f"SELECT {call} AS it", arguments)[0]["it"]


@pytest.mark.parametrize(
    ("text", "pattern", "group", "found"),
    [
        ("hello world. Goodbye", r"(\w+) \w+", 0, "hello world"),
        ("hello world. Goodbye", r"(\w+) \w+", 1, "hello"),
        ("hello world. Goodbye", r"(\w+) \w+", 2, None),
        ("hello world. Goodbye", r"(\w+) \w+", -1, None),
        ("hello", "x", 0, None),
        ("hello", "l*$", 0, ""),
        ("b", "(a)?b", 1, ""),
        ("/usr/bin/python3.11", r"\/([^\/]+)$", 1, "python3.11"),
        ("", "", 0, ""),
        (8080, "80", 0, "80"),
        (b"ab", "b", 0, "b"),
        ("a\0b", r"a\0b", 0, "a\0b"),
        (None, "a", 0, None),
        ("a", None, 0, None),
        ("a", "a", None, None),
        ("a", "a", "0", "a"),
    ],
)
def test_what_a_regular_expression_matches_first(engine: Engine, text: Any, pattern: Any, group: Any, found: Any) -> None:
    assert told(engine, "regex_match(?, ?, ?)", text, pattern, group) == found


@pytest.mark.parametrize(
    ("text", "pattern", "index", "piece"),
    [
        ("/foo/bar", "/", 0, ""),
        ("/foo/bar", "/", 1, "foo"),
        ("/foo/bar", "/", 2, "bar"),
        ("/foo/bar", "/", 3, None),
        ("/foo/bar", "/", -1, None),
        ("192.168.0.1", r"\.0", 0, "192.168"),
        ("a1b22c", "([0-9])+", 2, "c"),
        ("a,,b", ",", 1, ""),
        ("abc", "x", 0, "abc"),
        ("", "x", 0, ""),
        (None, "x", 0, None),
        ("x", None, 0, None),
        ("x", "x", None, None),
    ],
)
def test_a_text_is_split_where_it_matches(engine: Engine, text: Any, pattern: Any, index: Any, piece: Any) -> None:
    assert told(engine, "regex_split(?, ?, ?)", text, pattern, index) == piece


def test_regexp_is_an_operator(engine: Engine) -> None:
    sql = "SELECT 'sshd' REGEXP '^ssh' AS a, 'sshd' REGEXP 'h$' AS b, 'x' NOT REGEXP 'y' AS c"
    assert engine.query(sql) == [{"a": 1, "b": 0, "c": 1}]
    assert engine.query("SELECT NULL REGEXP 'a' AS a, 'a' REGEXP NULL AS b") == [{"a": None, "b": None}]
    assert told(engine, "'SSHD' REGEXP '(?i)^ssh'") == 1


@pytest.mark.parametrize(
    ("pattern", "matching", "others"),
    [
        ("^[[:alpha:]]$", "aZ", "1_é-"),
        ("^[[:digit:]]$", "09", "a\u0663"),
        ("^[^[:digit:]_]$", "aé-", "0_"),
        ("^[[:alnum:]_.-]$", "a0_.-", "/é"),
        ("^[[:space:]]$", " \t\n\r\v\f", "a\xa0"),
        ("^[[:punct:]]$", "!/:@[`{~", "a0 "),
        ("^[[:xdigit:]]$", "0aF", "g"),
        ("^[[:upper:][:digit:]]$", "A1", "a"),
        ("^[[:blank:]]$", " \t", "\n"),
        ("^[[.-.]a]$", "-a", "b"),
        (r"^\d$", "7", "\u0663"),
        (r"^\w$", "a_", "é-"),
        (r"^[\w.]$", "a.", "-"),
        (r"^\s$", " \t", "\xa0"),
        ("^.$", "aé", "\n\r"),
        ("^[^]$", "a\n", ""),
        ("^[]$", "", "a]"),
        (r"^[\]a]$", "]a", "["),
        ("^[[a]$", "[a", "b"),
        ("^[a-c-]$", "ac-", "d"),
        ("^[-a]$", "-a", "b"),
        (r"^[a\-z]$", "a-z", "b"),
        ("^[+--]$", "+,-", "."),
        ("^[a&&b||c~~d]$", "a&b|c~d", "e"),
        ("^[.$^]$", ".$^", "a"),
        (r"^\$$", "$", "a"),
        (r"^\cJ$", "\n", "J"),
        (r"^[\cJ]$", "\n", "J"),
        (r"^\x41$", "A", "x"),
        (r"^[\x41-\x43]$", "ABC", "D"),
        (r"^\u00e9$", "é", "u"),
        (r"^\0$", "\0", "0"),
        (r"^[\b]$", "\b", "b"),
        ("^a$", "a", ""),
    ],
)
def test_expressions_mean_what_they_mean_in_ecmascript(engine: Engine, pattern: str, matching: str, others: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regular.expression.cache_clear()
        assert [letter for letter in matching if not told(engine, "regexp(?, ?)", pattern, letter)] == []
        assert [letter for letter in others if told(engine, "regexp(?, ?)", pattern, letter)] == []


def test_the_end_is_the_end_of_the_text(engine: Engine) -> None:
    assert told(engine, "regexp('a$', 'a' || char(10))") == 0
    assert told(engine, "regexp('a$', 'ba')") == 1
    assert told(engine, "regexp('^b', 'a' || char(10) || 'b')") == 0


@pytest.mark.parametrize(
    "pattern",
    [
        "(",
        ")",
        "[",
        "[a",
        "a**",
        "*",
        "[b-a]",
        "[[:nonsense:]]",
        r"\Z",
        r"\A",
        r"\e",
        "\\",
        r"\1",
        "(" * 2000 + ")" * 2000,
        "a{99999999999}",
    ],
)
@pytest.mark.parametrize("call", ["regex_match('a', ?, 0)", "regex_split('a', ?, 0)", "regexp(?, 'a')"])
def test_what_is_no_expression_is_said(engine: Engine, call: str, pattern: str) -> None:
    with pytest.raises(QueryError) as raised:
        told(engine, call, pattern)
    assert f"{call.partition('(')[0]}: Invalid regex" in str(raised.value)


def test_an_expression_has_a_greatest_length(engine: Engine) -> None:
    assert told(engine, "regexp(?, 'a')", "a|" * 2047 + "a") == 1
    with pytest.raises(QueryError, match="Invalid regex: too big, max size is 4096 bytes"):
        told(engine, "regexp(?, 'a')", "é" * 2049)


def test_an_expression_is_read_once_for_all_rows(engine: Engine) -> None:
    regular.expression.cache_clear()
    sql = (
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT sum(i REGEXP '^1') AS it FROM n"
    )
    assert engine.query(sql) == [{"it": 112}]
    assert regular.expression.cache_info().misses == 1


def test_a_hopeless_expression_ends_with_the_time_that_a_statement_has() -> None:
    with Engine(timeout=0.2) as engine:
        for call in (ENDLESS, ENDLESS.replace("regex_match", "regex_split"), "'" + "a" * 64 + "' REGEXP '(a|a)*b'"):
            with pytest.raises(QueryTimeout):
                told(engine, call)
        assert told(engine, "regex_match('aab', '(a+)+b', 1)") == "aa"
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_a_hopeless_expression_is_interrupted_from_another_thread(engine: Engine) -> None:
    begun = threading.Event()
    engine.on_wait = begun.set

    def stop() -> None:
        begun.wait()
        engine.interrupt()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(Interrupted):
        told(engine, ENDLESS)
    thread.join()


def test_ctrl_c_ends_a_hopeless_expression() -> None:
    process = subprocess.Popen([*RUN, f"SELECT 1 AS started; SELECT {ENDLESS}"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in said


def test_a_programs_own_alarm_is_left_alone(engine: Engine) -> None:
    rang = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: rang.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        assert told(engine, "regex_match(?, '(a+)+b', 1)", "a" * 10 + "b") == "a" * 10
        assert rang.wait(60)
    finally:
        signal.signal(signal.SIGALRM, before)


def test_in_another_thread_expressions_match_as_well() -> None:
    found = []

    def ask() -> None:
        with Engine() as engine:
            found.append(told(engine, "regex_match('aab', '(a+)+b', 1)"))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    assert found == ["aa"]


def test_what_fails_in_a_watched_call_fails_as_it_does_alone() -> None:
    for run in (patience.heard, partial(patience.within, 60)):
        with pytest.raises(re.error):
            run(lambda: None, lambda: re.compile("("))
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
