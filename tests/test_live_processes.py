"""On a real Linux: processes and handles, as their makers know them, in every race and under any name."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import own

pytestmark = pytest.mark.linux


def test_handles_of_each_kind(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("x" * 100)
    named = tmp_path / "real (deleted)"
    named.write_text("")
    holder = child(
        "import select\n"
        f"kept = open({os.fspath(kept)!r}, 'rb', 0); kept.seek(40); named = open({os.fspath(named)!r})\n"
        f"gone = open({os.fspath(tmp_path / 'gone')!r}, 'a'); os.unlink(gone.name)\n"
        f"directory = os.open({os.fspath(tmp_path)!r}, os.O_RDONLY)\n"
        "null = os.open('/dev/null', os.O_RDWR | os.O_NONBLOCK); r, w = os.pipe(); pair = socket.socketpair()\n"
        "epoll = select.epoll(); event = os.eventfd(3); memory = os.memfd_create('mine'); p = os.open('/', os.O_PATH)\n"
        "fds = dict(kept=kept.fileno(), named=named.fileno(), gone=gone.fileno(), directory=directory, null=null, r=r, w=w,"
        " pair=pair[0].fileno(), epoll=epoll.fileno(), event=event, memory=memory, path=p)\n"
        "tell([fds, os.fstat(r).st_ino, os.fstat(pair[0].fileno()).st_ino])"
    )
    fds, pipe, pair = holder.told
    rows = {
        row["fd"]: tuple(row.values())[1:]
        for row in live.query(
            "SELECT fd, type, target, inode, access, offset, deleted FROM handles WHERE pid = :pid", {"pid": holder.pid}
        )
    }
    assert rows[fds["kept"]] == ("file", os.fspath(kept), None, "r", 40, 0)
    assert rows[fds["named"]][:2] == ("file", os.fspath(named))
    assert rows[fds["named"]][-1] == 0
    assert rows[fds["gone"]][:4] == ("file", os.fspath(tmp_path / "gone"), None, "w")
    assert rows[fds["gone"]][-1] == 1
    assert rows[fds["directory"]][:2] == ("directory", os.fspath(tmp_path))
    assert rows[fds["null"]] == ("device", "/dev/null", None, "rw", 0, 0)
    assert rows[fds["r"]] == ("pipe", f"pipe:[{pipe}]", pipe, "r", 0, None)
    assert rows[fds["w"]][3] == "w"
    assert rows[fds["pair"]][:3] == ("socket", f"socket:[{pair}]", pair)
    assert [rows[fds[name]][0] for name in ("epoll", "event", "memory", "path")] == ["epoll", "eventfd", "memfd", "directory"]
    assert rows[fds["path"]][3] is None


def test_processes_tell_what_their_maker_knows(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    before = time.time()
    holder = child("tell([os.getsid(0), os.getpgrp(), os.nice(7)])", cwd=tmp_path, start_new_session=True)
    [row] = live.query("SELECT *, elapsed_time FROM processes WHERE pid = :pid", {"pid": holder.pid})
    assert (row["session"], row["pgroup"], row["nice"]) == tuple(holder.told)
    assert (row["parent"], row["cwd"], row["root"], row["tty"]) == (os.getpid(), os.fspath(tmp_path), "/", None)
    assert row["path"] == os.path.realpath(sys.executable)
    assert (row["on_disk"], row["uid"], row["threads"]) == (1, os.geteuid(), 1)
    assert json.loads(row["argv"])[:2] == [sys.executable, "-c"]
    assert row["cmdline"].startswith(f"{sys.executable} -c import json")
    assert row["fd_count"] == len(os.listdir(f"/proc/{holder.pid}/fd"))
    assert abs(row["started"] - before) < 60
    # Two parts are each cut to whole seconds: the boot time and the time since.
    assert row["started"] - 2 < row["start_time"] <= row["started"] + 0.1
    assert 0 <= row["elapsed_time"] <= time.time() - before + 1


def test_a_zombie_and_a_kernel_thread_are_rows_without_what_they_lack(live: Engine) -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    try:
        while Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z":
            time.sleep(0.01)
        assert own(live, "SELECT state, path, cmdline, argv, resident_size FROM processes WHERE pid = ?", pid) == [
            ("Z", None, None, None, None)
        ]
        assert own(live, "SELECT count(*) FROM handles WHERE pid = ?", pid) == [(0,)]
    finally:
        os.waitpid(pid, 0)
    kernel = own(live, "SELECT path, cmdline, resident_size FROM processes WHERE pid = 2 AND name = 'kthreadd'")
    assert kernel in ([], [(None, None, None)])


def test_a_thread_of_a_live_process_is_no_process(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import threading; t = threading.Thread(target=time.sleep, args=(600,), daemon=True); t.start(); tell(t.native_id)"
    )
    assert os.path.isdir(f"/proc/{holder.told}")
    assert own(live, "SELECT pid FROM processes WHERE pid = ?", holder.told) == []
    assert own(live, "SELECT threads FROM processes WHERE pid = ?", holder.pid) == [(2,)]


@pytest.mark.parametrize("keep", ["range(3, 40)", "range(3, 40, 2)", "[39]", "[3, 500]"])
def test_no_lasting_descriptor_is_missed_of_a_process_that_opens_and_closes(
    keep: str, live: Engine, child: Callable[..., Any]
) -> None:
    holder = child(
        "import resource, threading; resource.setrlimit(resource.RLIMIT_NOFILE, (600, 600))\n"
        f"for fd in {keep}: os.dup2(0, fd)\n"
        "tell(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])\n"
        "def churn():\n"
        "    while True:\n"
        "        for fd in [os.open('/dev/null', os.O_RDONLY) for _ in range(7)]: os.close(fd)\n"
        "threading.Thread(target=churn, daemon=True).start()"
    )
    lasting = {*eval(keep), 0, 1}
    for _ in range(100):
        assert lasting <= {row[0] for row in own(live, "SELECT fd FROM handles WHERE pid = ?", holder.pid)}
