"""The engine over a made-up system: one look per statement, limits, interruption, nothing left behind."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, Interrupted, QueryError, QueryTimeout
from sqlports.sources.linux import Linux
from sqlports.sources.subjects import Task

from .conftest import ENDLESS, FakeRoot


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

    read = Linux.read

    def slow(self: Linux, task: Task, group: str) -> Any:
        visited.append(task.pid)
        time.sleep(0.02)
        return read(self, task, group)

    monkeypatch.setattr(Linux, "read", slow)
    with pytest.raises(QueryTimeout):
        engine.query("SELECT name FROM processes")
    assert len(visited) < 20
    assert engine.snapshot_now is None


def test_another_thread_may_interrupt(engine: Engine) -> None:
    timer = threading.Timer(0.1, engine.interrupt)
    timer.start()
    with pytest.raises(Interrupted):
        engine.query(ENDLESS)
    timer.join()
    assert engine.query("SELECT 1 AS a") == [{"a": 1}]


def test_columns_are_known_without_rows(engine: Engine) -> None:
    [result] = engine.run("SELECT pid, pid AS other FROM processes WHERE 0")
    assert (result.columns, list(result)) == (("pid", "other"), [])


def test_an_interrupt_between_two_statements_ends_the_script(engine: Engine) -> None:
    script = engine.run("SELECT 1 AS a; SELECT 2 AS b")
    assert list(next(script)) == [(1,)]
    engine.interrupt()
    with pytest.raises(Interrupted):
        next(script)
    assert engine.query("SELECT count(*) > 100 AS many FROM pragma_function_list") == [{"many": 1}]


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
    engine.query("SELECT tid FROM threads WHERE pid = 40")
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, limits[1]))
    try:
        with pytest.raises(QueryError, match="Too many open files"):
            engine.query("SELECT tid FROM threads")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(engine.query("SELECT tid FROM threads")) == 20


def test_a_parameter_that_is_no_text_is_an_error_and_the_engine_lives(engine: Engine) -> None:
    with pytest.raises(QueryError, match="a character that no text has"):
        engine.query("SELECT ?", ("\ud800",))
    with pytest.raises(QueryError, match="a character that no text has"):
        engine.query("SELECT :a", {"a": "x\udfff"})
    assert engine.query("SELECT 1 AS a") == [{"a": 1}]


def test_a_closed_engine_says_so(fake: FakeRoot) -> None:
    engine = Engine(root=str(fake.path))
    engine.close()
    with pytest.raises(QueryError, match="the engine is closed"):
        engine.query("SELECT 1")
    engine.interrupt()
    engine.close()


def test_two_columns_of_one_name_are_two(engine: Engine) -> None:
    assert engine.query("SELECT 1 AS pid, 2 AS pid, 3 AS pid") == [{"pid": 1, "pid:1": 2, "pid:2": 3}]
