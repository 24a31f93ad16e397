"""Joins and values that are offered at a place in a statement: a bar marks the cursor."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest

from sqlports import Engine, registry
from sqlports.shell.completion import complete
from sqlports.shell.names import Names
from sqlports.sources.snapshot import Snapshot


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def names(engine: Engine) -> Names:
    return Names(engine.connection)


@pytest.fixture
def offered(names: Names):
    """The texts that are offered at the bar."""

    def at(marked: str, kind: str = "") -> list[str]:
        found = complete(marked.replace("|", "", 1), marked.index("|"), names)[1]
        return [candidate.text for candidate in found if candidate.type == (kind or candidate.type)]

    return at


@pytest.mark.parametrize(
    ("marked", "first"),
    [
        pytest.param("SELECT * FROM handles h JOIN sockets s ON |", ["s.inode = h.inode"], id="sockets and handles"),
        pytest.param("SELECT * FROM sockets s JOIN handles h ON |", ["h.inode = s.inode"], id="handles and sockets"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON |", ["p.pid = s.pid"], id="a socket's owner"),
        pytest.param("SELECT * FROM handles JOIN processes ON |", ["processes.pid = handles.pid"], id="without aliases"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON p|", ["p.pid = s.pid"], id="a condition that is begun"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON | WHERE 1", ["p.pid = s.pid"], id="with more behind it"),
        pytest.param(
            "SELECT * FROM sockets s JOIN port_registry r ON |",
            [
                "r.port = s.local_port AND r.protocol = s.protocol",
                "r.port = s.remote_port AND r.protocol = s.protocol",
            ],
            id="a port and its protocol",
        ),
        pytest.param("SELECT * FROM processes p JOIN users u ON |", ["u.uid = p.uid"], id="a process's user"),
        pytest.param("SELECT * FROM processes p JOIN groups g ON |", ["g.gid = p.gid"], id="a process's group"),
        pytest.param("SELECT * FROM processes p JOIN processes o ON |", ["o.pid = p.parent"], id="a table and itself"),
        pytest.param(
            "SELECT * FROM sockets s JOIN net_namespaces n ON |", ["n.net_namespace = s.net_namespace"], id="a namespace"
        ),
        pytest.param(
            "SELECT * FROM users u JOIN processes p ON p.uid = u.uid JOIN handles h ON |", ["h.pid = p.pid"], id="a third table"
        ),
        pytest.param(
            "WITH q AS (SELECT pid AS process, inode FROM sockets) SELECT * FROM q JOIN processes p ON |",
            ["p.pid = q.process"],
            id="columns of a query under other names",
        ),
        pytest.param("SELECT * FROM listeners l JOIN handles h ON |", ["h.inode = l.inode"], id="a view"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON s.|", ["pid"], id="columns that relate two tables"),
        pytest.param("SELECT * FROM sockets s JOIN users p ON p.|", ["uid"], id="those of the other"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON p.pid = s.|", ["pid"], id="what a column is joined with"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON p.uid = s.|", ["uid"], id="what another is joined with"),
        pytest.param("SELECT * FROM sockets s JOIN processes p ON p.pid = |", ["s.pid"], id="that column with its table"),
        pytest.param("SELECT * FROM handles JOIN sockets USING (|", ["inode", "pid"], id="USING of sockets and handles"),
        pytest.param("SELECT * FROM sockets JOIN processes USING (|", ["pid"], id="USING of a socket's owner"),
        pytest.param("SELECT * FROM sockets JOIN port_registry USING (|", ["port, protocol"], id="USING of a port"),
        pytest.param("SELECT * FROM port_use JOIN port_registry USING (|", ["port, protocol"], id="USING of a view's port"),
        pytest.param("SELECT * FROM processes JOIN users USING (|", ["uid"], id="USING of a user"),
        pytest.param("SELECT * FROM processes JOIN users USING (u|", ["uid"], id="USING that is begun"),
        pytest.param("SELECT * FROM sockets JOIN |", ["processes USING (pid)"], id="a whole join"),
        pytest.param("SELECT * FROM sockets LEFT JOIN |", ["processes USING (pid)"], id="a whole left join"),
        pytest.param("SELECT * FROM handles JOIN soc|", ["sockets", "sockets USING (inode)"], id="a join that is begun"),
        pytest.param("SELECT * FROM sockets NATURAL JOIN |", ["processes"], id="a natural join is by itself"),
        pytest.param("SELECT * FROM sockets JOIN | USING (pid)", ["processes"], id="a join whose rest is there"),
        pytest.param("SELECT * FROM sockets, |", ["processes"], id="related tables after a comma"),
        pytest.param("SELECT * FROM sockets WHERE state = '|", ["LISTEN'"], id="a value in an open text, the usual one first"),
        pytest.param("SELECT * FROM sockets WHERE state = 'LI|", ["LISTEN'"], id="a value that is begun"),
        pytest.param("SELECT * FROM sockets WHERE state = 'li|'", ["LISTEN"], id="a value in a closed text"),
        pytest.param("SELECT * FROM sockets WHERE state = |", ["'LISTEN'"], id="a value with its quotes"),
        pytest.param("SELECT * FROM sockets WHERE state = LIS|", ["'LISTEN'"], id="a value begun without quotes"),
        pytest.param("SELECT * FROM sockets s WHERE s.state <> 'LI|", ["LISTEN'"], id="another value"),
        pytest.param("SELECT * FROM sockets WHERE state != 'LI|", ["LISTEN'"], id="another value, otherwise written"),
        pytest.param("SELECT * FROM sockets WHERE state IS NOT 'LI|", ["LISTEN'"], id="a value after IS NOT"),
        pytest.param("SELECT * FROM sockets WHERE state LIKE 'LI|", ["LISTEN'"], id="a value after LIKE"),
        pytest.param("SELECT * FROM sockets WHERE state IN ('LI|", ["LISTEN'"], id="the first of a list"),
        pytest.param("SELECT * FROM sockets WHERE state NOT IN ('BOUND', 'LI|", ["LISTEN'"], id="the second of a list"),
        pytest.param("SELECT * FROM sockets WHERE pid = 1 AND protocol = 'ud|", ["udp'", "udplite'"], id="of another column"),
        pytest.param("SELECT CASE state WHEN 'LI| FROM sockets", ["LISTEN'"], id="a value of CASE"),
        pytest.param("SELECT CASE s.state WHEN 'BOUND' THEN 1 WHEN 'LI| FROM sockets s", ["LISTEN'"], id="another of CASE"),
        pytest.param("SELECT count(*) FILTER (WHERE state = 'LI|) FROM sockets", ["LISTEN'"], id="before FROM"),
        pytest.param("SELECT * FROM listeners WHERE state = 'LI|", ["LISTEN'"], id="of a view"),
        pytest.param("WITH q AS (SELECT state AS s FROM sockets) SELECT * FROM q WHERE s = 'LI|", ["LISTEN'"], id="of a query"),
        pytest.param("SELECT * FROM handles WHERE type IN ('file', 'dir|", ["directory'"], id="of handles"),
    ],
)
def test_best_is_offered_first(offered, marked: str, first: list[str]) -> None:
    assert offered(marked)[: len(first)] == first


@pytest.mark.parametrize(
    "marked",
    [
        pytest.param("SELECT * FROM sockets WHERE local_address = '|", id="a column of any text"),
        pytest.param("SELECT * FROM sockets WHERE state + '|", id="what is not compared"),
        pytest.param("SELECT '|' FROM sockets", id="a text by itself"),
        pytest.param("SELECT * FROM sockets WHERE state IN (SELECT 'LI|", id="a query in a list"),
        pytest.param("SELECT * FROM users WHERE state = '|", id="a column of no table here"),
        pytest.param("SELECT * FROM sockets WHERE lower(state) = '|", id="what a function made of it"),
        pytest.param("SELECT * FROM handles WHERE type = 'LI|", id="another column's value"),
        pytest.param("SELECT * FROM process_envs WHERE key = '|", id="what only the system knows"),
    ],
)
def test_no_value_is_offered(offered, marked: str) -> None:
    assert offered(marked) == []


def test_a_condition_follows_only_what_relates_the_tables(offered) -> None:
    assert offered("SELECT * FROM users u JOIN port_registry r ON |", "join") == []
    # A mapped file's inode is none of a socket.
    assert "m.inode = s.inode" not in offered("SELECT * FROM sockets s JOIN process_memory_map m ON |")
    assert offered("SELECT * FROM processes p JOIN processes o ON |", "join").count("o.pid = p.pid") == 0


def test_a_column_that_two_tables_have_is_joined_by_its_table(offered) -> None:
    whole = offered("SELECT * FROM sockets s JOIN processes p ON p.pid = s.pid JOIN |", "join")
    assert "users u ON u.uid = s.uid" in whole
    merged = offered("SELECT * FROM sockets JOIN processes USING (pid) JOIN |", "join")
    assert "process_envs USING (pid)" in merged


def test_an_alias_is_made_up_that_is_free_and_no_keyword(offered) -> None:
    whole = offered("SELECT * FROM connections pr JOIN |", "join")
    assert "port_registry pr2 ON pr2.port = pr.local_port AND pr2.protocol = pr.protocol" in whole


def test_every_whole_join_can_be_run(engine: Engine, offered) -> None:
    def stop(*_: object) -> bool:
        return False

    wholes = 0
    for first in (*registry.table_names(), *registry.view_names()):
        table = registry.table(first) if first in registry.table_names() else None
        if table and (table.required or table.either):
            continue
        for whole in offered(f"SELECT 1 FROM {first} JOIN |", "join"):
            cursor = engine.connection.cursor()
            cursor.exec_trace = stop
            # It was understood, and stopped before it ran.
            with pytest.raises(apsw.ExecTraceAbort):
                cursor.execute(f"SELECT 1 FROM {first} JOIN {whole}")
            wholes += 1
    assert wholes > 100


def test_every_reference_is_to_a_column_of_its_type() -> None:
    for name in registry.table_names():
        for column in registry.table(name).columns:
            if column.references:
                table, _, other = column.references.partition(".")
                there = registry.table(table)
                assert there.columns[there.position[other]].kind is column.kind, column


def test_a_list_is_offered_what_it_has_not(offered) -> None:
    first = offered("SELECT * FROM sockets WHERE protocol IN ('|")
    assert offered("SELECT * FROM sockets WHERE protocol IN ('tcp', '|") == [value for value in first if value != "tcp'"]


def test_what_is_chosen_in_a_text_ends_it(names: Names) -> None:
    for marked in (
        "SELECT 1 FROM sockets WHERE state = 'LI| AND pid = 1",
        "SELECT 1 FROM sockets WHERE state = 'LI|' AND pid = 1",
    ):
        text, cursor = marked.replace("|", ""), marked.index("|")
        start, found = complete(text, cursor, names)
        assert text[:start] + found[0].text + text[cursor:] == "SELECT 1 FROM sockets WHERE state = 'LISTEN' AND pid = 1"


def test_nothing_is_run_against_the_system(offered, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("looked at the system")

    monkeypatch.setattr(Snapshot, "__init__", refuse)
    assert offered("SELECT * FROM listeners JOIN |")
    assert offered("SELECT * FROM listeners WHERE state = '|")
