"""What a query reads and asks, and no more: the work done, search by search."""

from __future__ import annotations

import pytest

from sqlports import Engine, QueryError
from sqlports.schema import Column, Like, Names, TableError, Values, table

from .conftest import FakeRoot, reads


def test_a_column_reads_its_own_file_once_for_each_process(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid, f"p{pid}")
    assert reads(engine, "SELECT pid FROM processes") == {"pids": 1}
    assert reads(engine, "SELECT pid, name, parent, state FROM processes") == {"pids": 1, "stat": 3}


def test_a_cheap_filter_spares_the_expensive_columns(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid, f"p{pid}")
    sql = "SELECT cmdline, path FROM processes WHERE name = 'p42'"
    assert reads(engine, sql) == {"pids": 1, "comm": 3, "cmdline": 1, "exe": 1}


def test_one_process_by_number_reads_no_other(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid)
    assert reads(engine, "SELECT name FROM processes WHERE pid = 42") == {"comm": 1}
    assert reads(engine, "SELECT name FROM processes WHERE pid IN (41, 42, 9999)") == {"comm": 2}


def test_a_self_join_reads_every_file_once(fake: FakeRoot, engine: Engine) -> None:
    for pid in range(40, 60):
        fake.process(pid, parent=pid - 1)
    sql = "SELECT count(*) FROM processes a JOIN processes b ON b.pid = a.parent JOIN processes c ON c.parent = a.pid"
    assert reads(engine, sql) == {"pids": 1, "stat": 20}


def test_sockets_without_owner_columns_walk_no_handles(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    sql = "SELECT local_address, local_port, uid FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN'"
    assert reads(engine, sql) == {"pids": 1, "namespaces": 1, "tcp ipv4": 1, "tcp ipv6": 1}


def test_owners_cost_one_walk_however_often_they_are_used(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.process(43, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    read = reads(engine, "SELECT a.pid, b.fd FROM sockets a JOIN sockets b USING (pid) JOIN handles USING (inode)")
    assert (read["walk"], read["fd"], read["tcp ipv4"], read["pids"]) == (1, 2, 1, 1)


def test_a_table_declared_wrongly_is_refused_with_every_fault() -> None:
    with pytest.raises(TableError) as refused:

        @table(Column("a", int, "a", ""), Column("a", dict, "a", "x"), Column("B-c", str, "b", "x"), key=("z",))
        def wrong(system: object, q: Values[int] = None, a: int = 3) -> list[object]:
            return []

    message = str(refused.value)
    for fault in (
        "no docstring",
        "two columns are called a",
        "has no doc",
        "B-c",
        "dict",
        "q is not a column",
        "z is not",
    ):
        assert fault in message
    assert "parameter a must be annotated" in message


def test_a_required_parameter_must_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlports import registry

    @table(Column("path", str, "path", "A path."), examples=("SELECT 1",))
    def wanted(system: object, path: Values[str]) -> list[object]:
        """One row a path."""
        return []

    monkeypatch.setattr(registry, "table_names", lambda: ("wanted",))
    monkeypatch.setattr(registry, "view_names", lambda: ())
    monkeypatch.setattr(registry, "table", lambda name: wanted)
    engine = Engine()
    with pytest.raises(QueryError, match=r"table wanted needs WHERE path = "):
        engine.query("SELECT * FROM wanted")
    assert engine.query("SELECT * FROM wanted WHERE path = '/'") == []


def test_of_several_parameters_one_is_needed_and_a_pattern_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from sqlports import registry

    calls: list[tuple[object, ...]] = []

    @table(
        Column("name", str, "name", "A name."),
        Column("place", str, "place", "Its place."),
        Column("world", int, "world", "Where that is; 0 unless it was asked for."),
        either={"name": 1, "place": 100},
        rows=1_000_000,
    )
    def wanted(system: object, name: Names = None, place: Names = None, world: Values[int] = None) -> list[object]:
        """One row a name."""
        calls.append((name, place, world))
        names = sorted(name) if isinstance(name, frozenset) else ["abc", "abd", "x"]
        return [SimpleNamespace(name=each, place="here", world=number) for each in names for number in world or (0,)]

    monkeypatch.setattr(registry, "table_names", lambda: ("wanted",))
    monkeypatch.setattr(registry, "view_names", lambda: ())
    monkeypatch.setattr(registry, "table", lambda name: wanted)
    engine = Engine()

    def ask(where: str, *values: object) -> tuple[list[object], list[tuple[object, ...]]]:
        calls.clear()
        found = engine.query(f"SELECT w.name FROM {where}", values)
        return [row["name"] for row in found], list(calls)

    assert ask("wanted w WHERE name LIKE 'ab_'") == (["abc", "abd"], [(Like("ab_"), None, None)])
    assert ask("wanted w WHERE name GLOB ?", "*c\0ut")[1] == [(Like("*c", glob=True), None, None)]
    assert ask("wanted w WHERE name LIKE '%c' AND name LIKE 'a%' AND name GLOB '*'")[1] == [(Like("a%"), None, None)]
    assert ask("wanted w WHERE name LIKE '%c' AND name = 'abc'") == (["abc"], [(frozenset(("abc",)), None, None)])
    assert ask("wanted w WHERE name LIKE NULL") == ([], [])
    assert ask("wanted w WHERE place = 'here' AND name LIKE 'x%'")[1] == [(Like("x%"), frozenset(("here",)), None)]
    worlds = "WITH p(pid) AS (VALUES (1), (2)) "
    for join in (
        "FROM p JOIN wanted w ON w.name = 'n' AND w.world = pid",
        "FROM wanted w JOIN p ON world = pid WHERE name = 'n'",
    ):
        found = engine.query(f"{worlds} SELECT world {join}")
        assert [row["world"] for row in found] == [1, 2]
    twice = "wanted w JOIN wanted v USING (name, world) WHERE w.place = 'here'"
    assert ask(twice)[0] == ["abc", "abd", "x"]
    for where in ("", "WHERE world = 1", "WHERE name NOT LIKE 'x'", "WHERE name > 'a'", "WHERE name = 'a' OR world = 1"):
        with pytest.raises(QueryError, match=r"^table wanted needs WHERE name = … or place = …(\n.*wanted.*\n *\^)?$"):
            engine.query(f"SELECT * FROM wanted {where}")
    assert ask("wanted w WHERE name IN ()") == ([], [])


def test_a_declaration_of_names_and_of_what_is_needed_must_be_right() -> None:
    with pytest.raises(TableError) as refused:

        @table(Column("a", int, "a", "x"), either={"b": 1}, each={"c": 1}, examples=("SELECT 1",))
        def wrong(system: object, a: Names = None) -> list[object]:
            """Rows."""
            return []

    assert "a is not a text" in str(refused.value)
    assert "b is no parameter" in str(refused.value)
    assert "c is not a column" in str(refused.value)


def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What tables are asked for from now on."""
    from sqlports.schema import Table

    calls: list[dict[str, object]] = []
    original = Table.__call__

    def noted(self: Table, system: object, **searched: object) -> object:
        calls.append(searched)
        return original(self, system, **searched)

    monkeypatch.setattr(Table, "__call__", noted)
    return calls


def test_in_is_one_call_with_all_its_values(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = asked(monkeypatch)
    engine.query("SELECT * FROM processes WHERE pid IN (41, '42', 43.0, NULL, 'x', 1.5)")
    assert calls == [{"pid": frozenset((41, 42, 43))}]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT 1 WHERE 0",
        "SELECT pid FROM sockets WHERE local_port = 1",
        "WITH none AS (SELECT 1 WHERE 0) SELECT * FROM none",
        "VALUES (42)",
        "SELECT value FROM json_each('[42, 43, 99]')",
        "SELECT NULL",
        " ( SELECT 1 WHERE 0)",
        "/*x*/(/*y*/SELECT 1 WHERE 0)",
    ],
)
def test_in_a_query_finds_what_it_gives_be_it_nothing(query: str, fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.process(43)
    bare = query.replace("/*x*/", "").strip()
    wanted = {row[0] for row in engine.connection.execute(bare.strip("()") if bare.startswith("(") else bare)}
    for word in ("IN", "in\n", "NOT IN"):
        found = {row["pid"] for row in engine.query(f"SELECT pid FROM processes WHERE pid {word} ({query})")}
        assert found == (set() if None in wanted or word != "NOT IN" else {42, 43} - wanted) | (
            {42, 43} & wanted if word != "NOT IN" else set()
        )
    if bare != query:
        return  # no query by itself
    engine.query(f"CREATE TEMP VIEW given AS {query}")
    assert len(engine.query("SELECT pid FROM processes WHERE pid IN given")) == len({42, 43} & wanted)
    assert len(engine.query("SELECT pid FROM processes WHERE pid IN (42, 43)")) == 2
    engine.query(f"CREATE TEMP VIEW mine AS SELECT name FROM processes WHERE pid IN ({query})")
    assert len(engine.query("SELECT * FROM mine")) == len({42, 43} & wanted)


@pytest.mark.parametrize(
    ("where", "bounds"),
    [
        ("port < 1024", (None, 1023)),
        ("port <= '22.5' AND port > 20", (21, 22)),
        ("port BETWEEN 8000 AND 8080", (8000, 8080)),
        ("port >= 65000.5", (65001, None)),
        ("port > -5 AND port < 'x'", (-4, None)),
    ],
)
def test_ranges_reach_the_table(
    where: str, bounds: tuple[int | None, int | None], engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = asked(monkeypatch)
    engine.query(f"SELECT count(*) FROM port_registry WHERE {where}")
    assert calls == [{"port": bounds}]


def test_a_search_that_no_row_can_satisfy_asks_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = asked(monkeypatch)
    for where in ("pid = NULL", "pid = 'x'", "pid = 1.5", "pid = x'31'", "pid IN ('a', NULL)"):
        assert engine.query(f"SELECT * FROM processes WHERE {where}") == []
    assert calls == []


def test_a_text_in_a_query_of_numbers_is_compared_as_a_number(fake: FakeRoot, engine: Engine) -> None:
    for pid, name in ((40, "7"), (41, " 7"), (42, "7.0"), (43, "x")):
        fake.process(pid, name, uid=7)
    found = engine.query("SELECT pid FROM processes WHERE name IN (SELECT uid FROM processes)")
    assert {row["pid"] for row in found} == {40, 41, 42}
    assert engine.query("SELECT pid FROM processes WHERE name IN (7)") == [{"pid": 40}]


PORTS = [("0100007F:0050 00000000:0000 0A 501"), ("0100007F:0051 00000000:0000 0A 502"), ("0100007F:0052 00000000:0000 0A 503")]


def test_a_port_is_handed_over_once_and_then_an_index_answers(
    fake: FakeRoot, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake.net("tcp", *PORTS)
    calls = asked(monkeypatch)
    sql = "WITH wanted(port) AS (VALUES (80), (81), (82), (83)) SELECT inode FROM wanted JOIN sockets USING (port)"
    assert [row["inode"] for row in engine.query(sql)] == [501, 502, 503]
    searched = [{name: value for name, value in call.items() if name != "groups"} for call in calls]
    assert searched == [{"port": frozenset((80,))}, {}]


def test_bounds_of_a_port_are_handed_over_once_too(fake: FakeRoot, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.net("tcp", *PORTS)
    calls = asked(monkeypatch)
    sql = "WITH edge(n) AS (VALUES (81), (82)) SELECT n, inode FROM edge CROSS JOIN sockets WHERE local_port >= n ORDER BY 1, 2"
    assert [tuple(row.values()) for row in engine.query(sql)] == [(81, 502), (81, 503), (82, 503)]
    assert [call.get("local_port") for call in calls] == [(81, None), None]


def test_a_table_is_told_which_parts_of_a_row_are_wanted(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = asked(monkeypatch)
    engine.query("SELECT rtt, local_port FROM sockets WHERE drops > 0")
    engine.query("SELECT local_port FROM sockets")
    assert [call["groups"] for call in calls] == [{"info", "memory"}, frozenset()]


def test_what_was_listed_by_a_narrow_search_is_listed_no_other_way_later(fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", *PORTS)
    with engine.snapshot() as system:
        assert len(engine.query("SELECT inode FROM sockets WHERE local_port = 80")) == 1
        # The machine moves on: 80 was taken again, 81 was closed, 90 was opened. What was looked at stays as it was.
        fake.net("tcp", "0100007F:0050 00000000:0000 0A 601", "0100007F:005A 00000000:0000 0A 602")
        assert {row["inode"] for row in engine.query("SELECT inode FROM sockets")} == {501, 602}
        assert [row["inode"] for row in engine.query("SELECT inode FROM sockets WHERE local_port IN (80, 81)")] == [501]
        assert system.reads["tcp ipv4"] == 2
        assert len(engine.query("SELECT inode FROM sockets WHERE remote_port = 7 OR state = 'LISTEN'")) == 2
        assert system.reads["tcp ipv4"] == 2


def test_rows_that_come_in_batches_are_rows_like_others(monkeypatch: pytest.MonkeyPatch) -> None:
    from collections.abc import Sequence
    from types import SimpleNamespace
    from typing import Any

    from sqlports import registry
    from sqlports.schema import Batches

    unpacked: list[str] = []

    class Batch(list[Any]):
        def column(self, path: str) -> Sequence[Any] | None:
            unpacked.append(path)
            return [getattr(row, path) for row in self] if path == "number" else None

    rows = [SimpleNamespace(number=number, name=f"n{number}", unused=0) for number in range(6)]
    kept = [Batch(rows[:2]), Batch(), rows[2:3], Batch(rows[3:])]

    @table(
        Column("number", int, "number", "A number."),
        Column("name", str, "name", "Its name."),
        Column("unused", int, "unused", "Nothing."),
    )
    def batched(system: object) -> Batches:
        """Numbers."""
        return Batches(kept)

    monkeypatch.setattr(registry, "table_names", lambda: ("batched",))
    monkeypatch.setattr(registry, "view_names", lambda: ())
    monkeypatch.setattr(registry, "table", lambda name: batched)
    engine = Engine()
    every = [(number, f"n{number}") for number in range(6)]

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return [tuple(row.values()) for row in engine.query(sql)]

    assert ask("SELECT number, name FROM batched") == every
    assert set(unpacked) == {"number", "name"}
    assert ask("SELECT number, name FROM batched WHERE name = 'n4'") == every[4:5]
    assert ask("SELECT number, name FROM batched WHERE number = 2 OR name = 'n5'") == [every[2], every[5]]
    assert ask("SELECT a.number, b.name FROM batched a CROSS JOIN batched b ON b.number = a.number") == every
    assert ask("SELECT a.number, b.name FROM batched a CROSS JOIN batched b ON b.name = a.name") == every
    assert ask("SELECT count(*) FROM batched") == [(6,)]


@pytest.mark.parametrize(
    "where", ["= '80' || char(0) || 'x'", ">= '80' || char(0)", "IN ('80' || char(0), 9)", "IS '80' || char(0)"]
)
def test_a_number_in_a_text_ends_at_a_nul_as_sqlite_has_it(where: str, fake: FakeRoot) -> None:
    fake.net("tcp", *PORTS)
    engine = Engine(root=str(fake.path), write=True)
    with engine.snapshot():
        engine.query("CREATE TABLE copy(local_port INTEGER); INSERT INTO copy SELECT local_port FROM sockets")
        ask = "SELECT count(*) AS n FROM {} WHERE local_port " + where
        assert engine.query(ask.format("sockets")) == engine.query(ask.format("copy"))


@pytest.mark.parametrize("sql", ["SELECT CAST(x'ff' AS TEXT)", "SELECT pid FROM sockets WHERE path = CAST(x'ff' AS TEXT)"])
def test_a_text_that_is_no_utf8_is_a_mistake_that_is_told(sql: str, fake: FakeRoot, engine: Engine) -> None:
    fake.net("tcp", *PORTS)
    with pytest.raises(QueryError, match="not UTF-8"):
        engine.query(sql)
