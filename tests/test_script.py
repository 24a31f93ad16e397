"""Scripts: where statements end, what they need, and how a mistake is told."""

from __future__ import annotations

import pytest

from sqlports import Engine, QueryError


@pytest.mark.parametrize(
    ("sql", "message", "pointed"),
    [
        ("SELEC 1", "syntax error", "SELEC 1"),
        ("SELECT * FROM socket", "did you mean sockets?", "socket"),
        ("SELECT 'socket' FROM socket", "did you mean sockets?", "socket"),
        ("SELECT 1;\nSELECT é, nam FROM processes", "no such column: é", "é"),
        ("SELECT 'é', nam FROM processes", "did you mean name?", "nam FROM"),
        ("SELECT p.cmdlin FROM processes p", "did you mean cmdline?", "p.cmdlin"),
        ("SELECT adress FROM listening_ports", "did you mean address?", "adress"),
        ("SELECT uppr(name) FROM processes", "did you mean upper?", "uppr"),
        ("SELECT 1 FROM (SELECT 2", "incomplete input", ""),
        ("SELECT state FROM sockets JOIN processes USING (pid)", "say whose: TABLE.state", "state FROM"),
        ('SELECT pid FROM processes WHERE name = "sh"', "single-quotes", '"sh"'),
    ],
)
def test_an_error_points_at_the_place_and_names_what_was_meant(sql: str, message: str, pointed: str, engine: Engine) -> None:
    with pytest.raises(QueryError) as wrong:
        engine.query(sql)
    assert message in str(wrong.value)
    place = wrong.value.place
    assert place is not None
    assert place.text[place.before :].startswith(pointed)
    assert place.line == sql.count("\n") + 1


def test_a_missing_parameter_is_named(engine: Engine) -> None:
    with pytest.raises(QueryError, match=r"no value for :n.*-p n=VALUE"):
        engine.query("SELECT ':x', :n -- :y", {})
    assert engine.query("SELECT :n AS a", {"n": 5}) == [{"a": 5}]
    assert engine.query("SELECT ? AS a", (5,)) == [{"a": 5}]


def test_statements_end_where_sqlite_says(engine: Engine) -> None:
    script = "SELECT ';' AS a; -- no; end\n;; /* ; */ SELECT 2 AS b;\n-- done"
    assert [result.columns for result in engine.run(script)] == [("a",), ("b",)]


def test_a_caret_stands_right_below_wide_and_written_out_characters(engine: Engine) -> None:
    with pytest.raises(QueryError) as wrong:
        engine.query("SELECT '日本\t\x1b', nam FROM processes")
    [_, line, caret] = str(wrong.value).splitlines()
    assert line == "line 1: SELECT '日本\\t\\x1b', nam FROM processes"
    # Each of the two wide characters takes two columns.
    assert caret.index("^") == line.index("nam") + 2


@pytest.mark.parametrize(
    ("sql", "message"),
    [("SELECT ?", "a parameter without a name"), ("SELECT ?1", "a parameter without a name"), ("SELECT '\0'", "no SQL has")],
)
def test_what_cannot_be_asked_is_told_plainly(sql: str, message: str, engine: Engine) -> None:
    with pytest.raises(QueryError, match=message):
        engine.query(sql, {})
