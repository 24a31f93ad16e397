"""process_tree: who descends from whom, over made-up systems whatever their shape, against a plain re-computation."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from typing import Any

import psutil
import pytest

from sqlports import Engine

from .conftest import FakeRoot, at_last, own, reads

Pairs = set[tuple[int, int, int]]

ALL = "SELECT ancestor, descendant, depth FROM process_tree"


def made(fake: FakeRoot, family: dict[int, tuple[int, int]]) -> None:
    """Processes by number: their parent and when they started."""
    for pid, (parent, start) in family.items():
        numbers = f"S {parent} {pid} {pid} 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 {start} 0 0 0"
        fake.write(f"proc/{pid}/stat", f"{pid} (p{pid}) {numbers}\n")
        fake.write(f"proc/{pid}/status", f"Name:\tx\nTgid:\t{pid}\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\n")


def plainly(family: dict[int, tuple[int, int]]) -> Pairs:
    """Every pair: from each process up, as long as there is an older parent that was not passed yet."""
    found = set()
    for pid in family:
        here, passed = pid, [pid]
        while True:
            parent, start = family[here]
            if parent not in family or parent in passed or family[parent][1] > start:
                break
            found.add((parent, pid, len(passed)))
            passed.append(parent)
            here = parent
    return found


def told(engine: Engine, sql: str = ALL) -> Pairs:
    rows = [tuple(row.values()) for row in engine.query(sql)]
    assert len(rows) == len(set(rows)), "a pair is told twice"
    return set(rows)  # type: ignore[arg-type]


def holds(engine: Engine, family: dict[int, tuple[int, int]]) -> None:
    """All pairs, those above each process and those below it are what a plain computation gives."""
    wanted = plainly(family)
    with engine.snapshot():
        assert told(engine) == wanted
        for pid in [*family, 4711]:
            assert told(engine, f"{ALL} WHERE descendant = {pid}") == {pair for pair in wanted if pair[1] == pid}
            assert told(engine, f"{ALL} WHERE ancestor = {pid}") == {pair for pair in wanted if pair[0] == pid}


FAMILIES = {
    "a plain one": {1: (0, 0), 2: (0, 0), 10: (1, 10), 20: (10, 20), 21: (10, 21), 30: (20, 30)},
    "no process at all": {},
    "one without parent and children": {1: (0, 0)},
    "its own parent": {1: (0, 0), 10: (10, 10), 20: (10, 20)},
    "each other's parent": {10: (20, 10), 20: (10, 10)},
    "each other's parent, one younger": {10: (20, 10), 20: (10, 11)},
    "three in a circle, and one below": {10: (20, 5), 20: (30, 5), 30: (10, 5), 40: (10, 6), 50: (40, 7)},
    "a parent that is not there": {1: (0, 0), 10: (9, 10), 20: (10, 20)},
    "a child older than its parent": {1: (0, 0), 10: (1, 50), 20: (10, 20), 30: (20, 60)},
    "born at the same moment": {1: (0, 0), 10: (1, 0), 20: (10, 0)},
    "a parent with a higher number": {1: (0, 0), 20: (1, 10), 10: (20, 20), 5: (10, 30)},
}


@pytest.mark.parametrize("shape", FAMILIES)
def test_every_pair_is_told_once_whatever_the_shape(shape: str, fake: FakeRoot, engine: Engine) -> None:
    made(fake, FAMILIES[shape])
    holds(engine, FAMILIES[shape])


@pytest.mark.parametrize("seed", range(12))
def test_any_parents_and_starts_that_could_be_written(seed: int, fake: FakeRoot, engine: Engine) -> None:
    draw = random.Random(seed)
    pids = range(1, 13)
    # Few different starts, so that circles come about.
    family = {pid: (draw.choice([0, *pids, 99]), draw.choice([5, 5, 5, 7])) for pid in pids}
    made(fake, family)
    holds(engine, family)


def test_a_process_that_got_the_number_of_a_parent_that_ended_is_nobodys_parent(fake: FakeRoot, engine: Engine) -> None:
    made(fake, {1: (0, 0), 10: (1, 500), 20: (10, 100)})
    assert told(engine) == {(1, 10, 1)}


def test_a_chain_of_many_generations_is_told_whole(fake: FakeRoot, engine: Engine) -> None:
    levels = 1500
    made(fake, {pid: (pid - 1, pid) for pid in range(1, levels + 1)})
    assert told(engine, f"{ALL} WHERE descendant = {levels}") == {(pid, levels, levels - pid) for pid in range(1, levels)}
    assert told(engine, f"{ALL} WHERE ancestor = 1") == {(1, pid, pid - 1) for pid in range(2, levels + 1)}
    [(pairs, deepest)] = own(engine, "SELECT count(*), max(depth) FROM process_tree")
    assert (pairs, deepest) == (levels * (levels - 1) // 2, levels - 1)


def test_who_started_it_reads_the_chain_above_alone(fake: FakeRoot, engine: Engine) -> None:
    made(fake, {1: (0, 0), 10: (1, 10), 20: (10, 20), 30: (20, 30), 40: (1, 40), 41: (40, 41)})
    assert reads(engine, f"{ALL} WHERE descendant = 30") == {"stat": 4}
    assert reads(engine, f"{ALL} WHERE descendant IN (30, 20)") == {"stat": 4}
    assert reads(engine, f"{ALL} WHERE descendant = 1") == {"stat": 1}
    assert reads(engine, f"{ALL} WHERE descendant = 99") == {}


def test_every_process_is_read_once_for_all_that_descend(fake: FakeRoot, engine: Engine) -> None:
    made(fake, {1: (0, 0), 10: (1, 10), 20: (10, 20), 30: (20, 30), 40: (1, 40), 41: (40, 41)})
    for sql in (f"{ALL} WHERE ancestor = 40", ALL, f"{ALL} WHERE ancestor = 1 UNION ALL {ALL} WHERE descendant = 30"):
        assert reads(engine, sql) == {"pids": 1, "stat": 6}
    # What processes needs of them was read already.
    sql = "SELECT p.pid, p.parent FROM process_tree JOIN processes p ON p.pid = descendant WHERE ancestor = 1"
    assert reads(engine, sql) == {"pids": 1, "stat": 6}


@pytest.mark.linux
def test_children_and_starters_as_psutil_has_them(live: Engine, child: Callable[..., Any]) -> None:
    below = "import subprocess, sys; subprocess.run(['sleep', '99'])"
    code = f"import subprocess; subprocess.Popen([sys.executable, '-c', {below!r}]); tell(1)"
    first = child(code, start_new_session=True)
    child("tell(1)")
    mine = psutil.Process()
    try:
        assert at_last(lambda: len(psutil.Process(first.pid).children(recursive=True)), 2) == 2
        with live.snapshot():
            found = {row[0] for row in own(live, "SELECT descendant FROM process_tree WHERE ancestor = ?", os.getpid())}
            depths = dict(own(live, "SELECT descendant, depth FROM process_tree WHERE ancestor = ?", os.getpid()))
            above = own(live, "SELECT ancestor FROM process_tree WHERE descendant = ? ORDER BY depth", os.getpid())
        assert found == {process.pid for process in mine.children(recursive=True)}
        direct = {process.pid for process in mine.children()}
        assert {pid for pid, depth in depths.items() if depth == 1} == direct
        assert sorted(depths[process.pid] for process in psutil.Process(first.pid).children(recursive=True)) == [2, 3]
        assert [pid for (pid,) in above] == [process.pid for process in mine.parents()]
    finally:
        os.killpg(first.pid, 9)
