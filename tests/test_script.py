"""Scripts: where statements end, what they need, and how a mistake is told."""

from __future__ import annotations

import pytest

from sqlports import Engine, QueryError
from sqlports.script import tokens


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
        ("SELECT state FROM sockets s JOIN processes USING (pid)", "say whose: s.state or processes.state", "state FROM"),
        ("SELECT 1 FROM (SELECT (2)", "the ( here is not closed", "(SELECT"),
        ("SELECT CASE WHEN 1 THEN 2", "END is missing", "CASE"),
        ("SELECT /* it's", "*/ is missing", "/* it's"),
        ("SELECT pid FROM processes LIMIT", "something is missing after LIMIT", ""),
        ("SELECT 1,\n'it is", "the text that begins here is not ended", "'it is"),
        ("SELECT 'it's'", "within a text it is written twice", "'"),
        ("SELECT [abc", "the name that begins here is not ended", "[abc"),
        ("SELECT 1)", "no ( is open here", ")"),
        ("SELECT s.portt FROM sockets s", "did you mean port?", "s.portt"),
        ("SELECT x.pid FROM processes p", "there is p (processes)", "x.pid"),
        ("SELECT cmdline FROM sockets", "there is one in processes", "cmdline"),
        ("SELECT pid processes", "there is no FROM", "pid"),
        ("SELECT * FROM processes JOIN sockets USING (pidd)", "did you mean pid?", "pidd"),
        ("SELECT lower() FROM processes", "lower takes 1", "lower"),
        ("SELECT * FORM processes", "did you mean FROM?", "FORM"),
        ("SELECT * FROM processes wher pid = 1", "did you mean WHERE?", "wher"),
        ("SELECT pid FROM processes ORDER pid", "did you mean ORDER BY?", "pid"),
        ("SELECT pid, FROM processes", "the comma is one too many", "FROM"),
        ("SELECT name, count(*) n FROM processes WHERE n > 1", "in HAVING", "count"),
        ("SELECT * FROM processes p JOIN hash h ON h.md5 = p.name", "table hash needs WHERE path", "hash"),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM file f WHERE f.uid = 0)", "here it is f", "file"),
        ("show tables", ".tables at the prompt, and sqlports tables in a shell", "show"),
        ("SHOW FULL PROCESSLIST;", "SELECT pid, name, cmdline FROM processes", "SHOW"),
        ("describe sockets", ".describe sockets", "describe"),
        ("desc sockets", ".describe sockets", "desc"),
        ("\\dt", ".tables", "\\dt"),
        ("\\d sockets", "sqlports describe sockets", "\\d"),
        ("use mysql", "there is one system", "use"),
        ("UPDATE processes SET nice = 1", "the table processes cannot be changed", "processes"),
        ("KILL 1", "KILL is refused: queries only read", "KILL"),
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
    with pytest.raises(QueryError, match=r"no value for :n \(pass {'n': VALUE} with the query\)"):
        engine.query("SELECT ':x', :n -- :y", {})
    engine.giving = "give it with -p {name}=VALUE"
    with pytest.raises(QueryError, match=r"no value for :a, :n .*-p a=VALUE"):
        engine.query("SELECT :n, :a", {})
    assert engine.query("SELECT :n AS a", {"n": 5}) == [{"a": 5}]
    assert engine.query("SELECT ? AS a", (5,)) == [{"a": 5}]


def test_words_of_sql_are_told_from_texts_names_and_comments() -> None:
    sql = """SELECT 'it''s' /* 'x */ , "a b".c, x'00', :name, 1.5e+3 -- end"""
    assert [(word.kind, word.text) for word in tokens(sql)] == [
        ("name", "SELECT"),
        ("text", "'it''s'"),
        ("sign", ","),
        ("quoted", '"a b"'),
        ("sign", "."),
        ("name", "c"),
        ("sign", ","),
        ("text", "x'00'"),
        ("sign", ","),
        ("parameter", ":name"),
        ("sign", ","),
        ("number", "1.5e+3"),
    ]
    assert all(sql[word.start : word.end] == word.text for word in tokens(sql))


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
