"""The plan of a query in words: what is walked, what is asked for directly, what each row costs, what is dear."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sqlports import Engine, QueryError, registry
from sqlports.about.explain import Step, explain
from sqlports.about.explained import page
from sqlports.about.looks import ROWS, parts_of

from .conftest import FakeRoot, command
from .terminal import Terminal

TREE = Path(__file__).resolve().parents[1]


def steps(engine: Engine, sql: str) -> dict[str, Step]:
    """The looks at tables, by what the query calls them."""
    return {step.name: step for step in explain(engine, sql, {}) if step.table}


def test_every_table_says_what_its_rows_take() -> None:
    assert set(ROWS) == set(registry.table_names())


@pytest.mark.parametrize("name", registry.table_names())
def test_a_table_that_searches_by_itself_says_what_that_spares(name: str) -> None:
    table = registry.table(name)
    assert bool(table.searches) >= bool(ROWS[name][1])
    assert all(columns for columns in parts_of(name).values())


def test_nothing_is_looked_at_to_tell_a_plan(engine: Engine) -> None:
    explain(engine, "SELECT * FROM processes JOIN sockets USING (pid)", {})
    assert (engine.snapshot_now, dict(engine.reads)) == (None, {})


def test_conditions_that_the_kernel_takes_are_told_from_those_that_are_checked(engine: Engine) -> None:
    found = steps(engine, "SELECT path FROM sockets WHERE state = 'LISTEN' AND port < 1024 AND drops > 3")["sockets"]
    assert found.search == ("state = 'LISTEN', port < 1024: picked by the kernel",)
    assert found.check == ("drops > 3",)
    assert "these sockets alone" in found.does
    assert found.reads == ("asks for the kernel's count of memory and drops (INET_DIAG_SKMEMINFO)",)


def test_a_key_is_looked_up_and_a_scan_is_called_one(engine: Engine) -> None:
    one = steps(engine, "SELECT cmdline FROM processes WHERE pid IN (1, 2)")["processes"]
    assert one.does == "looks at these processes alone"
    assert one.search == ("pid IN …: asked for directly",)
    assert one.reads == ("of each row reads /proc/PID/cmdline",)
    all_of_them = steps(engine, "SELECT pid FROM processes WHERE name LIKE 'a%'")["processes"]
    assert (all_of_them.does, all_of_them.check) == ("lists the processes (/proc)", ("name LIKE 'a%'",))


def test_a_join_on_any_column_is_found_in_an_index(engine: Engine) -> None:
    found = steps(engine, "SELECT h.pid, s.state FROM sockets s CROSS JOIN handles h USING (inode)")
    assert found["h"].search == ("for each row above: inode = …: found in an index, made here once",)
    assert not found["h"].warning


def test_what_is_walked_for_a_column_is_told_only_where_the_column_is_read(engine: Engine) -> None:
    walk = "walks the handle tables of all processes (/proc/PID/fd), once"
    assert walk in steps(engine, "SELECT pid FROM sockets")["sockets"].reads
    assert walk in steps(engine, "SELECT name FROM processes JOIN sockets USING (pid)")["sockets"].reads
    assert walk not in steps(engine, "SELECT state FROM sockets")["sockets"].reads


@pytest.mark.parametrize(
    ("sql", "dear"),
    [
        ("SELECT count(*) FROM sockets, handles", "about 10,000,000 pairs"),
        ("SELECT count(*) FROM sockets s JOIN processes p ON p.pid <> s.pid", "about 500,000 pairs"),
        ("SELECT pid, (SELECT count(*) FROM sockets s WHERE s.uid > p.uid) FROM processes p", "for each row"),
        ("SELECT 1 FROM processes p, processes q, processes r WHERE q.parent = p.pid", "pairs"),
    ],
)
def test_a_join_that_looks_at_every_pair_is_warned_of(sql: str, dear: str, engine: Engine) -> None:
    assert any(dear in step.warning for step in explain(engine, sql, {}))


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM sockets JOIN processes USING (pid)",
        "SELECT * FROM sockets s LEFT JOIN handles h ON h.inode = s.inode",
        "SELECT * FROM listeners",
        "SELECT * FROM users, port_ranges",
        *[path.read_text(encoding="utf-8") for path in sorted((TREE / "examples").glob("*.sql"))],
    ],
)
def test_and_others_are_not(sql: str, engine: Engine) -> None:
    assert [step.warning for step in explain(engine, sql, {}) if step.warning] == []


def test_sorting_and_grouping_are_told(engine: Engine) -> None:
    told = [step.does for step in explain(engine, "SELECT DISTINCT name FROM processes GROUP BY uid ORDER BY count(*)", {})]
    assert "sorts the rows into groups" in told
    assert "sorts the rows, before the first is shown" in told


def test_a_mistake_is_pointed_at_where_the_query_has_it(engine: Engine) -> None:
    with pytest.raises(QueryError) as wrong:
        explain(engine, "SELECT nam FROM processes", {})
    assert wrong.value.place is not None
    assert (wrong.value.place.text, wrong.value.place.before) == ("SELECT nam FROM processes", 7)
    assert wrong.value.hint == "did you mean name?"
    assert engine.watch is None


def test_what_explains_itself_is_taken_without_that_and_texts_in_double_quotes_are_read(engine: Engine) -> None:
    for lead in ("", "EXPLAIN ", "explain query plan "):
        found = steps(engine, lead + 'SELECT pid FROM processes WHERE name = "x"')["processes"]
        assert found.search == ("name = 'x': picked from all rows",)


def test_what_there_is_to_say_of_the_query_is_said_here_as_well(engine: Engine) -> None:
    told = page(explain(engine, "SELECT * FROM sockets WHERE state = 'LISTENING'", {}), 80)
    assert told.endswith("\n  ! state is never 'LISTENING': did you mean 'LISTEN'?\n")


def test_writing_is_refused_all_the_same(engine: Engine) -> None:
    with pytest.raises(QueryError, match="refused"):
        explain(engine, "CREATE TABLE t (a)", {})
    assert engine.query("SELECT 1 AS a") == [{"a": 1}]


@pytest.mark.parametrize("columns", [40, 80])
@pytest.mark.parametrize("name", registry.view_names())
def test_a_page_fits_its_width(name: str, columns: int, engine: Engine) -> None:
    text = page(explain(engine, f"SELECT * FROM {name}", {}), columns)
    assert all(len(line) <= columns for line in text.splitlines())
    assert "SUBQUERY" not in text
    assert "VIRTUAL" not in text


def test_the_command_has_a_page_and_rows(fake: FakeRoot) -> None:
    sql = "SELECT count(*) FROM sockets, handles"
    done = command("--root", str(fake.path), "explain", sql)
    assert "! sockets with handles: no equality joins them" in done.stdout
    rows = json.loads(command("--root", str(fake.path), "explain", sql, "--json").stdout)
    assert [(row["step"], row["table"], row["rows"]) for row in rows] == [(1, "sockets", 1000), (2, "handles", 10000)]
    assert command("explain").returncode == 2
    wrong = command("explain", "SELECT nam FROM processes")
    assert (wrong.returncode, "did you mean name?" in wrong.stderr) == (1, True)


@pytest.mark.linux
def test_the_prompt_explains_a_query_and_the_last_one(terminal: Terminal) -> None:
    terminal.run(".explain SELECT pid FROM processes WHERE pid = 1")
    terminal.shows(r"looks at these processes alone")
    terminal.run("SELECT count(state) FROM sockets;")
    terminal.run(".explain")
    terminal.shows(r"sockets: asks the kernel for all its sockets")
