"""osquery's tables of accounts and of what processes have: its columns, types and order, so that its queries run unchanged."""

from __future__ import annotations

import pytest

from sqlports import Engine, QueryError, registry

from .conftest import FakeRoot, login, own

# Name and type as osquery declares them; BIGINT and INTEGER are one here. Behind the bar what `SELECT *` leaves out.
COLUMNS = {
    "process_open_files": "pid int, fd int, path str |",
    "process_open_pipes": "pid int, fd int, mode str, inode int, type str, partner_pid int, partner_fd int, partner_mode str |",
    "process_envs": "pid int, key str, value str |",
    "process_memory_map": "pid int, start str, end str, permissions str, offset int, device str, inode int, path str, "
    "pseudo int |",
    "process_namespaces": "pid int, cgroup_namespace str, ipc_namespace str, mnt_namespace str, net_namespace str, "
    "pid_namespace str, user_namespace str, uts_namespace str |",
    "users": "uid int, gid int, uid_signed int, gid_signed int, username str, description str, directory str, shell str, "
    "uuid str | type str, is_hidden int, pid_with_namespace int, include_remote int",
    "groups": "gid int, gid_signed int, groupname str | group_sid str, comment str, is_hidden int, pid_with_namespace int",
    "user_groups": "uid int, gid int |",
    "logged_in_users": "type str, user str, tty str, host str, time int, pid int | sid str, registry_hive str",
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_are_osquerys_with_its_types_in_its_order(name: str) -> None:
    found = [
        ", ".join(f"{column.name} {column.kind.__name__}" for column in registry.table(name).columns if column.hidden == hidden)
        for hidden in (False, True)
    ]
    assert " | ".join(found).strip() == COLUMNS[name]


def test_a_uuid_is_compared_as_osquery_compares_it() -> None:
    assert [column.name for column in registry.table("users").columns if column.collate == "NOCASE"] == ["uuid"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT p.name, e.value FROM process_envs e JOIN processes p USING (pid) WHERE e.key = 'LD_PRELOAD'",
        "SELECT pr.pid, pr.name, m.path FROM process_memory_map m JOIN processes pr USING (pid) WHERE m.pseudo = 0 "
        "AND m.path LIKE '/tmp/%'",
        "SELECT u.username, g.groupname FROM users u LEFT JOIN user_groups ug ON u.uid = ug.uid LEFT JOIN groups g "
        "ON ug.gid = g.gid WHERE g.groupname IN ('sudo', 'wheel', 'staff')",
        "SELECT l.user, l.host, p.cmdline FROM logged_in_users l LEFT JOIN processes p ON p.pid = l.pid WHERE l.type = 'user'",
        "SELECT p.path, f.path FROM processes p LEFT JOIN process_namespaces n ON p.pid = n.pid LEFT JOIN process_open_files f "
        "ON f.pid = p.pid WHERE n.mnt_namespace IS NOT NULL OR f.path IS NOT NULL",
        "SELECT * FROM process_open_pipes a JOIN processes p ON p.pid = a.partner_pid WHERE a.mode = 'r'",
    ],
)
def test_queries_as_they_are_written_for_osquery_run(sql: str, fake: FakeRoot, engine: Engine) -> None:
    fake.process(10, fds={0: "pipe:[9]", 1: "/tmp/x"})
    fake.process(11, fds={0: "pipe:[9]"})
    fake.write("proc/11/fdinfo/0", "pos:\t0\nflags:\t01\nmnt_id:\t15\n")
    fake.write("proc/10/fdinfo/0", "pos:\t0\nflags:\t00\nmnt_id:\t15\n")
    fake.write("proc/10/environ", b"LD_PRELOAD=/x.so\0")
    fake.write("proc/10/maps", "00400000-00452000 r-xp 00000000 08:01 5      /tmp/x.so\n")
    fake.write("run/utmp", login(7, "ann", "pts/0", "", 5, 10))
    assert own(engine, sql)


@pytest.mark.parametrize("column", ["pid", "fd", "socket", "family", "protocol", "port", "local_port", "remote_port"])
def test_a_number_of_a_socket_is_compared_with_a_text_as_osquery_compares_it(
    column: str, fake: FakeRoot, engine: Engine
) -> None:
    fake.process(10, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:0051 00000000:0000 0A 502")
    table = "listening_ports" if column == "port" else "process_open_sockets"
    rows = engine.query(f"SELECT {column} AS value, typeof({column}) AS type FROM {table}")
    assert rows
    assert {row["type"] for row in rows} == {"integer"}
    for value in {row["value"] for row in rows}:
        counts = [
            engine.query(f"SELECT count(*) AS n FROM {table} WHERE {column} {condition}")[0]["n"]
            for condition in (f"= {value}", f"= '{value}'", f"IN ('{value}', 'x')")
        ]
        assert counts == [sum(row["value"] == value for row in rows)] * 3


def test_a_word_for_the_code_of_a_socket_is_told(engine: Engine) -> None:
    for table in ("listening_ports", "process_open_sockets"):
        [result] = engine.run(f"SELECT pid FROM {table} WHERE protocol = 'tcp' AND family = '2'")
        assert result.notes == ["protocol is a number, and 'tcp' is none"]
    [result] = engine.run("SELECT l.pid FROM listening_ports l JOIN sockets s USING (pid) WHERE s.protocol = 'tcp'")
    assert result.notes == []


def test_a_column_that_only_one_table_has_in_osquery_is_that_ones(fake: FakeRoot, engine: Engine) -> None:
    fake.process(10, name="login")
    fake.write("run/utmp", login(7, "ann", "pts/3", pid=10))
    for result in engine.run("SELECT l.user, tty FROM logged_in_users l JOIN processes USING (pid) WHERE tty = 'pts/3'"):
        assert list(result) == [("ann", "pts/3")]
        assert result.notes == ["tty is read as l.tty, as osquery has it: write that"]


def test_what_is_two_tables_in_osquery_too_stays_ambiguous(engine: Engine) -> None:
    for sql in (
        "SELECT pid FROM processes JOIN process_envs",
        "SELECT tty FROM processes JOIN processes p USING (pid)",
        "SELECT net_namespace FROM sockets JOIN processes USING (pid)",
    ):
        with pytest.raises(QueryError, match="ambiguous column name"):
            engine.query(sql)


def test_an_engine_in_osquerys_dialect_has_its_columns_and_its_words_for_nothing(fake: FakeRoot) -> None:
    fake.process(10, exe=None)
    with Engine(root=str(fake.path), osquery=True) as engine:
        [row] = engine.query("SELECT * FROM processes")
        assert list(row)[-1] == "cgroup_path"
        assert engine.query("SELECT pid FROM processes WHERE path = '' AND on_disk = -1") == [{"pid": 10}]
        with pytest.raises(QueryError, match="no such column: started"):
            engine.query("SELECT started FROM processes")
