"""A number that is given to another process between two reads of one look: nothing of the new one is told of the old one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from typing import Any

import pytest

from sqlports import Engine

from .conftest import own
from .fire import apart, choose_next, wait_until

pytestmark = pytest.mark.linux

LATER = {
    "cmdline": "cmdline, argv",
    "exe": "path, on_disk",
    "cwd": "cwd",
    "ids": "uid, resident_size",
    "io": "rchar",
    "limits": "open_files_limit",
    "count": "fd_count",
    "namespaces": "pid_namespace, net_namespace",
    "cgroup": "cgroup_path",
}
FIRST = "SELECT state, parent FROM processes WHERE pid = ?"


def replaced(first: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """End a process, and start another that gets its number."""
    first.kill()
    first.wait()
    # The kernel tells starts to a hundredth of a second; numbers do not come round faster by themselves.
    time.sleep(0.03)
    choose_next(first.pid)
    second = subprocess.Popen(["/bin/sh", "-c", "read new"], stdin=subprocess.PIPE, cwd="/usr")
    assert second.pid == first.pid
    wait_until(lambda: open(f"/proc/{second.pid}/cmdline").read().startswith("/bin/sh"))
    return second


def ended(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def starts(number: int) -> subprocess.Popen[bytes]:
    choose_next(500 + number)
    process = subprocess.Popen(["sleep", "1000"], stdin=subprocess.PIPE, cwd="/")
    wait_until(lambda: open(f"/proc/{process.pid}/cmdline").read().startswith("sleep"))
    return process


@pytest.mark.parametrize("others", [0, 100])
@pytest.mark.parametrize("part", LATER)
def test_what_is_read_later_of_a_number_that_was_given_again_is_null_and_counted(part: str, others: int) -> None:
    sql = f"SELECT {LATER[part]} FROM processes WHERE pid = ?"

    def act() -> Any:
        crowd = [subprocess.Popen(["sleep", "1000"]) for _ in range(others)]
        engine, first = Engine(), starts(0)
        with engine.snapshot():
            before = own(engine, FIRST, first.pid)
            # With many others in between, the directory of the first is no longer held open.
            engine.query("SELECT sum(user_time) FROM processes")
            second = replaced(first)
            rows = own(engine, sql, first.pid)
            after = own(engine, FIRST, first.pid)
            errors = own(engine, "SELECT DISTINCT reason FROM scan_errors WHERE pid = ?", first.pid)
        fresh = own(engine, sql, first.pid)
        for process in (second, *crowd):
            ended(process)
        return before, rows, after, errors, fresh

    before, rows, after, errors, fresh = apart(act)
    assert len(before) == 1
    # The row is left out as soon as its end is known, or says nothing.
    assert rows == [] or {value for row in rows for value in row} == {None}
    assert after in ([], before)
    assert errors == [["ended"]]
    # The next look knows the new process.
    assert len(fresh) == 1
    assert None not in fresh[0]


def test_the_descriptors_and_threads_of_a_number_that_was_given_again_are_nobodys() -> None:
    def act() -> Any:
        engine, first = Engine(), starts(0)
        with engine.snapshot():
            before = own(engine, "SELECT name FROM processes WHERE pid = ?", first.pid)
            second = replaced(first)
            found = [
                own(engine, f"SELECT {columns} FROM {table} WHERE pid = ?", first.pid)
                for table, columns in (("handles", "fd, target"), ("handles", "fd, type, flags"), ("threads", "tid, name"))
            ]
        ended(second)
        return before, found

    before, found = apart(act)
    assert before == [["sleep"]]
    assert found == [[], [], []]


def test_a_socket_is_not_said_to_be_of_the_process_that_got_its_owners_number() -> None:
    def act() -> Any:
        engine = Engine()
        choose_next(500)
        server = socket.create_server(("", 0))
        first = subprocess.Popen(["sleep", "1000"], stdin=server.fileno(), stdout=subprocess.PIPE)
        port = server.getsockname()[1]
        server.close()
        wait_until(lambda: open(f"/proc/{first.pid}/cmdline").read().startswith("sleep"))
        owner = "SELECT pid FROM sockets WHERE local_port = ?"
        with engine.snapshot():
            before = own(engine, owner, port)
            second = replaced(first)
            joined = (
                "SELECT s.pid, p.cmdline, p.name FROM sockets s LEFT JOIN processes p ON p.pid = s.pid WHERE s.local_port = ?"
            )
            rows = own(engine, joined, port)
        after = own(engine, owner, port)
        ended(second)
        return first.pid, before, rows, after

    pid, before, rows, after = apart(act)
    assert before == [[pid]]
    assert rows == [[pid, None, None]]
    assert after == []


def test_a_parent_whose_number_was_given_again_is_no_ancestor() -> None:
    def act() -> Any:
        engine = Engine()
        choose_next(500)
        parent = subprocess.Popen(["/bin/sh", "-c", "sleep 1000 & read x"], stdin=subprocess.PIPE)
        wait_until(lambda: bool(open(f"/proc/{parent.pid}/task/{parent.pid}/children").read().split()))
        [child] = map(int, open(f"/proc/{parent.pid}/task/{parent.pid}/children").read().split())
        sql = "SELECT ancestor, depth FROM process_tree WHERE descendant = ?"
        with engine.snapshot():
            whole = own(engine, sql, child)
        with engine.snapshot():
            engine.query("SELECT state FROM processes WHERE pid = ?", (child,))
            second = replaced(parent)
            rows = own(engine, sql, child)
        ended(second)
        os.kill(child, signal.SIGKILL)
        return parent.pid, whole, rows

    parent, whole, rows = apart(act)
    assert whole == [[parent, 1], [1, 2]]
    # It was its parent when that was read, and who has the number now is younger than its child.
    assert rows == []
