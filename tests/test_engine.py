"""The engine over a made-up system: what is read, what is refused, and one look per statement."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

import pytest

from sqlports import Engine, Interrupted, QueryError, QueryTimeout, Refused
from sqlports.schema import Column, TableError, Values, table
from sqlports.sources.snapshot import Snapshot

from .conftest import FakeRoot

ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"


def reads(engine: Engine, sql: str) -> dict[str, int]:
    """What a statement reads."""
    with engine.snapshot() as system:
        engine.query(sql)
        return dict(system.reads)


def test_a_column_reads_its_own_file_once_for_each_process(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid, f"p{pid}")
    assert reads(engine, "SELECT pid FROM processes") == {"pids": 1}
    assert reads(engine, "SELECT pid, name, parent, state FROM processes") == {"pids": 1, "stat": 3}


def test_a_cheap_filter_spares_the_expensive_columns(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid, f"p{pid}")
    sql = "SELECT cmdline, path FROM processes WHERE name = 'p42'"
    assert reads(engine, sql) == {"pids": 1, "stat": 3, "cmdline": 1, "exe": 1}


def test_one_process_by_number_reads_no_other(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid)
    assert reads(engine, "SELECT name FROM processes WHERE pid = 42") == {"stat": 1}
    assert reads(engine, "SELECT name FROM processes WHERE pid IN (41, 42, 9999)") == {"stat": 2}


def test_a_self_join_reads_every_file_once(fake: FakeRoot, engine: Engine) -> None:
    for pid in range(40, 60):
        fake.process(pid, parent=pid - 1)
    sql = "SELECT count(*) FROM processes a JOIN processes b ON b.pid = a.parent JOIN processes c ON c.parent = a.pid"
    assert reads(engine, sql) == {"pids": 1, "stat": 20}


def test_sockets_without_owner_columns_walk_no_handles(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    sql = "SELECT local_address, local_port, uid FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN'"
    assert reads(engine, sql) == {"tcp ipv4": 1, "tcp ipv6": 1}


def test_owners_cost_one_walk_however_often_they_are_used(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.process(43, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    read = reads(engine, "SELECT a.pid, b.fd FROM sockets a JOIN sockets b USING (pid) JOIN handles USING (inode)")
    assert (read["walk"], read["fd"], read["tcp ipv4"], read["pids"]) == (1, 2, 1, 1)


def test_each_statement_takes_its_own_look(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    assert engine.query("SELECT count(*) AS n FROM processes") == [{"n": 1}]
    fake.process(43)
    assert engine.query("SELECT count(*) AS n FROM processes") == [{"n": 2}]
    assert engine.snapshot_now is None


def test_a_held_snapshot_does_not_move(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    with engine.snapshot():
        assert engine.query("SELECT pid FROM processes") == [{"pid": 42}]
        fake.process(43)
        assert engine.query("SELECT pid FROM processes") == [{"pid": 42}]
    assert len(engine.query("SELECT pid FROM processes")) == 2


def test_a_result_left_half_read_gives_up_its_snapshot(fake: FakeRoot, engine: Engine) -> None:
    for pid in (41, 42, 43):
        fake.process(pid)
    for result in engine.run("SELECT pid FROM processes"):
        next(iter(result))
        assert engine.snapshot_now is not None
        result.close()
        assert engine.snapshot_now is None


def test_the_oldest_holder_owns_a_shared_socket_and_init_only_alone(fake: FakeRoot, engine: Engine) -> None:
    fake.process(1, "init", parent=0, start=1, fds={9: "socket:[501]", 8: "socket:[502]"})
    fake.process(50, start=300, fds={3: "socket:[501]"})
    fake.process(60, start=200, fds={7: "socket:[501]", 4: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:0051 00000000:0000 0A 502")
    rows = engine.query("SELECT pid, fd, owners, owner_reason FROM sockets WHERE protocol = 'tcp' ORDER BY local_port")
    assert [tuple(row.values()) for row in rows] == [(60, 4, 3, "owned"), (1, 8, 1, "owned")]
    assert len(engine.query("SELECT DISTINCT handles.pid FROM handles JOIN sockets USING (inode) WHERE inode = 501")) == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0100007F:0050 0100007F:C001 06 0", "time_wait"),
        ("0100007F:0050 0100007F:C001 03 0", "syn_recv"),
        ("0100007F:0050 0100007F:C001 01 0", "accept_queue"),
        ("0100007F:0050 0100007F:C001 08 0", "accept_queue"),
        ("0100007F:0050 0100007F:C001 04 0", "orphan"),
        ("0100007F:0050 0100007F:C001 09 0", "orphan"),
        ("0100007F:0050 0100007F:C001 01 999", "unknown"),
    ],
)
def test_a_socket_without_owner_says_why(row: str, reason: str, fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.net("tcp", row)
    assert engine.query("SELECT pid, owners, owner_reason FROM sockets WHERE protocol = 'tcp'") == [
        {"pid": None, "owners": 0, "owner_reason": reason}
    ]


def test_a_process_born_during_the_walk_is_found_as_owner(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    with engine.snapshot() as system:
        system.pids()
        fake.process(43, fds={3: "socket:[501]"})
        assert engine.query("SELECT pid FROM sockets WHERE protocol = 'tcp'") == [{"pid": 43}]


def test_a_handle_that_is_a_file_never_joins_a_socket_of_the_same_number(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "/tmp/socket:[501]", 4: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    assert engine.query("SELECT h.fd FROM handles h JOIN sockets USING (inode)") == [{"fd": 4}]


def test_a_file_on_a_network_mount_is_never_asked_for(fake: FakeRoot, engine: Engine) -> None:
    directory = fake.process(42, fds={3: "/mnt/dead (deleted)"})
    (directory / "fd" / "3").unlink()
    # To follow this link would fail; only its text may be used.
    (directory / "fd" / "3").symlink_to("/proc/self/nothing/there (deleted)")
    [row] = engine.query("SELECT type, target, deleted, access, flags, offset FROM handles")
    assert tuple(row.values()) == (
        None,
        "/proc/self/nothing/there (deleted)",
        None,
        "rw",
        "O_NONBLOCK|O_CLOEXEC",
        7,
    )
    [told] = engine.query("SELECT pid, reason FROM scan_errors")
    assert told == {"pid": 42, "reason": "type not asked for: it could hang on nfs4"}


def test_a_thread_is_no_process(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.process(43, tgid=42)
    assert engine.query("SELECT pid FROM processes WHERE pid = 43") == []
    assert engine.query("SELECT pid FROM processes WHERE pid IN (42, 43, -1, 99999999999)") == [{"pid": 42}]


def test_a_process_that_ended_since_it_was_listed_is_no_row(fake: FakeRoot, engine: Engine) -> None:
    import shutil

    fake.process(42)
    fake.process(43)
    with engine.snapshot() as system:
        system.pids()
        shutil.rmtree(fake.proc / "43")
        assert engine.query("SELECT pid, cmdline FROM processes") == [{"pid": 42, "cmdline": "sh"}]
        assert engine.query("SELECT * FROM scan_errors") == []


def test_a_part_lost_when_the_process_ended_in_between_is_explained(fake: FakeRoot, engine: Engine) -> None:
    directory = fake.process(42)
    with engine.snapshot():
        assert engine.query("SELECT name FROM processes") == [{"name": "sh"}]
        (directory / "io").unlink()
        assert engine.query("SELECT name, disk_bytes_read FROM processes WHERE name = 'sh'") in (
            [],
            [{"name": "sh", "disk_bytes_read": None}],
        )
        [row] = engine.query("SELECT source, pid, reason FROM scan_errors")
        assert row == {"source": "/proc/PID/io", "pid": 42, "reason": "ended"}


def test_what_cannot_be_read_is_null_and_counted(fake: FakeRoot, engine: Engine) -> None:
    directory = fake.process(42)
    (directory / "io").unlink()
    (directory / "io").mkdir()
    assert engine.query("SELECT pid, disk_bytes_read FROM processes") == [{"pid": 42, "disk_bytes_read": None}]
    assert engine.query("SELECT * FROM scan_errors") == [
        {"source": "/proc/PID/io", "pid": 42, "errno": 21, "reason": "Is a directory", "count": 1}
    ]
    engine.query("SELECT pid FROM processes")
    assert engine.query("SELECT * FROM scan_errors") == []


def test_a_file_that_cannot_be_parsed_is_an_error_with_its_name(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.write("proc/42/stat", "rubbish")
    with pytest.raises(QueryError, match="/proc/PID/stat cannot be parsed"):
        engine.query("SELECT name FROM processes")


def test_no_proc_at_all_is_a_clear_error(tmp_path: Path) -> None:
    engine = Engine(root=str(tmp_path / "nowhere"))
    with pytest.raises(QueryError, match=r"nowhere/proc.*No such file"):
        engine.query("SELECT * FROM processes")


def test_a_missing_socket_file_is_unsupported_and_not_none(fake: FakeRoot, engine: Engine) -> None:
    (fake.proc / "net/udp6").unlink()
    assert engine.query("SELECT * FROM sockets WHERE protocol = 'udp'") == []
    assert engine.query("SELECT source, reason FROM scan_errors") == [
        {"source": "/proc/net/udp6", "reason": "the kernel has no such file"}
    ]


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


def test_an_endless_query_ends_at_its_time_and_the_engine_lives(fake: FakeRoot) -> None:
    engine = Engine(root=str(fake.path), timeout=0.2)
    with pytest.raises(QueryTimeout, match=r"0\.2 s"):
        engine.query(ENDLESS)
    assert engine.query("SELECT 1 AS a") == [{"a": 1}]
    assert engine.snapshot_now is None


def test_a_slow_source_is_stopped_between_its_steps(fake: FakeRoot, monkeypatch: pytest.MonkeyPatch) -> None:
    for pid in range(40, 60):
        fake.process(pid)
    engine = Engine(root=str(fake.path), timeout=0.05)
    visited = []

    def slow(self: Snapshot, pid: int) -> None:
        visited.append(pid)
        time.sleep(0.02)

    monkeypatch.setattr(Snapshot, "process", slow)
    with pytest.raises(QueryTimeout):
        engine.query("SELECT pid FROM processes")
    assert len(visited) < 20
    assert engine.snapshot_now is None


def test_another_thread_may_interrupt(engine: Engine) -> None:
    timer = threading.Timer(0.1, engine.interrupt)
    timer.start()
    with pytest.raises(Interrupted):
        engine.query(ENDLESS)
    timer.join()
    assert engine.query("SELECT 1 AS a") == [{"a": 1}]


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


def test_columns_are_known_without_rows(engine: Engine) -> None:
    [result] = engine.run("SELECT pid, pid AS other FROM processes WHERE 0")
    assert (result.columns, list(result)) == (("pid", "other"), [])


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


def test_a_caret_stands_right_below_wide_and_written_out_characters(engine: Engine) -> None:
    with pytest.raises(QueryError) as wrong:
        engine.query("SELECT '日本\t\x1b', nam FROM processes")
    [_, line, caret] = str(wrong.value).splitlines()
    assert line == "line 1: SELECT '日本\\t\\x1b', nam FROM processes"
    # Each of the two wide characters takes two columns.
    assert caret.index("^") == line.index("nam") + 2


def test_an_interrupt_between_two_statements_ends_the_script(engine: Engine) -> None:
    script = engine.run("SELECT 1 AS a; SELECT 2 AS b")
    assert list(next(script)) == [(1,)]
    engine.interrupt()
    with pytest.raises(Interrupted):
        next(script)
    assert engine.query("SELECT count(*) > 100 AS many FROM pragma_function_list") == [{"many": 1}]


def test_all_sockets_are_listed_before_their_holders_are_looked_for(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    fake.net("udp", "0100007F:0051 00000000:0000 07 502")
    rows = []
    for result in engine.run("SELECT local_port, pid FROM sockets"):
        for row in result:
            # This comes too late for the walk to find, and its socket is one that was listed before it.
            if not rows:
                fake.process(43, fds={3: "socket:[502]"})
            rows.append(row)
    assert rows == [(80, 42), (81, 43)]


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


def test_sockets_come_from_the_files_when_the_kernel_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlports.sources import sock_diag
    from sqlports.sources.records import Unsupported

    def refuse(request: bytes) -> object:
        raise Unsupported("sock_diag", "no netlink socket")

    if not Path("/proc/net/tcp").exists():
        pytest.skip("needs a Linux /proc")
    monkeypatch.setattr(sock_diag, "exchange", refuse)
    engine = Engine()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sql = "SELECT pid, fd, state FROM sockets WHERE port = :port AND protocol = 'tcp' AND family = 'ipv4'"
        assert {"pid": os.getpid(), "fd": listener.fileno(), "state": "LISTEN"} in engine.query(sql, {"port": port})
    assert {"source": "sock_diag", "reason": "no netlink socket"} in engine.query("SELECT source, reason FROM scan_errors")


OSQUERY = {
    "processes": "pid name path cmdline state cwd root uid gid euid egid suid sgid on_disk wired_size resident_size total_size "
    "user_time system_time disk_bytes_read disk_bytes_written start_time parent pgroup threads nice cgroup_path",
    "users": "uid gid uid_signed gid_signed username description directory shell uuid",
    "listening_ports": "pid port protocol family address fd socket path net_namespace",
    "process_open_sockets": "pid fd socket family protocol local_address remote_address local_port remote_port path state "
    "net_namespace",
}


@pytest.mark.parametrize("name", OSQUERY)
def test_osquerys_columns_come_first_and_in_its_order(name: str, engine: Engine) -> None:
    [result] = engine.run(f"SELECT * FROM {name} LIMIT 0")
    wanted = OSQUERY[name].split()
    assert list(result.columns[: len(wanted)]) == wanted
    assert name == "processes" or len(result.columns) == len(wanted)


def test_osquerys_codes_for_a_listener_and_a_socket_without_owner(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:0050 0100007F:C001 06 0")
    fake.net("udp", "00000000:0035 00000000:0000 07 503")
    assert [tuple(row.values()) for row in engine.query("SELECT * FROM listening_ports ORDER BY port")] == [
        (-1, 53, 17, 2, "0.0.0.0", -1, 503, "", None),
        (42, 80, 6, 2, "127.0.0.1", 3, 501, "", None),
    ]
    assert [tuple(row.values()) for row in engine.query("SELECT * FROM process_open_sockets WHERE remote_port > 0")] == [
        (-1, -1, -1, 2, 6, "127.0.0.1", "127.0.0.1", 80, 49153, "", "TIME_WAIT", None)
    ]
    assert reads(engine, "SELECT * FROM process_open_sockets WHERE pid = 42").get("walk") is None


def test_the_three_joins_work_as_anybody_would_write_them(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "web", fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:1F90 00000000:0000 0A 502")
    assert len(engine.query("SELECT * FROM sockets WHERE port < 1024")) == 1
    sql = "SELECT name, service FROM sockets JOIN processes USING (pid) JOIN port_registry USING (port, protocol)"
    assert engine.query(sql) == [{"name": "web", "service": "http"}]
    assert engine.query("SELECT fd, port FROM handles JOIN sockets USING (inode)".replace("fd", "handles.fd")) == [
        {"fd": 3, "port": 80}
    ]


def test_a_bound_pointer_reaches_no_tokenizer(engine: Engine) -> None:
    for script in ("SELECT fts3_tokenizer('simple', :p)", "SELECT hex(fts3_tokenizer(:p))"):
        with pytest.raises(Refused):
            engine.query(script, {"p": "AAAAAAAA"})


@pytest.mark.parametrize("sql", ["SELECT zeroblob(900000000)", "SELECT printf('%.*c', 900000000, 'x')"])
def test_a_value_too_large_to_make_in_time_is_refused(sql: str, engine: Engine) -> None:
    with pytest.raises(QueryError, match="too big"):
        engine.query(sql)


@pytest.mark.parametrize(
    ("sql", "message"),
    [("SELECT ?", "a parameter without a name"), ("SELECT ?1", "a parameter without a name"), ("SELECT '\0'", "no SQL has")],
)
def test_what_cannot_be_asked_is_told_plainly(sql: str, message: str, engine: Engine) -> None:
    with pytest.raises(QueryError, match=message):
        engine.query(sql, {})


def test_many_statements_leave_no_descriptor_open(fake: FakeRoot, engine: Engine) -> None:
    for pid in range(40, 60):
        fake.process(pid)
    before = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(30):
        assert len(engine.query("SELECT name, uid, path FROM processes")) == 20
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.linux
def test_want_of_descriptors_is_an_error_and_no_refusal(fake: FakeRoot, engine: Engine) -> None:
    import resource

    for pid in range(40, 60):
        fake.process(pid)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    engine.query("SELECT name FROM processes WHERE pid = 40")
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, limits[1]))
    try:
        with pytest.raises(QueryError, match="Too many open files"):
            engine.query("SELECT name FROM processes")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(engine.query("SELECT name FROM processes")) == 20


def test_a_text_in_a_query_of_numbers_is_compared_as_a_number(fake: FakeRoot, engine: Engine) -> None:
    for pid, name in ((40, "7"), (41, " 7"), (42, "7.0"), (43, "x")):
        fake.process(pid, name, uid=7)
    found = engine.query("SELECT pid FROM processes WHERE name IN (SELECT uid FROM processes)")
    assert {row["pid"] for row in found} == {40, 41, 42}
    assert engine.query("SELECT pid FROM processes WHERE name IN (7)") == [{"pid": 40}]


def test_two_columns_of_one_name_are_two(engine: Engine) -> None:
    assert engine.query("SELECT 1 AS pid, 2 AS pid, 3 AS pid") == [{"pid": 1, "pid:1": 2, "pid:2": 3}]
