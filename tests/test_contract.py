"""What every table promises by existing: a search finds exactly what a scan finds, and says what it declared."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import pytest

from sqlports import Engine, compare, registry
from sqlports.about import known
from sqlports.schema import Column, Table
from sqlports.sources import rpcbind
from sqlports.sources.rpc_messages import registrations

from .conftest import FakeRoot, login
from .test_rpc_services import ANSWER

TABLES = registry.table_names()

# What is taken for a table of every port, which has no more to show than one of the first and some high ones; and for those
# that have rows for what they are asked and no other.
ASKED = {
    "port_registry": "{}port < 100 OR {}port > 65500",
    "port_names": "{}port < 100 OR {}port > 48600",
    "file": "{}directory = '/etc'",
    "hash": "{}directory = '/etc'",
    "port_conflicts": "{}port = 80",
    "free_ports": "{}port BETWEEN 16300 AND 16359",
}


def some(name: str, alias: str = "", word: str = "WHERE") -> str:
    """The condition that makes a table small, or have rows at all."""
    return f" {word} ({ASKED[name].replace('{}', alias)})" if name in ASKED else ""


def test_a_table_that_must_be_asked_is_asked_here() -> None:
    assert {name for name in TABLES if registry.table(name).needed} <= set(ASKED)


@pytest.fixture
def populated(fake: FakeRoot, monkeypatch: pytest.MonkeyPatch) -> FakeRoot:
    """Processes, sockets, handles and names with every kind of likeness between them."""
    fake.process(1, "init", parent=0, start=1, fds={3: "socket:[501]", 4: "pipe:[9]"})
    fake.process(2, "7", parent=1, uid=1000, fds={3: "socket:[501]", 5: "/etc/passwd"})
    fake.process(42, "SH", parent=2, uid=1000, fds={0: "/dev/null", 1: "anon_inode:[eventfd]", 6: "socket:[502]"})
    unreadable = fake.process(43, "sh", parent=2, uid=65534, exe=None, argv=b"")
    (unreadable / "io").unlink()
    (unreadable / "io").mkdir()
    fake.net(
        "tcp",
        "0100007F:0050 00000000:0000 0A 501",
        "0100007F:0050 0100007F:C001 01 502 1000",
        "0100007F:C001 0100007F:0050 06 0",
    )
    fake.net("udp", "00000000:0035 00000000:0000 07 503 1000")
    fake.write("proc/uptime", "90061.50 1.00\n")
    fake.write("proc/loadavg", "0.50 0.25 1.00 1/99 1234\n")
    fake.write("proc/meminfo", "MemTotal:  2048 kB\nMemFree:  7 kB\n")
    fake.write("proc/version", "Linux version 6.1.0-9-amd64 (who@where) #1 SMP\n")
    fake.write("proc/cmdline", "BOOT_IMAGE=/boot/vmlinuz root=/dev/sda1 ro quiet\n")
    fake.write("proc/cpuinfo", "processor\t: 0\nmodel\t\t: 7\nmodel name\t: CPU of 3 GHz\n")
    fake.write("proc/modules", "nf_tables 7 2 nft_ct,nft_log, Live 0x0000000000000000\next4 7 0 - Live 0xffffffffc0000000\n")
    fake.write(
        "proc/sysvipc/shm",
        "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime"
        "      ctime                   rss                  swap\n"
        "         0          7  1600                  4096    42     1      1  1000  1000  1000  1000          7          0"
        "        100                     0                     0\n",
    )
    fake.write("run/utmp", login(2, "reboot", "~", "6.1", 100) + login(7, "ann", "pts/0", "10.0.0.7", 200, 42))
    fake.write(
        "proc/net/unix",
        "Num RefCount Protocol Flags Type St Inode Path\n0: 00000002 00000000 00010000 0001 01 504 /run/x y\n",
    )
    fake.write("etc/osquery/osquery.conf", '{"schedule": {"q": {"query": "SELECT 1"}}, "packs": {"p": {"queries": {}}}}')
    # Of a root that is not this system's no rpcbind is asked.
    monkeypatch.setattr(rpcbind, "read", lambda root: registrations(ANSWER, 4))
    return fake


@pytest.fixture
def oracle(populated: FakeRoot) -> Iterator[Engine]:
    """An engine that may keep plain copies of its tables, for SQLite to search by itself."""
    engine = Engine(root=str(populated.path), write=True)
    yield engine
    engine.close()


def literal(value: Any) -> str:
    if value is None:
        return "NULL"
    return "'" + value.replace("'", "''") + "'" if isinstance(value, str) else repr(value)


def conditions(column: Column, values: list[Any], other: tuple[str, Any]) -> Iterator[str]:
    """Every way to search by a column."""
    name = f'"{column.name}"'
    many = ", ".join(map(literal, values))
    yield from (f"{name} IN ({many})", f"{name} IN ({many}, NULL, 'zzz', 3.5)", f"{name} IS NULL", f"{name} IN ()")
    for value in values[:3]:
        text = literal(value)
        yield from (f"{name} = {text}", f"{text} = {name}", f"{name} IS {text}", f"{name} = {text} COLLATE NOCASE")
        yield f'{name} = {text} AND "{other[0]}" IS {literal(other[1])}'
        yield f'{name} = {text} OR "{other[0]}" IS {literal(other[1])}'
        yield f"{name} NOT IN ({text})"
        yield from (f"{name} {operator} {text}" for operator in (">", ">=", "<", "<=", "<>"))
        if column.kind is int and value is not None:
            yield from (f"{name} = '{value}'", f"{name} = ' {value} '", f"{name} = {value}.0", f"{name} = {value}.5")
            yield from (f"{name} = '{value}x'", f"{name} > {value} - 0.5 AND {name} < {value} + 0.5", f"{name} = x'31'")
            yield from (
                f"{name} BETWEEN {value} AND {value} + 40",
                f"{name} > '{value}'",
                f"{name} < 'a'",
                f"{name} > 'a'",
            )
            yield from (
                f"{name} >= {value} AND {name} = {value}",
                f"{name} < -1e300",
                f"{name} < 1e300",
                f"{name} <= NULL",
            )
        if column.kind is str and value is not None:
            yield from (
                f"{name} LIKE {text}",
                f"{name} = upper({text})",
                f"{name} = 7",
                f"{name} IN (7, 43)",
                f"{name} = 7.0",
            )


def sample(rows: list[tuple[Any, ...]], position: int) -> list[Any]:
    values = list(dict.fromkeys(row[position] for row in rows if row[position] is not None))
    return [*islice(values, 3), *values[-1:]] or [None]


@pytest.mark.parametrize("name", TABLES)
def test_a_search_finds_exactly_what_a_scan_finds(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    with oracle.snapshot():
        connection = oracle.connection
        list(connection.execute("SELECT sum(disk_bytes_read), count(sockets.pid) FROM processes, sockets, handles"))
        connection.execute(table.sql.replace(f"TABLE {name}(", "TABLE copy(").replace(" HIDDEN", ""))
        connection.execute(f"INSERT INTO copy SELECT {columns} FROM {name}{some(name)}")
        rows = list(connection.execute("SELECT * FROM copy"))
        assert rows
        checked = 0
        for position, column in enumerate(table.columns):
            if column.name in table.asked:
                continue  # another value asks another question, and has rows of its own
            follower = (position + 1) % len(table.columns)
            other = (table.columns[follower].name, rows[-1][follower])
            for condition in conditions(column, sample(rows, position), other):
                both = f"({condition}){some(name, word='AND')}"
                expected = sorted(connection.execute(f"SELECT {columns} FROM copy WHERE {both}"), key=str)
                found = sorted(connection.execute(f"SELECT {columns} FROM {name} WHERE {both}"), key=str)
                assert found == expected, condition
                checked += bool(found)
        assert checked


@pytest.mark.parametrize("name", TABLES)
def test_a_join_finds_the_same_from_either_side(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    with oracle.snapshot():
        connection = oracle.connection
        list(connection.execute("SELECT sum(disk_bytes_read), count(sockets.pid) FROM processes, sockets, handles"))
        connection.execute(table.sql.replace(f"TABLE {name}(", "TABLE copy(").replace(" HIDDEN", ""))
        connection.execute(
            f"INSERT INTO copy SELECT {', '.join(f'{column.name}' for column in table.columns)} FROM {name}{some(name)}"
        )
        for column in table.columns:
            expected = list(connection.execute(f"SELECT count(*) FROM copy a JOIN copy b ON a.{column.name} = b.{column.name}"))
            for first, second in (("copy a", f"{name} b"), (f"{name} b", "copy a")):
                sql = f"SELECT count(*) FROM {first} CROSS JOIN {second} ON a.{column.name} = b.{column.name}{some(name, 'b.')}"
                assert list(connection.execute(sql)) == expected, sql


@pytest.mark.parametrize("name", TABLES)
def test_a_column_alone_equals_the_same_column_of_all(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    names = [column.name for column in table.columns]
    with oracle.snapshot():
        few = f"{some(name)} LIMIT 300"
        whole = list(oracle.connection.execute(f"SELECT {', '.join(names)} FROM {name}{few}"))
        for position, column in enumerate(names):
            alone = [row[0] for row in oracle.connection.execute(f"SELECT {column} FROM {name}{few}")]
            assert alone == [row[position] for row in whole], column


@pytest.mark.parametrize("name", TABLES)
def test_every_value_has_the_type_of_its_column(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    names = ", ".join(column.name for column in table.columns)
    rows = list(oracle.connection.execute(f"SELECT {names} FROM {name}{some(name)} LIMIT 500"))
    for position, column in enumerate(table.columns):
        assert {type(row[position]) for row in rows} <= {column.kind, type(None)}, column.name


def of_choices(name: str, engine: Engine) -> dict[str, tuple[str, ...]]:
    """The columns of a table or view whose values are known and few, and these."""
    return {column.name: column.choices for column in known.columns(name, engine.connection) if column.choices}


@pytest.mark.parametrize("name", [*TABLES, *registry.view_names()])
def test_a_column_with_choices_never_has_another_value(name: str, oracle: Engine) -> None:
    for column, choices in of_choices(name, oracle).items():
        found = {row[0] for row in oracle.connection.execute(f"SELECT DISTINCT {column} FROM {name}{some(name)}")}
        assert found <= {*choices, None}, column
        assert len(choices) == len(set(choices)) > 1, column


@pytest.mark.linux
@pytest.mark.parametrize("name", [*TABLES, *registry.view_names()])
def test_nor_has_it_on_this_machine(name: str, live: Engine) -> None:
    for column, choices in of_choices(name, live).items():
        found = {row[0] for row in live.connection.execute(f"SELECT DISTINCT {column} FROM {name}{some(name)}")}
        assert found <= {*choices, None}, column


@pytest.mark.parametrize("name", TABLES)
def test_only_texts_have_choices(name: str) -> None:
    assert all(column.kind is str and column.path for column in registry.table(name).columns if column.choices)


@pytest.mark.parametrize("name", TABLES)
def test_the_declared_key_tells_every_row_from_every_other(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    if not table.key:
        pytest.skip("declares none")
    key = ", ".join(table.key)
    assert not list(oracle.connection.execute(f"SELECT {key} FROM {name}{some(name)} GROUP BY {key} HAVING count(*) > 1"))


@pytest.mark.parametrize("name", TABLES)
def test_the_examples_run(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    assert table.examples, "a table shows how it is asked"
    for example in table.examples:
        oracle.query(example)


@pytest.mark.parametrize("name", TABLES)
def test_hidden_columns_are_left_out_of_select_all(name: str, oracle: Engine) -> None:
    [result] = oracle.run(f"SELECT * FROM {name}{some(name)} LIMIT 0")
    assert list(result.columns) == [column.name for column in registry.table(name).columns if not column.hidden]


# What people join by: columns that mean the same.
FAMILIES = (
    ("pid", "parent", "pgroup", "session"),
    ("inode", "peer_inode"),
    ("uid", "euid"),
    ("port", "local_port", "remote_port"),
)


def columns_of(family: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, column) for name in TABLES for column in family if column in registry.table(name).position]


JOINS = [(*left, *right) for family in FAMILIES for left, right in product(columns_of(family), repeat=2)]


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> FakeRoot:
    """Eighty processes, each with a socket: made once, for all joins that look at it."""
    fake = FakeRoot(tmp_path_factory.mktemp("crowd"))
    for number in range(1, 81):
        pid = 1000 + number
        fake.process(pid, f"p{number}", parent=pid - 1, uid=2000 + number, fds={3: f"socket:[{5000 + number}]"})
    fake.net("tcp", *(f"0100007F:{4000 + n:04X} 00000000:0000 0A {5000 + n} {2000 + n}" for n in range(1, 81)))
    return fake


@pytest.mark.parametrize(("left", "on", "right", "by"), JOINS)
def test_a_join_looks_at_each_row_a_few_times_and_not_at_every_pair(
    left: str, on: str, right: str, by: str, crowd: FakeRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    visited = 0
    original = Table.__call__

    def counted(self: Table, *arguments: Any, **searched: Any) -> Iterator[Any]:
        nonlocal visited
        for row in original(self, *arguments, **searched):
            visited += 1
            yield row

    monkeypatch.setattr(Table, "__call__", counted)
    limits = ["x.port BETWEEN 16300 AND 16600" if left == "port_registry" else some(left, "x.", "")]
    limits.append("" if right == "port_registry" else some(right, "y.", ""))
    limit = " AND ".join(filter(None, limits)) or "1"
    with Engine(root=str(crowd.path)) as engine:
        [row] = engine.query(f"SELECT count(*) AS n FROM {left} x CROSS JOIN {right} y ON y.{by} = x.{on} WHERE {limit}")
    # Once for the outer side, once for the first look-up, once for the index, then the rows that match.
    assert visited <= (700 if left == "port_registry" else 0) + 80 + 3 * 80 + 4 * row["n"]


@pytest.mark.linux
@pytest.mark.parametrize("name", TABLES)
def test_search_equals_scan_on_this_machine_too(name: str, live: Engine) -> None:
    table = registry.table(name)
    with live.snapshot():
        told = [column for column in table.columns if not column.hidden and column.path]
        names = ", ".join(column.name for column in told)
        asked = "" if name == "port_registry" else some(name)
        rows = list(live.connection.execute(f"SELECT {names} FROM {name}{asked} LIMIT 400"))
        everything = rows if len(rows) < 400 else None
        for position, column in enumerate(told):
            for value in sample(rows, position)[:2]:
                if value is None or everything is None:
                    continue
                only = some(name, word="AND") if asked else ""
                sql = f"SELECT {names} FROM {name} WHERE {column.name} = ?{only}"
                found = list(live.connection.execute(sql, (value,)))
                assert sorted(found, key=str) == sorted((row for row in everything if row[position] == value), key=str)


@pytest.mark.parametrize("name", [name for name in TABLES if registry.table(name).find])
def test_a_row_that_is_found_by_its_key_is_the_row_of_a_scan(name: str, oracle: Engine) -> None:
    table = registry.table(name)
    names = ", ".join(column.name for column in table.columns)
    with oracle.snapshot():
        rows = list(oracle.connection.execute(f"SELECT {names} FROM {name}{some(name)}"))
        for row in rows:
            key = [row[table.position[column]] for column in table.key]
            # Otherwise SQLite might take one of them for a number, and it is not asked again.
            assert not any(isinstance(part, str) and compare.number(part) is not None for part in key)
            equal = " AND ".join(f"{column} = ?" for column in table.key)
            assert list(oracle.connection.execute(f"SELECT {names} FROM {name} WHERE {equal}", key)) == [row]
