"""What a query may do and what is refused."""

from __future__ import annotations

import pytest

from sqlports import Engine, QueryError, Refused

from .conftest import FakeRoot


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("INSERT INTO processes VALUES (1)", "INSERT"),
        ("CREATE TABLE x(a)", "CREATE TABLE"),
        ("ATTACH 'x.db' AS x", "ATTACH"),
        ("DROP TABLE processes", "DROP"),
        ("SELECT load_extension('x')", r"load_extension\(\)"),
        ("PRAGMA writable_schema = 1", "PRAGMA writable_schema"),
        ("PRAGMA journal_mode", "PRAGMA journal_mode"),
        ("CREATE TEMP TABLE x(a)", "CREATE TEMP TABLE"),
        ("VACUUM INTO '/tmp/x.db'", "ATTACH"),
        ("CREATE VIRTUAL TABLE x USING fts5(a)", "CREATE VIRTUAL TABLE"),
        ("SELECT fts3_tokenizer('simple')", r"fts3_tokenizer\(\)"),
        ("SELECT * FROM fts3tokenize", "table fts3tokenize"),
        ("SELECT * FROM dbstat", "table dbstat"),
        ("DROP VIEW listening_ports", "DROP"),
        ("CREATE TEMP VIEW processes AS SELECT 1", "CREATE TEMP VIEW"),
        ("CREATE TEMP VIEW Sockets AS SELECT 1", "CREATE TEMP VIEW"),
        ("CREATE TEMP VIEW json_each AS SELECT 1", "CREATE TEMP VIEW"),
        ("SELECT count(*) FROM DbStat", "table DbStat"),
        ("UPDATE sqlite_master SET sql = ''", "may not be modified"),
    ],
)
def test_what_would_write_is_refused_with_the_option_that_permits_it(sql: str, what: str, engine: Engine) -> None:
    with pytest.raises(QueryError, match=what) as refused:
        engine.query(sql)
    if "modified" not in what:
        assert isinstance(refused.value, Refused)
        assert "--write" in str(refused.value)
    assert engine.query("SELECT 1 AS a") == [{"a": 1}]


def test_what_only_reads_is_allowed(engine: Engine) -> None:
    engine.query("CREATE TEMP VIEW mine AS SELECT pid FROM processes")
    engine.query("SELECT * FROM mine")
    engine.query("DROP VIEW mine")
    assert engine.query("PRAGMA table_info(users)")
    assert engine.query("SELECT json_array(1, 2) AS j, sqrt(4.0) AS s")[0]["s"] == 2.0
    engine.query("BEGIN; SELECT 1; COMMIT")


def test_writing_works_where_it_is_permitted(fake: FakeRoot) -> None:
    fake.process(42)
    engine = Engine(root=str(fake.path), write=True)
    assert engine.query("CREATE TABLE kept AS SELECT pid FROM processes; SELECT * FROM kept") == [{"pid": 42}]


def test_a_bound_pointer_reaches_no_tokenizer(engine: Engine) -> None:
    for script in ("SELECT fts3_tokenizer('simple', :p)", "SELECT hex(fts3_tokenizer(:p))"):
        with pytest.raises(Refused):
            engine.query(script, {"p": "AAAAAAAA"})


@pytest.mark.parametrize("sql", ["SELECT zeroblob(900000000)", "SELECT printf('%.*c', 900000000, 'x')"])
def test_a_value_too_large_to_make_in_time_is_refused(sql: str, engine: Engine) -> None:
    with pytest.raises(QueryError, match="too big"):
        engine.query(sql)
