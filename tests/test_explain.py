"""The plan of a query in words: what is walked, what is asked for directly, what each row costs, what is dear."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sqlports import Engine, QueryError, registry
from sqlports.about.costs import ROWS, parts_of
from sqlports.about.explain import Step, explain
from sqlports.about.plan_page import page
from sqlports.sources import parts

from .conftest import FakeRoot, command
from .terminal import Terminal

TREE = Path(__file__).resolve().parents[1]


def steps(engine: Engine, sql: str) -> dict[str, Step]:
    """The looks at tables, by what the query calls them."""
    return {step.name: step for step in explain(engine, sql, {}) if step.table}


def told(engine: Engine, sql: str) -> str:
    """All that is said of a query, on one line."""
    return " ".join(page(explain(engine, sql, {}), None).split())


@pytest.fixture
def looked(fake: FakeRoot) -> Iterator[Engine]:
    """A system with what the words are about: files with and without a path, both ends of a pipe and of a connection."""
    fds = {0: "/etc/passwd", 1: "pipe:[9]", 2: "socket:[6]", 3: "/tmp/gone (deleted)", 4: "anon_inode:[eventpoll]"}
    fake.process(1, "init", fds={0: "/dev/null"})
    fake.process(7, "one", fds=fds)
    fake.process(8, "two", fds={1: "pipe:[9]", 2: "socket:[5]"})
    fake.net("tcp", "0100007F:0050 0100007F:0051 01 5", "0100007F:0051 0100007F:0050 01 6")
    with Engine(root=str(fake.path)) as engine:
        yield engine


def columns(*names: str) -> list[tuple[str, str]]:
    return [(name, column.name) for name in names for column in registry.table(name).columns if column.path]


@pytest.mark.parametrize(("name", "column"), columns("processes", "threads", "process_namespaces"))
def test_the_files_of_a_process_that_are_told_are_those_that_are_read(name: str, column: str, looked: Engine) -> None:
    sql = f'SELECT "{column}" FROM {name}'
    named = set(re.findall(r"/proc/PID/(?:task/TID/)?([\w/]+)", told(looked, sql).partition("of each row reads")[2]))
    assert looked.query(sql)
    read = {part if part == "comm" else parts.source(part) for part in looked.reads if part not in ("pids", "task")}
    assert read <= named
    # What a part reads beside its own file is not counted by itself.
    beside = {"loginuid": {"sessionid"}, "oom_score": {"oom_score_adj"}, "wchan": {"stat"}}
    assert named - read <= set().union(*(beside.get(part, set()) for part in read))


@pytest.mark.parametrize("others", ["state", "uid", "state, uid", "cmdline", "lsm_label", "cmdline, elapsed_time"])
def test_a_name_is_told_to_come_from_the_file_that_it_comes_from(others: str, looked: Engine) -> None:
    for column in ("name", "pid"):
        sql = f"SELECT {column}, {others} FROM processes WHERE pid = 7"
        text = told(looked, sql)
        looked.query(sql)
        for part in ("comm", "stat", "status"):
            assert (part in looked.reads) == bool(re.search(rf"/proc/PID/{part}\b", text)), part
    joined = "SELECT p.name, t.state FROM processes p CROSS JOIN threads t USING (pid)"
    assert "/proc/PID/comm or stat" in told(looked, joined)


@pytest.mark.parametrize(("name", "column"), columns("handles", "sockets", "connections"))
def test_what_is_read_of_handles_and_sockets_is_told(name: str, column: str, looked: Engine) -> None:
    sql = f'SELECT "{column}" FROM {name}'
    text = told(looked, sql)
    assert looked.query(sql)
    words = {"fdinfo": "/proc/PID/fdinfo", "stat of a file": "stat(2)", "walk": "walks the handle tables", "comm": "/comm"}
    for source, word in words.items():
        # Who has the other end of something with a path takes more than is said, and of sockets is asked by a walk as well.
        if column not in ("peer_pid", "peer_fd"):
            assert (source in looked.reads) <= (word in text), source
        assert (word in text) <= (source in looked.reads or name + source == "handleswalk"), source


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM sockets, handles", "SELECT s.pid, t.pid FROM sockets s JOIN sockets t USING (cookie)"]
)
def test_what_is_done_once_is_told_to_be_done_once(sql: str, engine: Engine) -> None:
    text = told(engine, sql)
    assert len(re.findall(r"walks the handle tables of all processes \(/proc/PID/fd\)(?!, which is done once)", text)) == 1
    assert text.count("asks for TCP's own figures") <= 1


def test_free_ports_and_known_ones_tell_what_is_asked_of_the_kernel_and_what_of_the_lists(looked: Engine) -> None:
    one = told(looked, "SELECT port FROM free_ports WHERE port = 42999")
    assert "asks the kernel for its TCP and UDP sockets" in one
    assert "IANA" not in one
    looked.query("SELECT port FROM free_ports WHERE port = 42999")
    assert {"tcp ipv4", "udp ipv4", "port ranges"} <= looked.reads.keys()
    sql = "SELECT service FROM free_ports WHERE port = 42999 AND protocol = 'tcp'"
    assert "the sockets of this protocol" in told(looked, sql)
    assert "reads IANA's list" in told(looked, sql)
    looked.query(sql)
    assert "udp ipv4" not in looked.reads
    assert "bindable = 1: checked row by row" in told(looked, "SELECT port FROM free_ports WHERE bindable = 1")
    for column, source in (("local_service", "services"), ("ephemeral", "port ranges")):
        sql = f"SELECT {column} FROM port_registry WHERE port = 22 AND protocol = 'tcp'"
        looked.query(sql)
        assert dict(looked.reads) == {source: 1}
        assert ("reads /etc/services, once" in told(looked, sql)) == (source == "services")
        assert ("kernel's settings of port ranges" in told(looked, sql)) == (source == "port ranges")


def test_a_tree_is_followed_up_from_a_process_and_down_from_all(looked: Engine) -> None:
    for column, words, count in (("descendant", "follows parents up", 2), ("ancestor", "parent of every process", 3)):
        sql = f"SELECT * FROM process_tree WHERE {column} = 7"
        looked.query(sql)
        assert looked.reads["stat"] == count
        assert words in told(looked, sql)


def test_a_namespace_is_taken_or_found_as_its_columns_want(live: Engine) -> None:
    for column, words in (("net_namespace", "takes the one"), ("processes", "and mounts")):
        sql = f"SELECT {column} FROM net_namespaces WHERE mine = 1"
        live.query(sql)
        assert ("pids" in live.reads) == (column == "processes")
        assert words in told(live, sql)


def test_far_ends_are_looked_for_only_where_there_is_something_to_find(live: Engine) -> None:
    reading, writing = os.pipe()
    try:
        sql = f"SELECT peer_pid FROM handles WHERE pid = {os.getpid()}"
        assert "walks the handle tables of all processes (/proc/PID/fd), once, if a link" in told(live, sql)
        live.query(sql)
        assert live.reads["fd"] > 1
    finally:
        os.close(reading)
        os.close(writing)
    nobody = "SELECT peer_pid FROM handles WHERE pid = 0"
    live.query(nobody)
    assert "fd" not in live.reads


def test_a_search_within_a_join_is_told_as_it_is_made(engine: Engine) -> None:
    join = "SELECT 1 FROM processes p LEFT JOIN {} ON {}"
    # The kernel is asked for one port only when nothing is asked before: then all are listed.
    found = steps(engine, join.format("sockets s", "s.pid = p.pid AND s.port = 22"))["s"]
    assert found.does == "asks the kernel for all its sockets (sock_diag)"
    assert found.search == ("for each row above: pid = …, port = 22: found in an index, made here once",)
    found = steps(engine, join.format("handles h", "h.pid = p.pid AND h.fd = 1"))["h"]
    assert found.does == "reads the handle tables of these processes"
    assert found.search[1] == "for each row above: fd = 1: picked from those"
    made = "WITH l AS MATERIALIZED (SELECT pid FROM sockets) SELECT name FROM l JOIN processes p USING (pid)"
    assert steps(engine, made)["p"].search == ("for each row above: pid = …: asked for directly",)


def test_values_that_cannot_be_told_apart_are_not_told(engine: Engine) -> None:
    assert "pid = 1" not in told(engine, "SELECT pid FROM processes WHERE pid = 1 OR pid = 7")
    assert "pid = 7" in told(engine, "SELECT pid FROM processes WHERE pid = 7")


def test_the_first_row_that_fits_is_enough_for_exists(engine: Engine) -> None:
    [*_, step] = explain(engine, "SELECT 1 FROM processes p WHERE EXISTS (SELECT 1 FROM sockets)", {})
    assert (step.table, step.warning) == ("sockets", "")
    assert "EXISTS" not in step.name


@pytest.mark.parametrize(
    ("sql", "most"),
    [
        ("SELECT * FROM port_registry WHERE port = 22", 5),
        ("SELECT * FROM free_ports WHERE port = 42999", 2),
        ("SELECT * FROM port_conflicts WHERE port = 80", 10),
        ("SELECT * FROM port_names WHERE port = 80", 10),
        ("SELECT * FROM handles WHERE pid = 1", 50),
        ("SELECT * FROM threads WHERE pid = 1", 10),
        ("SELECT * FROM process_tree WHERE descendant = 1", 10),
        ("SELECT * FROM sockets WHERE cookie = 1", 1),
        ("SELECT * FROM users WHERE uid = 0", 1),
    ],
)
def test_a_search_for_one_thing_expects_few_rows(sql: str, most: int, engine: Engine) -> None:
    [step] = explain(engine, sql, {})
    assert step.rows is not None
    assert step.rows <= most


def test_nobody_says_how_many_rows_the_values_of_a_sub_query_have(engine: Engine) -> None:
    assert steps(engine, "SELECT name FROM processes WHERE pid IN (SELECT pid FROM sockets)")["processes"].rows is None


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
