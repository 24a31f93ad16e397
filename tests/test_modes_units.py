"""Human units: which column counts what is read from its doc, and its numbers are said as people say them."""

from __future__ import annotations

import json
import re
import time

import pytest

from sqlports import Engine, modes, registry
from sqlports.units import UNITS, said, unit_of

from .conftest import FakeRoot, command
from .written import values

NUMERIC = [
    (name, column) for name in registry.table_names() for column in registry.table(name).columns if column.kind is not str
]


# Of a moment or a span that is told in parts each is a number and no time by itself.
PARTS = {(table, part) for table in ("time", "uptime") for part in ("days", "hour", "hours", "minutes", "seconds")}


def test_every_column_whose_doc_speaks_of_a_unit_has_it() -> None:
    spoken = re.compile(
        r"\b(bytes?|(milli|micro|nano)?seconds?|minutes?|hours?|percent|1970|kB|[KMG]iB|pages|ticks|ms)\b", re.I
    )
    lacking = [
        f"{table}.{column.name}"
        for table, column in NUMERIC
        if spoken.search(column.doc) and (table, column.name) not in PARTS and not unit_of(table, column.name)
    ]
    assert lacking == []


def test_every_column_whose_name_speaks_of_a_unit_has_it() -> None:
    spoken = re.compile(r"bytes|_size$|^size$|_memory$|^(read|write)?_?rtt|percent$")
    lacking = [
        f"{table}.{column.name}"
        for table, column in NUMERIC
        if column.path and spoken.search(column.name) and not unit_of(table, column.name)
    ]
    assert lacking == []


def test_no_column_has_a_unit_that_its_name_denies() -> None:
    # What is counted in units, by the words of names; a column of another name is looked at here when it comes.
    words = {
        "bytes": r"bytes|size|memory|queue|buffer|window|mss|mtu|offset|not_sent|char$|limit$|cached$|active$|^swap_",
        "bytes/s": r"rate$",
        "milliseconds": r"time$|rtt|rto|ato|busy|limited|last_|timer_expires|_ms$",
        "seconds": r"elapsed|seconds$|^interval$|^wall_time$",
        "moment": r"time$|^started$",
        "percent": r"percent$|^shard$",
    }
    assert set(words) == set(UNITS)
    found = [(f"{table}.{column.name}", unit) for table, column in NUMERIC if (unit := unit_of(table, column.name))]
    assert [name for name, unit in found if not re.search(words[unit], name.split(".")[1])] == []
    assert not any(name.endswith(("inode", "pid", "port", "count", "namespace", "priority", "faults")) for name, _ in found)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "bytes", "0 B"),
        (1460, "bytes", "1460 B"),
        (2048, "bytes", "2.0 KiB"),
        (1 << 20, "bytes", "1.0 MiB"),
        ((1 << 20) - 1, "bytes", "1.0 MiB"),
        (1288490189, "bytes", "1.2 GiB"),
        ((1 << 63) - 1, "bytes", "8.0 EiB"),
        (-5000, "bytes", "-4.9 KiB"),
        (1_200_000, "bytes/s", "1.1 MiB/s"),
        (0.043, "milliseconds", "43 µs"),
        (0, "milliseconds", "0 s"),
        (35, "milliseconds", "35 ms"),
        (1.5, "milliseconds", "1.5 ms"),
        (999.99, "milliseconds", "1 s"),
        (1234, "milliseconds", "1.2 s"),
        (59_999, "milliseconds", "1 min"),
        (303_000, "milliseconds", "5 min 3 s"),
        (187_200, "seconds", "2 d 4 h"),
        (172_800, "seconds", "2 d"),
        (172_860, "seconds", "2 d"),
        (-90, "seconds", "-1 min 30 s"),
        (float("inf"), "seconds", "inf s"),
        (1_000_000_000 - 3 * 3600, "moment", "3 h ago"),
        (1_000_000_000 - 3 * 3600 - 720, "moment", "3 h 12 min ago"),
        (1_000_000_000 - 40 * 60 - 5, "moment", "40 min ago"),
        (1_000_000_000, "moment", "0 s ago"),
        (1_000_000_000.4, "moment", "0 s ago"),
        (1_000_000_100, "moment", "in 1 min 40 s"),
        (0, "moment", "31 y ago"),
        (12.34, "percent", "12.3 %"),
    ],
)
def test_numbers_are_said_as_people_say_them(value: float, unit: str, text: str) -> None:
    assert said(value, unit, 1_000_000_000.0) == text


def test_the_command_says_units_in_tables_and_keeps_numbers_elsewhere(fake: FakeRoot) -> None:
    fake.process(7, "a", start=100)
    sql = "SELECT pid, resident_size, total_size + 0 AS plain, user_time FROM processes ORDER BY resident_size"
    root = ("--root", str(fake.path))
    assert values("table", sql, *root, "--units").splitlines()[2:] == ["  7        1.0 MiB  2097152      1.5 s"]
    assert "resident_size = 1.0 MiB" in values("line", sql, *root, "--units")
    assert "resident_size  1.0 MiB" in values("vertical", sql, *root, "--units")
    for mode in ("json", "jsonl", "csv", "tsv", "insert", "html", "markdown"):
        assert values(mode, sql, *root, "--units") == values(mode, sql, *root)
    assert json.loads(values("json", sql, *root, "--units"))[0]["resident_size"] == 1 << 20


def test_units_come_through_views_sub_queries_and_other_names() -> None:
    with Engine() as engine:
        sql = """
        WITH p AS (SELECT pid, resident_size AS memory, started FROM processes)
        SELECT memory, started, pid, memory / 2 FROM (SELECT * FROM p) LIMIT 1
        """
        (result,) = engine.run(sql)
        assert list(modes.look_of(result, units=True).units) == ["bytes", "moment", None, None]
        assert modes.look_of(result).units == ()


def test_a_users_own_table_has_no_units() -> None:
    assert unit_of("result", "resident_size") is None
    assert unit_of("processes", "nonsense") is None
    done = command(
        "--write",
        "--units",
        "CREATE TEMP TABLE mine(resident_size INTEGER); INSERT INTO mine VALUES (5000); SELECT * FROM mine",
    )
    assert done.stdout.split()[-1] == "5000"


def test_a_time_is_said_from_now_on() -> None:
    text = values("table", "SELECT started FROM processes WHERE pid = (SELECT max(pid) FROM processes)", "--units")
    assert re.search(r"\d+ (s|min|h|d|y)( \d+ \w+)? ago", text)
    assert said(time.time() - 60, "moment", time.time()).endswith("ago")


START, PID = ("processes", "start_time"), ("processes", "pid")


@pytest.mark.parametrize(
    ("sql", "origins"),
    [
        ("SELECT start_time FROM processes UNION ALL SELECT pid FROM processes", [None]),
        ("SELECT pid FROM processes EXCEPT SELECT start_time FROM processes", [None]),
        ("SELECT * FROM (SELECT pid FROM processes INTERSECT SELECT start_time FROM processes)", [None]),
        ("WITH x AS (SELECT pid p FROM processes UNION SELECT start_time FROM processes) SELECT p FROM x", [None]),
        (
            "WITH x AS (SELECT pid p FROM processes) SELECT p FROM (SELECT p FROM x UNION SELECT start_time FROM processes)",
            [None],
        ),
        ("SELECT * FROM (SELECT * FROM user_groups UNION ALL SELECT gid, uid FROM user_groups)", [None, None]),
        ("SELECT pid, fd FROM process_open_sockets", [None, None]),
        ("SELECT pid FROM listening_ports", [None]),
        ('SELECT "pid" FROM "Listening_Ports"', [None]),
        ("CREATE TEMP VIEW v AS SELECT pid FROM processes UNION SELECT start_time FROM processes; SELECT pid FROM v", [None]),
        # What comes from elsewhere is known.
        ("SELECT start_time, l.pid FROM listening_ports l JOIN processes p USING (pid)", [START, None]),
        ("SELECT pid, start_time FROM processes WHERE pid IN (SELECT 1 UNION SELECT 2)", [PID, START]),
        ("SELECT pid, 'a union b' AS x FROM processes -- EXCEPT", [PID, None]),
        ("SELECT state FROM ephemeral_listeners", [("sockets", "state")]),
    ],
)
def test_a_column_to_which_several_selects_give_is_of_none_of_them(sql: str, origins: list[object], engine: Engine) -> None:
    [result] = engine.run(sql)
    assert list(result.origins) == origins
    assert [bool(kind) for kind in result.types] == [origin is not None for origin in origins]


def test_numbers_of_a_union_are_as_they_are() -> None:
    text = command("--units", "--types", "SELECT 7 AS start_time UNION ALL SELECT start_time FROM processes LIMIT 1").stdout
    assert text.split()[-1] == "7"
    sql = "SELECT start_time FROM processes WHERE pid = 1 UNION ALL SELECT 7"
    assert "ago" not in command("--units", sql).stdout
