"""What came, went and changed between two looks."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine
from sqlports.watch.changes import CAME, CHANGED, SAME, WENT, Change, changes, counts, identities

from .conftest import Child, FakeRoot

Rows = list[tuple[Any, ...]]


def marked(before: Rows, after: Rows, *origins: tuple[str, str] | None) -> list[tuple[str, tuple[Any, ...]]]:
    names = [origin[1] if origin else "?" for origin in origins]
    return [(change.mark, change.row) for change in changes(before, after, identities(names, origins))]


PID, NAME, RSS = ("processes", "pid"), ("processes", "name"), ("processes", "resident_size")


def test_a_row_with_the_same_key_and_other_values_changed() -> None:
    before, after = [(1, "init"), (2, "a"), (3, "b")], [(1, "init"), (3, "c"), (4, "d")]
    assert changes(before, after, identities(("pid", "name"), (PID, NAME))) == [
        Change(SAME, (1, "init")),
        Change(WENT, (2, "a")),
        Change(CHANGED, (3, "c"), (3, "b")),
        Change(CAME, (4, "d")),
    ]


def test_the_order_of_rows_is_no_matter() -> None:
    rows: Rows = [(number, f"name {number % 7}") for number in range(500)]
    shuffled = random.Random(1).sample(rows, len(rows))
    assert {mark for mark, _ in marked(rows, shuffled, PID, NAME)} == {SAME}
    assert [row for _, row in marked(rows, shuffled, PID, NAME)] == shuffled
    assert {mark for mark, _ in marked(rows, shuffled, None, None)} == {SAME}


def test_a_row_that_went_stands_where_it_stood() -> None:
    assert marked([(1,), (2,), (3,)], [(1,), (3,)], PID) == [(SAME, (1,)), (WENT, (2,)), (SAME, (3,))]
    assert marked([(1,), (2,)], [(2,)], PID) == [(WENT, (1,)), (SAME, (2,))]
    assert marked([(1,)], [], PID) == [(WENT, (1,))]
    assert marked([], [(1,)], PID) == [(CAME, (1,))]


def test_without_a_key_rows_are_the_same_when_they_are_equal_and_as_many() -> None:
    found = marked([("a", 1), ("a", 1), ("b", 2)], [("b", 2), ("a", 1), ("b", 3)], NAME, RSS)
    assert found == [(SAME, ("b", 2)), (SAME, ("a", 1)), (WENT, ("a", 1)), (CAME, ("b", 3))]


def test_groups_are_told_apart_by_what_they_are_grouped_by() -> None:
    found = marked([("sh", 2), ("cat", 1)], [("sh", 3), ("cat", 1)], NAME, None)
    assert found == [(CHANGED, ("sh", 3)), (SAME, ("cat", 1))]


def test_what_has_one_row_and_no_columns_of_tables_changes() -> None:
    assert marked([(5,)], [(6,)], None) == [(CHANGED, (6,))]


def test_a_key_that_several_rows_have_tells_nothing_of_them() -> None:
    found = marked([(1, "a"), (1, "b")], [(1, "b"), (1, "c")], PID, ("handles", "target"))
    assert found == [(WENT, (1, "a")), (SAME, (1, "b")), (CAME, (1, "c"))]


def test_a_group_is_told_apart_by_more_than_the_key_where_that_is_not_enough() -> None:
    port, state = ("sockets", "local_port"), ("sockets", "state")
    found = marked([(80, "LISTEN", 1), (80, "ESTABLISHED", 5)], [(80, "LISTEN", 1), (80, "ESTABLISHED", 6)], port, state, None)
    assert found == [(SAME, (80, "LISTEN", 1)), (CHANGED, (80, "ESTABLISHED", 6))]


def test_a_join_is_told_apart_by_the_keys_of_all_its_tables() -> None:
    descriptor = ("handles", "fd")
    before: Rows = [(1, 0, "a"), (1, 1, "a"), (2, 0, "b")]
    after: Rows = [(1, 0, "x"), (1, 1, "a"), (2, 2, "b")]
    found = marked(before, after, ("handles", "pid"), descriptor, NAME)
    assert found == [(CHANGED, (1, 0, "x")), (SAME, (1, 1, "a")), (WENT, (2, 0, "b")), (CAME, (2, 2, "b"))]


def test_a_socket_is_known_by_its_cookie_and_by_its_inode_where_it_has_none() -> None:
    cookie, inode, state = ("sockets", "cookie"), ("sockets", "inode"), ("sockets", "state")
    found = marked([(7, 70, "ESTABLISHED")], [(7, None, "TIME_WAIT")], cookie, inode, state)
    assert found == [(CHANGED, (7, None, "TIME_WAIT"))]
    found = marked([(None, 70, "a"), (None, 71, "b")], [(None, 71, "c"), (None, 70, "a")], cookie, inode, state)
    assert found == [(CHANGED, (None, 71, "c")), (SAME, (None, 70, "a"))]


def test_equal_numbers_of_two_kinds_are_no_change() -> None:
    assert marked([(1, 2)], [(1, 2.0)], PID, RSS) == [(SAME, (1, 2.0))]


@pytest.mark.parametrize("seed", range(20))
def test_the_marks_account_for_every_row(seed: int) -> None:
    generator = random.Random(seed)

    def look() -> Rows:
        size = generator.randrange(12)
        return [(generator.randrange(6), generator.choice("ab"), generator.choice([None, 1])) for _ in range(size)]

    for origins in ((PID, NAME, RSS), (NAME, RSS, None), (None, None, None), (NAME, RSS, NAME)):
        before, after = look(), look()
        found = changes(before, after, identities(("a", "b", "c"), origins))
        assert [change.row for change in found if change.mark != WENT] == after
        was = [change.before or change.row for change in found if change.mark != CAME]
        assert sorted(was, key=repr) == sorted(before, key=repr)
        assert all(change.row != change.before for change in found if change.mark == CHANGED)
        assert (counts(found)[CAME] - counts(found)[WENT]) == len(after) - len(before)


def test_a_hundred_thousand_rows_take_no_longer_for_each_than_few() -> None:
    """Counted in calls, since a clock tells of the machine."""
    calls = 0

    def identify(row: tuple[Any, ...]) -> object:
        nonlocal calls
        calls += 1
        return row[0]

    rows: Rows = [(number, number) for number in range(100_000)]
    found = changes(rows, [(number, -number) for number, _ in reversed(rows)], [identify, lambda row: row])
    assert (calls, counts(found)) == (200_000, {CAME: 0, WENT: 0, CHANGED: 99_999})


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT pid, name FROM processes", [(CHANGED, (5, "new"))]),
        ("SELECT p.name AS called, p.pid AS number FROM processes AS p", [(CHANGED, ("new", 5))]),
        ("SELECT * FROM (SELECT name, pid FROM processes)", [(CHANGED, ("new", 5))]),
        ("SELECT name, count(*) FROM processes GROUP BY name", [(CAME, ("new", 1)), (WENT, ("old", 1))]),
    ],
)
def test_the_key_is_found_through_names_and_queries(
    fake: FakeRoot, engine: Engine, sql: str, expected: list[tuple[str, tuple[Any, ...]]]
) -> None:
    def look() -> tuple[Any, Rows]:
        [(result, rows)] = [(result, list(result)) for result in engine.run(sql)]
        return result, rows

    fake.process(4, "same")
    fake.process(5, "old")
    _, before = look()
    fake.write("proc/5/comm", "new\n")
    result, after = look()
    found = changes(before, after, identities(result.columns, result.origins))
    assert sorted((change.mark, change.row) for change in found if change.mark != SAME) == sorted(expected)


def test_a_real_socket_comes_and_goes_and_is_the_same_meanwhile(live: Engine, child: Callable[..., Child]) -> None:
    listener = child(
        "s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); tell(s.getsockname()[1])\n"
        "sys.stdin.readline(); s.close(); tell(0)"
    )
    port = listener.told
    sql = f"SELECT protocol, local_port, state FROM sockets WHERE local_port = {port} AND protocol = 'tcp'"

    def look() -> Rows:
        return [tuple(row) for result in live.run(sql) for row in result]

    before = look()
    assert before == [("tcp", port, "LISTEN")]
    origins = (("sockets", "protocol"), ("sockets", "local_port"), ("sockets", "state"))
    assert marked(before, look(), *origins) == [(SAME, ("tcp", port, "LISTEN"))]
    listener.go_on()
    deadline = time.monotonic() + 10
    while look() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert marked(before, look(), *origins) == [(WENT, ("tcp", port, "LISTEN"))]
