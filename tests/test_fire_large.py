"""Processes that have very much of something: all of it is told, and of nobody else anything is read."""

from __future__ import annotations

import json
import os
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import command, own, reads
from .fire import wait_until

pytestmark = pytest.mark.linux

DESCRIPTORS = 20_000
THREADS = 2_000
MEGABYTE = 1 << 20


def test_twenty_thousand_descriptors_are_all_told_and_no_other_processs(live: Engine, child: Callable[..., Any]) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if os.geteuid() and hard != resource.RLIM_INFINITY and hard < DESCRIPTORS:
        pytest.skip(f"an ordinary user may have {hard} descriptors open here")
    holder = child(
        "import resource, errno\n"
        f"try: resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS}, max({DESCRIPTORS}, {hard})))\n"
        f"except (ValueError, PermissionError): cannot('no process may have {DESCRIPTORS} descriptors open here')\n"
        "pair = socket.socketpair(); kept = [pair[0].fileno(), pair[1].fileno()]; r, w = os.pipe(); kept += [r, w]\n"
        "null = os.open('/dev/null', os.O_RDWR)\n"
        "while True:\n"
        "    try: kept.append(os.dup((r, w, null)[len(kept) % 3]))\n"
        "    except OSError as error:\n"
        "        assert error.errno == errno.EMFILE; break\n"
        "server = kept.pop(); os.close(server); s = socket.create_server(('127.0.0.1', 0)); assert s.fileno() == server\n"
        "tell([kept, null, s.fileno(), s.getsockname()[1], os.fstat(r).st_ino])"
    )
    kept, null, server, port, pipe = holder.told
    every = sorted({0, 1, 2, *kept, null, server})
    assert len(every) == DESCRIPTORS
    sql = "SELECT fd, target, type FROM handles WHERE pid = ?"
    rows = own(live, sql, holder.pid)
    assert [row[0] for row in rows] == every
    assert not [row for row in rows if None in row]
    assert sum(row[1] == "/dev/null" for row in rows) >= (DESCRIPTORS - 10) // 3
    assert sum(row[1] == f"pipe:[{pipe}]" for row in rows) >= 2 * (DESCRIPTORS - 10) // 3
    assert own(live, "SELECT fd_count, open_files_limit FROM processes WHERE pid = ?", holder.pid) == [(DESCRIPTORS,) * 2]
    assert own(live, "SELECT pid, fd FROM sockets WHERE local_port = ?", port) == [(holder.pid, server)]
    # One directory is read, of one process.
    assert reads(live, f"SELECT count(*) FROM handles WHERE pid = {holder.pid}") == {"fd": 1}
    assert reads(live, f"SELECT count(target) FROM handles WHERE pid = {holder.pid}")["fd"] == 1
    told = command("--json", "SELECT count(*) AS n, max(fd) AS most FROM handles WHERE pid = :pid", "-p", f"pid={holder.pid}")
    assert json.loads(told.stdout) == [{"n": DESCRIPTORS, "most": DESCRIPTORS - 1}]
    assert told.returncode == 0


def test_two_thousand_threads_are_all_told(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import threading; threading.stack_size(65536); end = threading.Event(); tids = [os.getpid()]\n"
        f"for _ in range({THREADS}):\n"
        "    t = threading.Thread(target=end.wait, daemon=True)\n"
        "    try: t.start()\n"
        "    except RuntimeError: cannot('so many threads are not permitted')\n"
        "    tids.append(t.native_id)\n"
        "tell(tids)"
    )
    tids = sorted(holder.told)
    rows = own(live, "SELECT tid, state, uid, name FROM threads WHERE pid = ?", holder.pid)
    assert [row[0] for row in rows] == tids
    assert {row[1] for row in rows} <= {"S", "R"}
    assert {row[2] for row in rows} == {os.geteuid()}
    assert None not in {row[3] for row in rows}
    assert own(live, "SELECT threads FROM processes WHERE pid = ?", holder.pid) == [(THREADS + 1,)]
    assert own(live, "SELECT count(*) FROM threads WHERE pid = ?", holder.pid) == [(THREADS + 1,)]
    # They share one table of descriptors, so that nothing is told twice.
    fds = own(live, "SELECT count(*), count(tid) FROM handles WHERE pid = ?", holder.pid)
    assert fds == [(len(os.listdir(f"/proc/{holder.pid}/fd")), 0)]


def test_two_megabytes_of_arguments_and_two_of_environment_are_whole(live: Engine) -> None:
    # One string may have 128 KiB, all together a quarter of the stack, and never more than 6 MiB.
    arguments = [f"{number:02} " + "x" * 120_000 for number in range(18)] + ["", "y z", "é"]
    environment = {f"NAME{number}": "v" * 120_000 for number in range(18)} | {"EMPTY": "", "TWO": "a=b\nc"}
    assert sum(map(len, arguments)) > 2 * MEGABYTE
    assert sum(map(len, environment.values())) > 2 * MEGABYTE

    soft, hard = resource.getrlimit(resource.RLIMIT_STACK)
    if hard != resource.RLIM_INFINITY and hard < 32 * MEGABYTE:
        pytest.skip("the stack may not be so large here")
    line = ["/bin/sh", "-c", "read x", *arguments]
    resource.setrlimit(resource.RLIMIT_STACK, (32 * MEGABYTE, hard))
    try:
        process = subprocess.Popen(line, stdin=subprocess.PIPE, env=environment)
    finally:
        resource.setrlimit(resource.RLIMIT_STACK, (soft, hard))
    try:
        # For a moment after exec the kernel has not said where the arguments are.
        wait_until(lambda: Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"/bin/sh"))
        [(argv, cmdline)] = own(live, "SELECT argv, cmdline FROM processes WHERE pid = ?", process.pid)
        envs = own(live, "SELECT key, value FROM process_envs WHERE pid = ?", process.pid)
        told = command("--json", "SELECT argv FROM processes WHERE pid = :pid", "-p", f"pid={process.pid}")
    finally:
        process.kill()
        process.communicate()
    assert json.loads(argv) == line
    assert cmdline == " ".join(line)
    assert {key: value for key, value in envs if key not in ("PWD", "OLDPWD", "_", "LC_CTYPE")} == environment
    assert json.loads(json.loads(told.stdout)[0]["argv"]) == line


def test_a_process_with_much_of_everything_costs_others_nothing(live: Engine, child: Callable[..., Any]) -> None:
    other = child("tell(1)")
    child(
        "import threading\nfor _ in range(300): threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\ntell(1)"
    )
    work = reads(
        live,
        f"SELECT p.name, t.tid, h.fd FROM processes p, threads t, handles h WHERE p.pid = {other.pid}"
        " AND t.pid = p.pid AND h.pid = p.pid",
    )
    assert {name: count for name, count in work.items() if count != 1} == {}
