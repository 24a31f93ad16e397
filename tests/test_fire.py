"""Right under fire: processes that are born and die while they are looked at, and numbers that are given again."""

from __future__ import annotations

import json
import mmap
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sqlports import Engine

from .conftest import command
from .fire import apart, choose_next, state, wait_until

pytestmark = pytest.mark.linux

CHURNERS = 2
BIRTHS, LOOKS = 1000, 200

# What every answer has that looks at all: by `pid`, with what else is told of a process by which it is known.
QUERIES = (
    "SELECT * FROM processes",
    "SELECT pid, name, argv, uid, state, parent, started FROM processes",
    "SELECT pid, argv FROM processes",
    "SELECT pid, state, path, cwd, root, deleted, open_files_limit, fd_count FROM processes",
    "SELECT pid, fd, target, type, flags FROM handles",
    "SELECT * FROM handles",
    "SELECT p.pid, p.name, p.argv, h.fd, h.target FROM processes p JOIN handles h ON h.pid = p.pid WHERE h.fd = 0",
    "SELECT * FROM threads",
    "SELECT descendant AS pid, depth, p.name FROM process_tree JOIN processes p ON p.pid = descendant WHERE ancestor = 1",
    "SELECT s.local_port, s.pid, s.fd, s.owner_reason, p.name FROM sockets s LEFT JOIN processes p ON p.pid = s.pid"
    " WHERE s.local_port IS NOT NULL",
)  # fmt: skip

# A kernel may lack some family of sockets: that is none of these tests' business. And what a zombie has read and written it
# tells to root alone.
ERRORS = "SELECT * FROM scan_errors WHERE source NOT LIKE 'sock_diag %' AND (source, reason) <> ('/proc/PID/io', 'permission')"

# What may change of a process that sleeps: by the clock, or because the kernel moves memory.
RESTLESS = {"cpu_percent", "oom_score", "resident_size", "peak_size", "shared_size", "swap_size"}


class Life(NamedTuple):
    """One process: its own word, its number, and the nanoseconds when it was to be made, was there, was to end, was gone."""

    token: str
    pid: int
    before: int
    born: int
    doomed: int
    gone: int


class Look(NamedTuple):
    """One answer: what was asked, from when to when, the rows, and what could not be read."""

    sql: str
    start: int
    end: int
    rows: list[dict[str, Any]]
    errors: list[dict[str, Any]]


def churn(number: int, counter: mmap.mmap, place: Path) -> None:
    """Make processes and end them, as fast as it goes, until told to stop; then write down their lives.

    Each has a word of its own: it is its name, its first argument, and what it reads from.
    """
    dice = random.Random(number)
    alive: dict[int, tuple[str, int, int, int]] = {}
    lives: list[Life] = []
    sleep = shutil.which("sleep")
    assert sleep
    births = 0

    def end(pid: int, doomed: int | None) -> None:
        token, before, born, _ = alive.pop(pid)
        lives.append(Life(token, pid, before, born, before if doomed is None else doomed, time.monotonic_ns()))

    while not counter[0]:
        token = f"p{number}x{births}"
        (place / token).symlink_to(sleep)
        (place / f"{token}.in").touch()
        if births % 64 == 0:
            choose_next(100)
        # One of four ends by itself, at once.
        lasts = dice.random() < 0.75
        before = time.monotonic_ns()
        pid = os.posix_spawn(
            place / token,
            [token, "1000" if lasts else "0"],
            {},
            file_actions=[(os.POSIX_SPAWN_OPEN, 0, str(place / f"{token}.in"), os.O_RDONLY, 0)],
        )
        # It is said to be made before the kernel has given it its name and arguments.
        while lasts and not Path(f"/proc/{pid}/cmdline").read_bytes():
            pass
        born = time.monotonic_ns()
        alive[pid] = token, before, born, born + dice.randrange(80_000_000) if lasts else 0
        births += 1
        counter[8 * number : 8 * number + 8] = births.to_bytes(8, "little")
        for old, (_, _, _, due) in list(alive.items()):
            if due and due <= born:
                doomed = time.monotonic_ns()
                os.kill(old, signal.SIGKILL)
                os.waitpid(old, 0)
                end(old, doomed)
            elif not due and dice.random() < 0.3 and os.waitpid(old, os.WNOHANG)[0]:
                end(old, None)
    now = time.monotonic_ns()
    lives += [Life(token, pid, *times[:2], now if times[2] else times[0], now) for pid, (token, *times) in alive.items()]
    (place / f"lives{number}").write_text(json.dumps(lives))
    for pid in alive:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


class Witnesses:
    """Processes that live all the time: a sleeper, one with a thread and a socket, a zombie, and the first one itself."""

    def __init__(self, place: Path) -> None:
        sleeper = subprocess.Popen(["sleep", "1000"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        server = socket.create_server(("", 0))
        self.port = server.getsockname()[1]
        self.fd = server.fileno()
        reader, writer = os.pipe()
        self.holder = os.fork()
        if self.holder == 0:
            kept = open(place / "kept", "w")
            threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()
            os.write(writer, kept.fileno().to_bytes(4, "little"))
            time.sleep(1000)
        self.kept = int.from_bytes(os.read(reader, 4), "little")
        for end in (reader, writer):
            os.close(end)
        server.close()
        self.zombie = os.fork()
        if self.zombie == 0:
            os._exit(0)
        self.sleeper = sleeper.pid
        self._process = sleeper
        self.pids = (self.sleeper, self.holder, self.zombie)
        wait_until(lambda: state(self.zombie) == "Z" and state(self.holder) == "S" and state(self.sleeper) == "S")
        wait_until(lambda: Path(f"/proc/{self.sleeper}/comm").read_text() == "sleep\n")


def race(place: Path) -> dict[str, Any]:
    """Ask all the time while processes are born and die, then hold every answer against what their makers know."""
    choose_next(50)
    witnesses = Witnesses(place)
    engine = Engine()
    calm = {sql: still(engine.query(sql), witnesses) for sql in QUERIES}
    counter = mmap.mmap(-1, 4096)
    churners = []
    for number in range(1, CHURNERS + 1):
        pid = os.fork()
        if pid == 0:
            try:
                churn(number, counter, place)
                os._exit(0)
            finally:
                os._exit(1)
        churners.append(pid)

    def births() -> int:
        return sum(int.from_bytes(counter[8 * n : 8 * n + 8], "little") for n in range(1, CHURNERS + 1))

    wait_until(lambda: births() > 50)
    first, looks, commands = births(), [], []
    while len(looks) < LOOKS or births() - first < BIRTHS:
        sql = QUERIES[len(looks) % len(QUERIES)]
        start = time.monotonic_ns()
        rows = engine.query(sql)
        end = time.monotonic_ns()
        looks.append(Look(sql, start, end, rows, engine.query(ERRORS)))
        if len(looks) % 40 == 1:
            commands.append(command("--json", sql))
    born = births() - first
    held = [through_one_look(engine) for _ in range(3)]
    counter[0] = 1
    failed = [os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in churners]
    assert failed == [0] * CHURNERS, failed
    lives = [Life(*life) for n in range(1, CHURNERS + 1) for life in json.loads((place / f"lives{n}").read_text())]
    check = Check(lives, churners, witnesses, calm)
    for look in looks:
        check.answer(look)
    for look in held:
        check.mixed(look)
    for done in commands:
        assert done.returncode == 0
        assert done.stderr == "" or re.match(
            "sqlports: not permitted to read the I/O counts of [0-9]+ process(es)?:", done.stderr
        )
        assert "Traceback" not in done.stderr
    assert all(json.loads(done.stdout) for done in commands)
    numbers = Counter(life.pid for life in lives)
    return {"born": born, "looks": len(looks), "again": sum(count > 1 for count in numbers.values()), "known": check.known}


def through_one_look(engine: Engine) -> Look:
    """Names first and the rest a while later, of one look: many numbers are given to others in between."""
    start = time.monotonic_ns()
    with engine.snapshot():
        names = engine.query("SELECT pid, name, started FROM processes")
        time.sleep(0.3)
        later = {
            (row["pid"], table): row
            for table, sql in (
                ("processes", "SELECT pid, argv, uid, path FROM processes"),
                ("handles", "SELECT pid, target FROM handles WHERE fd = 0"),
                ("threads", "SELECT pid, name AS thread FROM threads WHERE tid = pid"),
            )
            for row in engine.query(sql)
        }
        errors = engine.query(ERRORS)
    rows = [
        {**row, **later.get((row["pid"], "processes"), {}), **later.get((row["pid"], "handles"), {})}
        | later.get((row["pid"], "threads"), {})
        for row in names
    ]
    return Look("through one look", start, time.monotonic_ns(), rows, errors)


def still(rows: list[dict[str, Any]], witnesses: Witnesses) -> list[dict[str, Any]]:
    """What is told of the witnesses, without what may change of them."""
    return [
        {name: value for name, value in row.items() if name not in RESTLESS} for row in rows if row["pid"] in witnesses.pids
    ]


def tokens(row: dict[str, Any]) -> set[str]:
    """The words by which a row says whose it is."""
    told = [row.get("name"), row.get("thread"), row.get("target")]
    if row.get("argv"):
        told.append(json.loads(row["argv"])[0])
    return {found[1] for text in told if text and (found := re.search(r"\b(p\d+x\d+)(\.in)?$", text))}


class Check:
    """Holds answers against the lives of the processes. `known` counts the rows of those that lived through the look."""

    def __init__(
        self, lives: list[Life], churners: list[int], witnesses: Witnesses, calm: dict[str, list[dict[str, Any]]]
    ) -> None:
        self.lives = lives
        self.lasting = {os.getpid(), *churners, *witnesses.pids}
        self.churners = churners
        self.witnesses = witnesses
        self.calm = calm
        self.known = 0

    def answer(self, look: Look) -> None:
        """One look at a time: all of it must be so."""
        self.mixed(look)
        assert still(look.rows, self.witnesses) == self.calm[look.sql], look.sql
        if "FROM sockets" in look.sql:
            [row] = [row for row in look.rows if row["local_port"] == self.witnesses.port]
            assert (row["pid"], row["fd"], row["owner_reason"]) == (self.witnesses.holder, self.witnesses.fd, "owned"), row
            return
        rows = defaultdict(list)
        for row in look.rows:
            rows[row["pid"]].append(row)
        for life in self.lives:
            if life.born < look.start and look.end < life.doomed:
                self.whole(life, rows[life.pid], look)
                self.known += 1

    def whole(self, life: Life, rows: list[dict[str, Any]], look: Look) -> None:
        """A process that lived through the look is in the answer, as it is."""
        assert rows, (life, look.sql)
        row = next((row for row in rows if row.get("fd", 0) == 0), None)
        assert row is not None, (life, look.sql)
        assert tokens(row) == {life.token} or not {"name", "argv", "target"} & row.keys(), (life, row)
        for name in (
            "state",
            "parent",
            "uid",
            "argv",
            "path",
            "cwd",
            "target",
            "type",
            "open_files_limit",
            "fd_count",
            "rchar",
        ):
            assert row.get(name, 1) is not None, (life, name, row)
        assert row.get("parent", self.churners[0]) in self.churners, (life, row)
        assert row.get("depth", 2) == 2, (life, row)
        if "FROM threads" in look.sql:
            assert [row["tid"] for row in rows] == [life.pid]

    def mixed(self, look: Look) -> None:
        """No row is of a process that was never there, none of two, and none has gaps that nothing explains."""
        there = defaultdict(set)
        for life in self.lives:
            if life.before < look.end and look.start < life.gone:
                there[life.pid].add(life.token)
        ended = {error["pid"] for error in look.errors}
        assert {error["reason"] for error in look.errors} <= {"ended"}, look.errors
        assert ended <= there.keys(), look.errors
        for row in look.rows:
            if row["pid"] is None:
                assert "FROM sockets" in look.sql, row
            elif row["pid"] not in self.lasting:
                assert row["pid"] in there, (look.sql, row)
                assert len(tokens(row)) < 2, (look.sql, row)
                assert tokens(row) <= there[row["pid"]], (look.sql, row)
            if "FROM sockets" not in look.sql:
                # Of what ended before anything was read there is no row; of what was lost later, it is told.
                assert row.get("name", "") is not None, (look.sql, row)
                for name in ("state", "parent", "started", "uid"):
                    assert row.get(name, 1) is not None or row["pid"] in ended, (look.sql, name, row)


def test_a_thousand_processes_are_born_and_die_while_two_hundred_queries_run(tmp_path: Path) -> None:
    told = apart(lambda: race(tmp_path))
    assert told["born"] >= BIRTHS
    assert told["looks"] >= LOOKS
    # The test would be empty if no process lived through a look, or no number were given twice.
    assert told["known"] > 300
    assert told["again"] > 30
