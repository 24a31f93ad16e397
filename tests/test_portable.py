"""The portable backend: what psutil tells is what Linux tells, and what it cannot tell is NULL and said so."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from sqlports import Engine, registry
from sqlports.sources.gaps import gaps
from sqlports.sources.parts.cwd import Link
from sqlports.sources.parts.exe import Exe
from sqlports.sources.portable import Portable
from sqlports.sources.snapshot import Snapshot
from sqlports.sources.subjects import Task

from .conftest import own, singular

Rows = list[dict[str, Any]]

# What moves between two looks, and how far it may: seconds, milliseconds, bytes.
MOVING = {"started": 0.05, "elapsed_time": 1, "user_time": 50, "system_time": 50} | dict.fromkeys(
    ("resident_size", "total_size"), 4 << 20
)
PID = os.getpid()


@pytest.fixture
def portable() -> Iterator[Engine]:
    made = Engine(backend="portable")
    yield made
    made.close()


def columns(table: str) -> str:
    """Every column that Linux fills, the hidden ones too."""
    return ", ".join(
        f'"{column.name}"' for column in registry.table(table).columns if column.path and not column.name.startswith("named_")
    )


def cells(engine: Engine, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in engine.query(sql, parameters)]


def refusals(engine: Engine) -> set[tuple[Any, ...]]:
    """What the statement before could not read: source, pid, errno, reason, how often."""
    return set(cells(engine, "SELECT * FROM scan_errors"))


def task(pid: int) -> Task:
    """A process as a backend is asked about it, in no look at all."""
    asked = Task.__new__(Task)
    asked.pid = pid
    return asked


def unknown(table: str, platform: str = sys.platform) -> set[str]:
    """The columns that are documented as NULL in every row."""
    nothing: set[str] = set()
    for part in gaps(platform).values():
        for reason in part:
            _, _, names = reason.partition(f"{table}: not known: ")
            nothing.update(names.split(", ") if names else ())
            _, _, names = reason.partition(f"{table}: only these are known: ")
            if names:
                nothing.update({column.name for column in registry.table(table).columns} - set(names.split(", ")))
    return nothing


def assert_same(theirs: Rows, ours: Rows, nothing: set[str]) -> None:
    """The same rows in the same order, column by column, but for the columns of which nothing is known."""
    assert len(theirs) == len(ours) > 0
    for their, our in zip(theirs, ours, strict=True):
        for name, value in their.items():
            about = (name, value, our[name])
            if name in nothing:
                assert our[name] is None, about
            elif name == "cpu_percent" and value is not None:
                assert our[name] >= 0, about  # of a process that began just now it moves fast: compared by itself
            elif name in MOVING and value is not None:
                assert our[name] == pytest.approx(value, abs=MOVING[name]), about
            else:
                assert (our[name], type(our[name])) == (value, type(value)), about


def test_a_process_has_its_name_arguments_parent_directory_and_start(
    portable: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    before = time.time()
    holder = child("tell(1)", cwd=tmp_path)
    (row,) = portable.query(f"SELECT {columns('processes')} FROM processes WHERE pid = ?", (holder.pid,))
    assert json.loads(row["argv"])[1] == "-c"
    assert row["cmdline"] == " ".join(json.loads(row["argv"])).rstrip()
    assert (row["parent"], row["threads"], row["resident_size"] > 1 << 20) == (PID, 1, True)
    assert os.path.samefile(row["path"], psutil.Process(holder.pid).exe())
    assert os.path.samefile(row["cwd"], tmp_path)
    assert (row["started"], row["start_time"]) == (pytest.approx(before, abs=5), pytest.approx(before, abs=5))
    assert {name for name, value in row.items() if value is None} >= unknown("processes")


def test_a_listener_and_a_connection_have_their_owner(portable: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0] as server:
            fds = [None if sys.platform == "win32" else held.fileno() for held in (server, listener, client)]
            other = client.getsockname()[1]
            sql = "SELECT state, fd, remote_port, owner_reason FROM sockets WHERE pid = ? AND port = ? ORDER BY 1"
            assert cells(portable, sql, PID, port) == [
                ("ESTABLISHED", fds[0], other, "owned"),
                ("LISTEN", fds[1], None, "owned"),
            ]
            assert cells(portable, sql, PID, other) == [("ESTABLISHED", fds[2], port, "owned")]


# The parts of a process of which something is not known, on one system or another.
PARTS = (
    "stat", "status", "io", "cmdline", "cgroup", "exe", "on_disk", "root", "scheduling", "rest", "oom", "limits", "quota",
    "privileges", "label", "audit", "wchan", "namespaces",
)  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("SELECT pid FROM processes", ()),
        ("SELECT pid, name, fd_count, cwd FROM processes", ()),
        ("SELECT pid, parent FROM processes", ("stat",)),
        ("SELECT pid, nice, voluntary_switches FROM processes", ("stat", "rest")),
        ("SELECT * FROM processes", PARTS),
        ("SELECT * FROM threads", ("threads",)),
        ("SELECT tid FROM threads WHERE pid = 1", ("threads",)),
        ("SELECT * FROM process_tree", ("stat",)),
        ("SELECT local_port FROM sockets WHERE protocol = 'tcp'", ("sockets",)),
        ("SELECT local_port FROM sockets", ("sockets", "unix")),
        (f"SELECT * FROM handles WHERE pid = {PID}", ("handles",)),
        ("SELECT ephemeral FROM port_registry WHERE port = 1", ("port_registry",)),
    ],
)
def test_what_cannot_be_known_is_said_once_when_it_is_asked_for(portable: Engine, sql: str, parts: tuple[str, ...]) -> None:
    portable.query(sql)
    expected = {("psutil", None, None, reason, 1) for part in parts for reason in gaps(sys.platform).get(part, ())}
    assert {refusal for refusal in refusals(portable) if refusal[0] == "psutil"} == expected


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32", "freebsd14"])
def test_every_column_that_is_called_unknown_exists(platform: str) -> None:
    for table in ("processes", "sockets", "handles", "port_registry"):
        assert unknown(table, platform) <= {column.name for column in registry.table(table).columns}
        assert unknown(table, platform) or (table, platform) == ("handles", "win32")


@pytest.mark.linux
def test_processes_are_told_as_linux_tells_them(
    portable: Engine, live: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "é").mkdir()
    odd = [sys.executable, "-c", "import sys; sys.stdin.read()", "a b", "", 'x"y', "é\n", b"\xff", ""]
    apart: dict[str, Any] = {"stdin": subprocess.PIPE, "cwd": tmp_path / "é", "env": {"ONE": "1"}, "start_new_session": True}
    with subprocess.Popen(odd, **apart) as sleeper, subprocess.Popen([sys.executable, "-c", ""]) as zombie:
        os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
        threads = "import threading\nfor _ in range(3): threading.Thread(target=time.sleep, args=(99,), daemon=True).start()\n"
        busy = child(threads + "os.nice(3); tell(1)").pid
        named = child("open('/proc/self/comm', 'wb').write(b'16 (and) m\\xffore'); tell(1)").pid
        stopped = child("tell(1)").pid
        os.kill(stopped, signal.SIGSTOP)
        os.waitid(os.P_PID, stopped, os.WSTOPPED | os.WNOWAIT)
        while not all(psutil.Process(pid).status() == "sleeping" for pid in (sleeper.pid, busy, named)):
            time.sleep(0.01)
        pids = (sleeper.pid, zombie.pid, busy, named, stopped)
        sql = f"SELECT {columns('processes')} FROM processes WHERE pid IN {pids} ORDER BY pid"
        ours = portable.query(sql)
        assert sorted(row["state"] for row in ours) == ["S", "S", "S", "T", "Z"]
        theirs = live.query(sql)
        if os.geteuid() != 0:
            # What a zombie has left is root's: its descriptors can be counted (none), and not listed.
            [dead] = [row for row in theirs if row["state"] == "Z"]
            assert dead["fd_count"] == 0
            dead["fd_count"] = dead["handle_count"] = None
        assert_same(theirs, ours, unknown("processes"))
        sleeper.kill()


def test_the_share_of_the_processor_is_that_of_the_time_since_the_start(portable: Engine) -> None:
    sql = "SELECT cpu_percent, user_time + system_time, started FROM processes WHERE pid = ?"
    ((share, spent, started),) = cells(portable, sql, PID)
    assert share == pytest.approx(spent / 10 / (time.time() - started), rel=0.2, abs=0.1)


@pytest.mark.linux
def test_all_processes_of_the_machine_are_told_as_linux_tells_them(portable: Engine, live: Engine) -> None:
    lasting = "uid, euid, suid, gid, egid, sgid, pgroup, session, parent, nice, tty, start_time"
    sql = f"SELECT pid, path, CASE WHEN path IS NOT NULL THEN name END AS name, {lasting} FROM processes"
    before, ours, after = ({row["pid"]: row for row in engine.query(sql)} for engine in (live, portable, live))
    both = [pid for pid in before.keys() & after.keys() - singular(live) if before[pid] == after[pid]]
    assert {PID, os.getppid()} <= set(both)
    assert_same([before[pid] for pid in both], [ours[pid] for pid in both], set())


@pytest.mark.linux
def test_sockets_are_told_as_linux_tells_them(portable: Engine, live: Engine, tmp_path: Path) -> None:
    with ExitStack() as stack:
        made: list[socket.socket] = []

        def keep(one: socket.socket) -> socket.socket:
            made.append(stack.enter_context(one))
            return one

        for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
            listener = keep(socket.create_server((address, 0), family=family))
            keep(socket.create_connection(listener.getsockname()[:2]))
            keep(listener.accept()[0]).send(b"unread")
            bound, connected = (keep(socket.socket(family, socket.SOCK_DGRAM)) for _ in range(2))
            bound.bind((address, 0))
            connected.connect(bound.getsockname())
        inet = len(made)
        for number, kind in enumerate((socket.SOCK_STREAM, socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)):
            keep(socket.socket(socket.AF_UNIX, kind)).bind(str(tmp_path / f"é{number}"))
        made[inet].listen()
        keep(socket.socket(socket.AF_UNIX)).bind(f"\0abstract\0{PID}")
        for one in socket.socketpair():
            keep(one)
        wanted = ", ".join(str(one.fileno()) for one in made)
        sql = f"SELECT {columns('sockets')} FROM sockets WHERE pid = {PID} AND fd IN ({wanted}) ORDER BY family, fd"
        theirs, ours = (engine.query(sql) for engine in (live, portable))
        assert [row["state"] for row in theirs[inet:]] == ["LISTEN", *["UNCONNECTED"] * 3, *["ESTABLISHED"] * 2]
        assert len(ours) == len(made)
        assert_same(theirs[:inet], ours[:inet], unknown("sockets") | {"owners"})
        assert_same(theirs[inet:], ours[inet:], unknown("sockets") | {"owners", "state"})


@pytest.mark.linux
def test_a_closed_connection_is_told_as_linux_tells_it(portable: Engine, live: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as server:
            ends = f"port = {client.getsockname()[1]} AND remote_port = {listener.getsockname()[1]}"
            client.shutdown(socket.SHUT_WR)
            server.recv(1)
        sql = f"SELECT {columns('sockets')} FROM sockets WHERE {ends} AND state = 'TIME_WAIT' AND address = '127.0.0.1'"
        assert_same(live.query(sql), portable.query(sql), unknown("sockets"))


@pytest.mark.linux
def test_handles_are_told_as_linux_tells_them(portable: Engine, live: Engine, tmp_path: Path) -> None:
    path = str(tmp_path / "é file")
    flags = (os.O_CREAT | os.O_RDWR, os.O_WRONLY | os.O_APPEND, os.O_RDONLY | os.O_NOFOLLOW, os.O_PATH)
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        files = [stack.enter_context(open(os.open(path, flag), "rb", buffering=0)) for flag in flags[:1] + flags[2:]]
        os.write(files[0].fileno(), b"text")
        sql = f"SELECT {columns('handles')} FROM handles WHERE pid = {PID} AND fd = ?"
        for file in files:
            assert_same(live.query(sql, (file.fileno(),)), portable.query(sql, (file.fileno(),)), unknown("handles"))
        assert cells(portable, sql, listener.fileno()) == [(PID, listener.fileno(), "socket", "socket", *[None] * 16)]


@pytest.mark.linux
def test_accounts_and_services_are_told_as_linux_tells_them(portable: Engine, live: Engine) -> None:
    for sql in (
        "SELECT * FROM users",
        "SELECT port, protocol, local_service, local_aliases FROM port_registry WHERE port < 1024",
    ):
        assert_same(live.query(sql), portable.query(sql), set())


def refuse(monkeypatch: pytest.MonkeyPatch, error: type[psutil.Error], *methods: str) -> None:
    """Make psutil refuse these of our own process, as another system, or another user's process, would."""
    for method in methods:
        told = getattr(psutil._psplatform.Process, method)

        def ask(process: Any, *arguments: Any, told: Callable[..., Any] = told) -> Any:
            if process.pid == PID:
                raise error(PID)
            return told(process, *arguments)

        monkeypatch.setattr(psutil._psplatform.Process, method, ask)


def test_what_is_denied_is_null_and_counted_and_the_rest_is_told(portable: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = ("cwd", "cpu_times", "num_threads")
    refuse(monkeypatch, psutil.AccessDenied, *denied)
    sql = f"SELECT cwd, user_time, threads, parent FROM processes WHERE pid = {PID}"
    assert cells(portable, sql) == [(None, None, None, os.getppid())]
    assert {refusal for refusal in refusals(portable) if refusal[1]} == {
        (f"psutil {method}", PID, errno.EACCES, "permission", 1) for method in denied
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no zombies")
def test_of_a_zombie_there_is_what_the_system_still_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, psutil.ZombieProcess, "exe", "cwd", "cpu_times", "memory_info", "num_threads")
    stat: Any
    exe, cwd, stat = (Portable().read(task(PID), group) for group in ("exe", "cwd", "stat"))
    assert (exe, cwd, stat.parent, stat.threads, stat.user_time) == (Exe(), Link(), os.getppid(), None, None)


def test_a_process_that_ended_is_no_process() -> None:
    backend = Portable()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        backend.read(task(process.pid), "stat")
        assert backend.is_process(process.pid)
    assert not backend.is_process(process.pid)
    with pytest.raises(ProcessLookupError) as caught:
        backend.read(task(process.pid), "stat")
    assert caught.value.errno == errno.ESRCH


@pytest.mark.linux
@pytest.mark.root
def test_a_number_that_is_given_to_another_process_is_not_taken_for_the_first() -> None:
    backend, last = Portable(), Path("/proc/sys/kernel/ns_last_pid")
    with subprocess.Popen(["sleep", "99"]) as first:
        backend.read(task(first.pid), "stat")
        first.kill()
    # The kernel tells starts to a hundredth of a second; numbers do not come round faster by themselves.
    time.sleep(0.05)
    for _ in range(50 if os.access(last, os.W_OK) else 0):
        last.write_text(str(first.pid - 1))
        with subprocess.Popen(["sleep", "99"]) as second:
            try:
                if second.pid == first.pid:
                    with pytest.raises(ProcessLookupError):
                        backend.read(task(first.pid), "cmdline")
                    return
            finally:
                second.kill()
    pytest.skip("the number could not be given to another")


@pytest.mark.linux
@pytest.mark.root
def test_without_permission_a_socket_has_that_for_a_reason(portable: Engine, child: Callable[..., Any]) -> None:
    holder = child("s = socket.create_server(('127.0.0.1', 0)); tell(s.getsockname()[1])")
    listens = f"port = {holder.told} AND address = '127.0.0.1' AND state = 'LISTEN'"
    sql = f"SELECT pid, fd, owners, owner_reason FROM sockets WHERE {listens}"
    assert cells(portable, sql)[0][0] == holder.pid
    os.seteuid(65534)
    try:
        assert cells(portable, sql) == [(None, None, None, "permission")]
        assert ("psutil cwd", holder.pid, errno.EACCES, "permission", 1) in refusals(portable)
    finally:
        os.seteuid(0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells everybody")
def test_where_only_root_is_told_of_all_sockets_each_process_is_asked(
    portable: Engine, child: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def deny(kind: str) -> Any:
        raise psutil.AccessDenied(None)

    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        here, port = listener.getsockname()[1], client.getsockname()[1]
        other = child("tell(1)", pass_fds=[client.fileno(), listener.fileno()])
        monkeypatch.setattr(psutil, "net_connections", deny)
        monkeypatch.setattr(psutil, "pids", lambda: [other.pid, PID])
        sql = "SELECT pid, owner_reason FROM sockets WHERE protocol = 'tcp' AND port = ? ORDER BY pid"
        assert cells(portable, sql, port) == [(PID, "owned")]
        assert cells(portable, sql, here) == sorted([(PID, "owned"), (other.pid, "owned")])
        refuse(monkeypatch, psutil.AccessDenied, "net_connections")
        assert cells(portable, sql, port) == [(other.pid, "owned")]
        assert ("psutil net_connections", PID, errno.EACCES, "permission", 1) in refusals(portable)


@pytest.mark.linux
def test_what_psutil_does_not_understand_is_counted_and_the_rest_is_told(portable: Engine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket(socket.AF_UNIX) as named, ExitStack() as stack:
        named.bind(str(tmp_path / "a\nb c"))
        assert cells(portable, f"SELECT fd FROM sockets WHERE pid = {PID}") == [(listener.fileno(),)]
        assert [refusal[3][:12] for refusal in refusals(portable) if "unix" in refusal[0]] == ["error while "]
        strange = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR | os.O_WRONLY)
        stack.callback(os.close, strange)
        assert cells(portable, f"SELECT fd FROM handles WHERE pid = {PID}") == []
        assert ("psutil descriptors", PID, None, "psutil: KeyError(3)", 1) in refusals(portable)


def test_another_root_is_refused() -> None:
    with pytest.raises(ValueError, match="this system only"):
        Snapshot(root="/elsewhere", backend="portable")


@pytest.mark.linux
def test_an_environment_is_told_as_linux_tells_it(portable: Engine, live: Engine, child: Callable[..., Any]) -> None:
    holder = child("tell(1)", env={"EMPTY": "", "SIGN": "a=b", "É": "ü"})
    sql = f"SELECT key, value FROM process_envs WHERE pid = {holder.pid} ORDER BY key"
    assert cells(portable, sql) == cells(live, sql)


@pytest.mark.linux
def test_of_an_environment_that_was_written_over_psutil_knows_less_and_it_is_told(portable: Engine, live: Engine) -> None:
    # An entry is what stands there, and execve(2) takes any: two of one name, one without '=', an empty one.
    script = (
        "import ctypes, sys; v = (ctypes.c_char_p * 6)(b'A=1', b'A=2', b'title', b'', b'B=3', None)\n"
        "a = (ctypes.c_char_p * 4)(sys.executable.encode(), b'-c', b'import sys; print(flush=True); sys.stdin.read()', None)\n"
        "ctypes.CDLL(None).execve(sys.executable.encode(), a, v)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        sql = f"SELECT key, value FROM process_envs WHERE pid = {process.pid}"
        assert cells(live, sql) == [("A", "1"), ("A", "2"), ("title", None), ("B", "3")]
        assert cells(portable, sql) == [("A", "2")]
        assert any(refusal[3].startswith("process_envs: of several") for refusal in refusals(portable))
        process.kill()


@pytest.mark.linux
def test_no_memory_is_listed_and_that_is_told(portable: Engine) -> None:
    assert cells(portable, f"SELECT * FROM process_memory_map WHERE pid = {PID}") == []
    assert {refusal[3] for refusal in refusals(portable)} == {"process_memory_map: none are listed"}


@pytest.mark.linux
def test_groups_and_memberships_are_told_as_linux_tells_them(portable: Engine, live: Engine) -> None:
    for sql in ("SELECT * FROM groups", "SELECT * FROM user_groups", "SELECT * FROM users WHERE uid = 0"):
        assert_same(live.query(sql), portable.query(sql), set())
    assert cells(portable, f"SELECT * FROM users WHERE pid_with_namespace = {PID}") == []
    assert any(refusal[0] == "pid_with_namespace" for refusal in refusals(portable))


def test_a_part_that_nobody_wrote_a_reader_for_is_told() -> None:
    with Engine(backend="portable") as engine, engine.snapshot() as system:
        system.backend._with_gaps.discard("oom")
        system.backend._gaps.pop("oom", None)
        assert engine.query("SELECT count(oom_score) AS n FROM processes") == [{"n": 0}]
        found = own(engine, "SELECT source, reason FROM scan_errors WHERE reason = 'not known: oom'")
    assert found == [("psutil", "not known: oom")]
