"""What is offered at a place in a line: a bar marks the cursor."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sqlports import Engine
from sqlports.modes import MODES
from sqlports.shell.completion import Candidate, complete
from sqlports.shell.names import Names
from sqlports.sources.snapshot import Snapshot


@pytest.fixture(scope="module")
def names() -> Iterator[Names]:
    engine = Engine()
    engine.query('CREATE TEMP VIEW "my view" AS SELECT 1 AS "two words", pid AS "select", uid AS "offset" FROM processes')
    yield Names(engine.connection)
    engine.close()


@pytest.fixture
def offered(names: Names):
    """The texts that are offered at the bar."""

    def at(marked: str) -> list[str]:
        return [candidate.text for candidate in candidates(marked, names)]

    return at


def candidates(marked: str, names: Names) -> list[Candidate]:
    cursor = marked.index("|")
    return complete(marked.replace("|", "", 1), cursor, names)[1]


PROCESSES = ["pid", "name", "path", "cmdline", "state"]


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        pytest.param("|", ["SELECT", "WITH"], id="an empty line begins a statement"),
        pytest.param("sel|", ["select"], id="a keyword in small letters"),
        pytest.param("SEL|", ["SELECT"], id="a keyword in capital letters"),
        pytest.param("EXPLAIN QUERY PLAN SEL|", ["SELECT"], id="a statement after EXPLAIN"),
        pytest.param("SELECT 1; SEL|", ["SELECT"], id="a second statement"),
        pytest.param("SELECT | FROM processes", PROCESSES, id="columns of a table named behind the cursor"),
        pytest.param("SELECT cmd| FROM processes", ["cmdline"], id="a column by its beginning"),
        pytest.param("SELECT CMD| FROM processes", ["cmdline"], id="a column in capital letters"),
        pytest.param("SELECT cln| FROM processes", ["cmdline"], id="a column by some of its letters"),
        pytest.param("SELECT | FROM processes AS p", PROCESSES, id="columns of a table with an alias"),
        pytest.param("SELECT p.| FROM processes p", PROCESSES, id="columns after an alias"),
        pytest.param("SELECT P.| FROM processes p", PROCESSES, id="columns after an alias in capital letters"),
        pytest.param("SELECT processes.|", PROCESSES, id="columns after a table's name, before FROM"),
        pytest.param("SELECT s.pi|, 1 FROM processes p JOIN sockets s", ["pid"], id="columns after one of two aliases"),
        pytest.param("SELECT * FROM processes WHERE |", PROCESSES, id="columns after WHERE"),
        pytest.param("SELECT * FROM processes WHERE pid = 1 AND |", PROCESSES, id="columns after AND"),
        pytest.param("SELECT * FROM processes ORDER BY |", PROCESSES, id="columns after ORDER BY"),
        pytest.param("SELECT count(| FROM processes", PROCESSES, id="columns in a function's parentheses"),
        pytest.param("SELECT pid, | FROM processes", PROCESSES, id="columns after a comma"),
        pytest.param("SELECT -- no\n /* no */ | FROM processes", PROCESSES, id="columns after comments"),
        pytest.param("SELECT pid IS DISTINCT FROM | FROM processes", PROCESSES, id="a FROM that names no table"),
        pytest.param("SELECT | FROM processes; SELECT 1 FROM users", PROCESSES, id="columns of this statement only"),
        pytest.param("SELECT * FROM processes p JOIN sockets s ON p.pid = local_p|", ["local_port"], id="columns in ON"),
        pytest.param(
            "SELECT * FROM process_open_|",
            ["process_open_files", "process_open_pipes", "process_open_sockets"],
            id="tables and views by their beginning",
        ),
        pytest.param("SELECT * FROM processes JOIN soc|", ["sockets"], id="tables after JOIN"),
        pytest.param("SELECT * FROM processes, soc|", ["sockets"], id="tables after a comma in FROM"),
        pytest.param("SELECT * FROM temp.soc|", ["sockets"], id="tables after a schema"),
        pytest.param("SELECT * FROM my|", ['"my view"'], id="a view made here, in quotes"),
        pytest.param('SELECT | FROM "my view"', ['"two words"', '"select"', "offset"], id="quotes where SQL needs them"),
        pytest.param("SELECT * FR|", ["FROM"], id="a clause after an asterisk"),
        pytest.param("SELECT * FROM processes w|", ["where", "window"], id="a clause after a table"),
        pytest.param("SELECT * FROM processes p LEFT J|", ["JOIN"], id="JOIN after LEFT"),
        pytest.param("SELECT * FROM processes WHERE pid = 1 AN|", ["AND"], id="a clause after a value"),
        pytest.param("SELECT group_c| FROM users", ["group_concat("], id="a function"),
        pytest.param("SELECT gc|", ["group_concat("], id="a function by the first letters of its words"),
        pytest.param("SELECT c|", ["count("], id="what people count with, before any table is named"),
        pytest.param("SELECT row_n|", ["row_number()"], id="a function that takes nothing"),
        pytest.param("SELECT subst|(name, 2)", ["substr"], id="a function whose parenthesis is there"),
        pytest.param("SELECT rs| FROM processes", ["resident_size"], id="a column by the first letters of its words"),
        pytest.param("SELECT local_p| FROM sockets", ["local_port"], id="a column by its beginning, before others"),
        pytest.param("SELECT offset, | FROM handles", ["pid", "fd"], id="columns after one whose name is a keyword"),
        pytest.param(
            "SELECT pid AS p, count(*) AS many FROM handles ORDER BY |", ["p", "many", "pid"], id="results to sort by"
        ),
        pytest.param("SELECT * FROM json_e|", ["json_each("], id="a function that gives rows"),
        pytest.param("SELECT j.| FROM processes, json_each(argv) j", ["key", "value", "type"], id="columns of such a function"),
        pytest.param("SELECT CAST(pid AS |", ["TEXT", "INTEGER"], id="types"),
        pytest.param("SELECT * FROM processes GROUP |", ["BY"], id="BY after GROUP"),
        pytest.param("SELECT * FROM processes ORDER BY pid |", ["DESC", "ASC", "LIMIT"], id="the direction after ORDER BY"),
        pytest.param("SELECT * FROM processes LIMIT 5 |", ["OFFSET"], id="OFFSET after LIMIT"),
        pytest.param("SELECT * FROM processes |", ["WHERE", "JOIN"], id="clauses after a table"),
        pytest.param("select * from processes |", ["where", "join"], id="clauses in small letters, as those before"),
        pytest.param("SELECT * FROM sockets JOIN users |", ["ON", "USING"], id="what a joined table needs"),
        pytest.param("SELECT * FROM sockets WHERE pid IS |", ["NULL", "NOT NULL"], id="NULL after IS"),
        pytest.param("SELECT * FROM sockets WHERE pid NOT |", ["IN", "LIKE"], id="operators after NOT"),
        pytest.param("SELECT rank() OVER (| FROM sockets", ["PARTITION BY", "ORDER BY"], id="a window"),
        pytest.param("SELECT CASE | FROM sockets", ["WHEN", "protocol"], id="WHEN after CASE"),
        pytest.param("SELECT CASE state WHEN 'LISTEN' | FROM sockets", ["THEN"], id="THEN after a value of CASE"),
        pytest.param("SELECT CASE WHEN pid BETWEEN 1 AND 2 | FROM sockets", ["THEN"], id="THEN after a condition of CASE"),
        pytest.param("SELECT CASE state | FROM sockets", ["WHEN"], id="WHEN after what CASE is of"),
        pytest.param("SELECT CASE state WHEN 1 THEN 2 | FROM sockets", ["WHEN", "ELSE", "END"], id="more of a CASE"),
        pytest.param("SELECT CASE state WHEN 1 THEN 2 ELSE 3 | FROM sockets", ["END"], id="the end of a CASE"),
        pytest.param("SELECT CASE pid WHEN 1 THEN CASE WHEN 2 THEN 3 END | FROM sockets", ["WHEN"], id="a CASE around another"),
        pytest.param("SELECT CASE state WHEN 1 THEN 2 END | FROM sockets", ["FROM", "AS"], id="behind a CASE"),
        pytest.param("SELECT * FROM sockets WHERE pid BETWEEN 1 AND 2 |", ["AND", "OR"], id="behind a BETWEEN"),
        pytest.param("SELECT p|", ["pid", "path"], id="columns before functions, before any table is named"),
        pytest.param("SELECT * FROM sockets WHERE st|", ["state", "congestion_state", "strftime("], id="and after one is"),
        pytest.param("SELECT cou| FROM processes", ["count(", "fd_count"], id="but not before what nearly everybody uses"),
        pytest.param("SELECT strftime| FROM processes", ["strftime("], id="a function whose name is complete"),
        pytest.param(
            "WITH t AS (SELECT pid AS zed, name, 1 AS one FROM processes) SELECT |",
            ["zed", "name", "one", "pid"],
            id="columns of a WITH before FROM",
        ),
        pytest.param("SELECT state, count(*) FROM sockets GROUP BY |", ["state", "protocol"], id="what is to be grouped by"),
        pytest.param(
            "SELECT s.state, pid AS p, count(*) AS n FROM sockets s GROUP BY |",
            ["s.state", "p", "protocol"],
            id="what is to be grouped by, as it is written or named",
        ),
        pytest.param(
            "SELECT state, protocol, count(*) FROM sockets GROUP BY state, |",
            ["protocol", "family"],
            id="what is to be grouped by yet",
        ),
        pytest.param(
            "SELECT state, count(*) AS n, max(pid) m FROM sockets GROUP BY state HAVING |",
            ["n", "m", "protocol"],
            id="names of this SELECT in HAVING",
        ),
        pytest.param(
            "SELECT state, count(*) n FROM sockets GROUP BY state ORDER BY |",
            ["n", "state", "protocol"],
            id="names and columns of this SELECT to sort by",
        ),
        pytest.param("SELECT count(|", ["*"], id="what is counted, before any table is named"),
        pytest.param("EXPLAIN |", ["QUERY PLAN", "SELECT"], id="what can be explained"),
        pytest.param("SELECT 1 UNION |", ["ALL", "SELECT"], id="the rest of UNION"),
        pytest.param("WITH q AS (SELECT 1) |", ["SELECT"], id="the query after WITH"),
        pytest.param(
            "SELECT x.| FROM (SELECT pid AS a, count(*) b, uid FROM processes) x", ["a", "b", "uid"], id="a sub-query"
        ),
        pytest.param("SELECT x.| FROM (SELECT * FROM processes) AS x", PROCESSES, id="a sub-query's asterisk"),
        pytest.param("WITH q AS (SELECT pid, uid AS u FROM processes) SELECT | FROM q", ["pid", "u"], id="columns of a WITH"),
        pytest.param("WITH q(a, b) AS (SELECT 1, 2) SELECT q.| FROM q", ["a", "b"], id="columns that WITH lists"),
        pytest.param("WITH q AS (SELECT 1) SELECT * FROM |", ["q"], id="the name that WITH defines"),
        pytest.param("SELECT 1 FROM users u WHERE EXISTS (SELECT 1 FROM processes WHERE u.u|)", ["uid"], id="the outer query"),
        pytest.param("SELECT uid FROM users UNION SELECT | FROM processes", PROCESSES, id="the second half of a UNION"),
        pytest.param("CREATE TEMP VIEW v AS SEL|", ["SELECT"], id="the statement of a view"),
        pytest.param("DROP VIEW my|", ['"my view"'], id="a view to drop"),
        pytest.param(".ex|", [".exit", ".explain"], id="dot commands"),
        pytest.param("  .sc|", [".schema"], id="a dot command after spaces"),
        pytest.param(".mode |", list(MODES), id="modes"),
        pytest.param(".mode js|", ["json", "jsonl"], id="a mode by its beginning"),
        pytest.param(".mo mark|", ["markdown"], id="a mode after a shortened command"),
        pytest.param(".schema soc|", ["sockets"], id="a table for .schema"),
        pytest.param(".tables soc|", ["sockets", "process_open_sockets"], id="a table for .tables"),
        pytest.param(".help mo|", ["mode"], id="a command for .help"),
        pytest.param(".help .w|", [".watch"], id="a command for .help with its dot"),
        pytest.param(".timer |", ["on", "off"], id="a switch"),
        pytest.param(".set pa|", ["pager"], id="a setting"),
        pytest.param(".set colour |", ["auto", "always", "never"], id="the values of a setting"),
        pytest.param(".set types |", ["on", "off"], id="the values of a setting that is a switch"),
        pytest.param(".functions substr|", ["substr"], id="a function for .functions"),
        pytest.param(".watch 2 SELECT * FROM soc|", ["sockets"], id="SQL after a number"),
        pytest.param(".explain SELECT cmd| FROM processes", ["cmdline"], id="SQL as an argument"),
        pytest.param(".run who-h|", ["who-has"], id="a saved query"),
        pytest.param(".run who-has po|", ["port="], id="what a saved query takes"),
        pytest.param(".run who-has port=1 protocol=u|", ["protocol=udp", "protocol=udplite"], id="the words that it takes"),
        pytest.param(".save mine SELECT * FROM soc|", ["sockets"], id="SQL to be saved"),
    ],
)
def test_best_is_offered_first(offered, marked: str, first: list[str]) -> None:
    assert offered(marked)[: len(first)] == first


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param("SELECT 'na|", id="in a text"),
        pytest.param("SELECT 'it''s na|", id="in a text with a quote in it"),
        pytest.param("SELECT 'na|' FROM users", id="in a text that is closed"),
        pytest.param("SELECT 'na'|", id="right after a text"),
        pytest.param('SELECT "na|', id="in a quoted name"),
        pytest.param("SELECT 1 -- na|", id="in a comment"),
        pytest.param("SELECT 1 -- na|\nFROM users", id="in a comment with a line behind it"),
        pytest.param("SELECT /* na| */ 1", id="between the ends of a comment"),
        pytest.param("SELECT 12|", id="in a number"),
        pytest.param("SELECT :na|", id="in a parameter"),
        pytest.param("SELECT na|me FROM processes", id="in the middle of a word"),
        pytest.param("SELECT pid AS |", id="where a new name stands"),
        pytest.param("SELECT nothing.| FROM processes", id="after a name that is no table"),
        pytest.param("SELECT 1; 'FROM | ; SELECT 1", id="in a text with a semicolon"),
        pytest.param("CREATE TEMP VIEW |", id="the name of a view to be"),
        pytest.param(".quit |", id="after a command without argument"),
        pytest.param(".nonsense |", id="after a command that is none"),
        pytest.param("SELECT * FROM xyzzy|", id="where nothing fits"),
        pytest.param("SELECT pid FROM|", id="after a word that is complete"),
    ],
)
def test_nothing_is_offered(offered, marked: str) -> None:
    assert offered(marked) == []


def test_only_what_a_place_can_hold_is_offered(offered) -> None:
    assert "SELECT" not in offered("SELECT * FROM |")
    assert "pid" not in offered("SELECT * FROM processes |")
    assert "username" not in offered("SELECT | FROM processes")
    assert "username" not in offered("WITH q AS (SELECT | FROM processes) SELECT * FROM users")
    assert set(offered("SELECT * FROM processes JOIN handles USING (|")) & {"pid", "fd", "name"} == {"pid"}


def test_a_between_needs_its_and(offered) -> None:
    for words in ("BETWEEN 1 |", "NOT BETWEEN 1 |", "IN (1) AND pid BETWEEN abs(1) + 2 |"):
        assert offered(f"SELECT * FROM processes WHERE pid {words}") == ["AND", "COLLATE"]
    assert offered("SELECT * FROM processes WHERE pid between 1 a|")[0] == "and"


def test_what_is_counted_may_be_all(offered) -> None:
    assert "*" in offered("SELECT count(| FROM sockets")
    assert "*" in offered("SELECT pid, COUNT(|) FROM sockets GROUP BY pid")
    assert "*" not in offered("SELECT count(p| FROM sockets")
    assert "*" not in offered("SELECT max(| FROM sockets")


def test_only_what_has_a_name_in_a_select_is_one_of_its_names(names: Names) -> None:
    select = "SELECT pid + uid, NOT uid, uid IS NULL, CASE pid WHEN 1 THEN 2 END, name COLLATE NOCASE, max(pid), p.state"
    found = candidates(f"{select}, round(2) AS r, max(1) m FROM processes p ORDER BY |", names)
    assert [candidate.text for candidate in found if candidate.type == "result"] == ["r", "m"]


def test_before_from_the_columns_of_all_tables_are_offered(offered) -> None:
    assert {"cmdline", "local_port", "username"} <= set(offered("SELECT |"))


def test_after_where_only_columns_are_offered_unasked(offered, names: Names) -> None:
    kinds = {candidate.type for candidate in candidates("SELECT * FROM processes WHERE |", names)}
    assert kinds == {"INTEGER", "TEXT", "REAL", "alias"}
    assert "coalesce(" in offered("SELECT * FROM processes WHERE co|")
    assert "CAST" in offered("SELECT * FROM processes WHERE CA|")


def test_before_from_columns_of_the_tables_meant_come_first(names: Names) -> None:
    offered = [candidate.name for candidate in candidates("SELECT local_port, remote_port, cwnd, |", names)]
    assert set(offered[:20]) <= {column.name for column in names.columns("sockets")}
    pid = next(candidate for candidate in candidates("SELECT |", names) if candidate.name == "pid")
    assert pid.doc.startswith("Of processes, sockets and ")


def test_what_is_used_much_comes_first_of_equals(names: Names) -> None:
    own = Names(names.connection)
    assert candidates("SELECT s| FROM processes", own)[0].text == "state"
    for _ in range(2):
        own.note("SELECT swap_size FROM processes")
    assert candidates("SELECT s| FROM processes", own)[0].text == "swap_size"
    own.note("SELECT * FROM reuseport_groups JOIN reuseport_groups JOIN reuseport_groups")
    assert candidates("SELECT * FROM |", own)[0].text == "reuseport_groups"


def test_what_a_place_asks_for_comes_before_what_is_used_much(names: Names) -> None:
    own = Names(names.connection)
    for _ in range(3):
        own.note("SELECT protocol FROM sockets WHERE x AND y OR z ORDER BY family")
    for marked, first in {
        "SELECT state, count(*) FROM sockets GROUP BY |": "state",
        "SELECT CASE state WHEN 'LISTEN' | FROM sockets": "THEN",
        "SELECT * FROM sockets WHERE state = |": "'LISTEN'",
        "SELECT * FROM sockets s JOIN processes p ON s.|": "pid",
        "SELECT state, count(*) n FROM sockets GROUP BY 1 ORDER BY |": "n",
        "SELECT * FROM users JOIN |": "sockets USING (uid)",
        "WITH t AS (SELECT 1 AS zed) SELECT |": "zed",
    }.items():
        assert candidates(marked, own)[0].text == first, marked


def test_a_column_is_known_through_queries_and_views(names: Names) -> None:
    doc = next(column.doc for column in names.columns("sockets") if column.name == "state")
    for marked in (
        "WITH q AS (SELECT s.state AS st FROM sockets s) SELECT st| FROM q",
        "SELECT st| FROM (SELECT state st FROM (SELECT * FROM sockets))",
    ):
        best = candidates(marked, names)[0]
        assert (best.text, best.type, best.doc) == ("st", "TEXT", doc)
    assert candidates("SELECT adr| FROM listeners", names)[0].doc == "Address that it is bound to."


def test_hidden_columns_come_after_the_others(offered) -> None:
    found = offered("SELECT * FROM processes WHERE |")
    assert found.index("started") < found.index("handle_count")


def test_a_column_of_two_tables_is_offered_with_its_alias(offered) -> None:
    found = offered("SELECT pi| FROM processes p JOIN sockets s")
    assert found[:2] == ["p.pid", "s.pid"]
    assert "cmdline" in offered("SELECT cmd| FROM processes p JOIN sockets s")


def test_what_begins_so_comes_before_what_has_the_letters(offered) -> None:
    begins = [text.startswith("st") for text in offered("SELECT st| FROM processes")]
    assert any(begins)
    assert not all(begins)
    assert begins == sorted(begins, reverse=True)


def test_aliases_are_offered(offered) -> None:
    assert offered("SELECT * FROM processes xyz WHERE xy|") == ["xyz."]
    assert offered("SELECT * FROM processes xyz WHERE xy|.pid") == []


def test_each_candidate_has_its_type_and_doc(names: Names) -> None:
    for marked, kind in {
        "SELECT * FROM sock|": "table",
        "SELECT * FROM process_open_s|": "view",
        "SELECT uid| FROM users": "INTEGER",
        ".sch|": "command",
    }.items():
        best = candidates(marked, names)[0]
        assert (best.type, bool(best.doc)) == (kind, True)
    for marked in (
        "SELECT |",
        'SELECT | FROM "my view"',
        "SELECT | FROM (SELECT 1 AS one, pid + 1 AS two FROM processes)",
        "WITH q AS (SELECT 1 AS one) SELECT q.| FROM q",
        "SELECT state, 1 + 1 AS two, count(*) n FROM sockets s JOIN processes p ON s.pid = p.pid GROUP BY |",
        "SELECT * FROM |",
        "SELECT * FROM sockets JOIN |",
        "SELECT * FROM sockets s JOIN processes p ON |",
        "SELECT count(| FROM sockets s",
        ".|",
        ".help .|",
        ".mode |",
        ".timer |",
        ".set |",
        ".set mode |",
        ".set keys |",
        ".set units |",
        ".run |",
        ".run who-has |",
        ".functions |",
        ".schema |",
    ):
        found = candidates(marked, names)
        assert found
        assert [one for one in found if not one.type or not one.doc] == [], marked
    assert candidates("SELECT * FROM sockets WHERE state = '|", names)[0][2:4] == ("value", "of state")
    (best,) = candidates("SELECT group_con|", names)
    assert (best.type, best.shown) == ("aggregate", "group_concat(text [, separator])")


def test_the_word_begins_where_it_is_told(names: Names) -> None:
    for marked, start in {
        "SELECT cmd| FROM processes": 7,
        "SELECT p.cm| FROM processes p": 9,
        "  .mode js|": 8,
        ".mo|": 0,
    }.items():
        cursor = marked.index("|")
        assert complete(marked.replace("|", ""), cursor, names)[0] == start


def test_a_query_defined_by_itself_ends(offered) -> None:
    assert offered("WITH q AS (SELECT * FROM q, q x) SELECT | FROM q") == ["q."]


def test_a_view_whose_table_is_gone_offers_nothing() -> None:
    engine = Engine()
    engine.query("CREATE TEMP VIEW first AS SELECT 1 AS one")
    engine.query("CREATE TEMP VIEW second AS SELECT * FROM first")
    names = Names(engine.connection)
    assert candidates("SELECT second.|", names)[0].text == "one"
    engine.query("DROP VIEW first")
    assert candidates("SELECT second.|", names) == []


def test_nothing_is_run_against_the_system(offered, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("looked at the system")

    monkeypatch.setattr(Snapshot, "__init__", refuse)
    assert offered("SELECT | FROM processes JOIN listening_ports")


def test_what_is_made_here_is_known_at_once() -> None:
    with Engine() as engine:
        names = Names(engine.connection)
        assert candidates("SELECT * FROM xymin|", names) == []
        engine.query("CREATE TEMP VIEW xymine AS SELECT state AS s, 1 AS one FROM sockets")
        assert [candidate.text for candidate in candidates("SELECT * FROM xymin|", names)] == ["xymine"]
        assert [candidate.type for candidate in candidates("SELECT xymine.|", names)] == ["TEXT", "column"]
        engine.query("DROP VIEW xymine")
        engine.query("CREATE TEMP VIEW xymine AS SELECT 2 AS two")
        assert [candidate.text for candidate in candidates("SELECT xymine.|", names)] == ["two"]


def test_a_line_is_never_too_deep(offered) -> None:
    assert offered("WITH q AS (SELECT 1 AS a) SELECT " + "(" * 5000 + "SELECT | FROM q")[0] == "a"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT ((((",
        "SELECT ))))",
        "..",
        ". .",
        "FROM FROM , , (",
        "SELECT . FROM .",
        "WITH WITH AS (",
        ";;;",
        "'",
        "[",
        "/*",
        "é ∂",
        "SELECT x FROM (SELECT x FROM (SELECT x FROM",
        "SELECT CASE CASE WHEN END END ' IN ( '",
        "SELECT 1 WHERE IN (,,'",
        ".watch 2 2 2 SELECT",
        ".run ' ' x=",
        ".read '",
        ".set . .",
        "JOIN ON USING ( NATURAL JOIN",
    ],
)
def test_no_line_is_too_odd(names: Names, text: str) -> None:
    for cursor in range(len(text) + 1):
        complete(text, cursor, names)


@pytest.mark.parametrize(
    "text", ["a" * 300_000, "a" * 300_000 + " ", "SELECT '" + "a" * 300_000 + "'", "SELECT 1" + ", 1" * 100_000]
)
def test_nothing_is_offered_in_an_input_that_nobody_types(names: Names, text: str) -> None:
    assert complete(text, len(text), names) == (len(text), [])
