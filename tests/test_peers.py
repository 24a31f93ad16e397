"""Who has the other end: of pipes, FIFOs, unix sockets, eventfds and pseudo-terminals; and that nobody is asked in vain."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import FakeRoot, own, reads

pytestmark = pytest.mark.linux

FORK = """
ready, done = os.pipe(), os.pipe()
def fork(work):
    '''A child process that does its work and waits.'''
    pid = os.fork()
    if pid == 0:
        work(); os.write(ready[1], b'.'); os.close(done[1]); os.read(done[0], 1); os._exit(0)
    os.read(ready[0], 1)
    return pid
def close(*fds): return lambda: [os.close(fd) for fd in fds]
def nothing(): pass
"""


def peer(engine: Engine, pid: int, fd: int) -> tuple[int | None, int | None]:
    [found] = own(engine, "SELECT peer_pid, peer_fd FROM handles WHERE pid = ? AND fd = ? AND tid IS NULL", pid, fd)
    return found[0], found[1]


def test_a_pipe_between_two_processes(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(f"{FORK}\nr, w = os.pipe(); pid = fork(close(w)); os.close(r); tell([r, w, pid])")
    r, w, reader = holder.told
    assert peer(live, holder.pid, w) == (reader, r)
    assert peer(live, reader, r) == (holder.pid, w)


def test_a_pipe_whose_other_end_nobody_has(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("r, w = os.pipe(); os.close(r); a, b = os.pipe(); os.close(b); tell([w, a])")
    assert [peer(live, holder.pid, fd) for fd in holder.told] == [(None, None)] * 2


def test_a_pipe_within_a_process_and_no_end_is_its_own_peer(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("r, w = os.pipe(); s = os.dup(r); tell([r, w, s])")
    r, w, s = holder.told
    assert [peer(live, holder.pid, fd) for fd in (r, w, s)] == [(holder.pid, w), (holder.pid, r), (holder.pid, w)]


def test_of_several_another_process_comes_before_its_own_and_the_oldest_first(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{FORK}\nr, w = os.pipe(); first = fork(nothing); time.sleep(0.05); second = fork(nothing)\n"
        "tell([r, w, first, second])"
    )
    r, w, first, second = holder.told
    assert peer(live, holder.pid, r) == (first, w)
    assert peer(live, first, w) == (holder.pid, r)
    assert peer(live, second, r) == (holder.pid, w)


def test_who_only_names_a_pipe_is_nobody_s_peer(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("r, w = os.pipe(); o = os.open(f'/proc/self/fd/{w}', os.O_PATH); os.close(w); tell([r, o])")
    assert [peer(live, holder.pid, fd) for fd in holder.told] == [(None, None)] * 2


def test_a_pipe_that_is_open_for_both(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("r, w = os.pipe(); os.close(w); b = os.open(f'/proc/self/fd/{r}', os.O_RDWR); tell([r, b])")
    r, both = holder.told
    assert peer(live, holder.pid, r) == (holder.pid, both)
    assert peer(live, holder.pid, both) == (holder.pid, r)


def test_a_fifo(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    os.mkfifo(tmp_path / "other" / "fifo")
    holder = child(
        f"{FORK}\nos.chdir({os.fspath(tmp_path)!r}); os.mkfifo('fifo'); r = os.open('fifo', os.O_RDONLY | os.O_NONBLOCK)\n"
        "w = os.open('fifo', os.O_WRONLY); o = os.open('fifo', os.O_PATH)\n"
        # Another of the same name, and a file.
        "x = os.open('other/fifo', os.O_RDWR); f = os.open('other/fifo', os.O_RDONLY | os.O_NONBLOCK)\n"
        "pid = fork(close(w)); os.close(r); os.unlink('fifo'); tell([r, w, o, x, f, pid])"
    )
    r, w, named, x, f, reader = holder.told
    assert peer(live, holder.pid, w) == (reader, r)
    assert peer(live, reader, r) == (holder.pid, w)
    assert peer(live, holder.pid, named) == (None, None)
    assert peer(live, holder.pid, x) == (reader, x)
    assert peer(live, holder.pid, f) == (reader, x)


def test_files_that_are_open_twice_have_no_peers(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    holder = child(
        f"f = open({os.fspath(tmp_path / 'file')!r}, 'w'); g = open(f.name); n = os.open('/dev/null', os.O_RDONLY)\n"
        "m = os.open('/dev/null', os.O_WRONLY); tell([f.fileno(), g.fileno(), n, m])"
    )
    assert [peer(live, holder.pid, fd) for fd in holder.told] == [(None, None)] * 4


def test_unix_sockets_have_the_owner_of_the_other_end_for_peer(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    path = os.fspath(tmp_path / "socket")
    server = child(
        f"l = socket.socket(socket.AF_UNIX); l.bind({path!r}); l.listen(); tell(l.fileno()); sys.stdin.readline()\n"
        "c = l.accept()[0]; d = c.dup(); tell([c.fileno(), inode(c)])"
    )
    client = child(f"s = socket.socket(socket.AF_UNIX); s.connect({path!r}); tell([s.fileno(), inode(s)])")
    # A connection that waits to be accepted has nobody at its other end yet.
    assert peer(live, client.pid, client.told[0]) == (None, None)
    accepted, inode = server.go_on()
    if not own(live, "SELECT 1 FROM sockets WHERE inode = ? AND peer_inode IS NOT NULL", inode):
        pytest.skip("the peers of unix sockets are not told here")
    assert peer(live, server.pid, accepted) == (client.pid, client.told[0])
    assert peer(live, client.pid, client.told[0]) == (server.pid, accepted)
    sql = "SELECT pid, fd FROM sockets WHERE inode = ?"
    assert own(live, sql, inode) == [peer(live, client.pid, client.told[0])]
    assert peer(live, server.pid, server.told) == (None, None)


def test_sockets_of_the_internet_have_none(live: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as client:
        assert peer(live, os.getpid(), client.fileno()) == (None, None)


def test_an_eventfd_is_one_wherever_it_is_held(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{FORK}\ne = os.eventfd(0); alone = os.eventfd(0); pid = fork(close(alone)); d = os.dup(alone)\n"
        "tell([e, alone, d, pid])"
    )
    event, alone, duplicate, other = holder.told
    assert peer(live, holder.pid, event) == (other, event)
    assert peer(live, other, event) == (holder.pid, event)
    assert peer(live, holder.pid, alone) == (holder.pid, duplicate)


def test_the_two_ends_of_a_pseudo_terminal(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{FORK}\na, b = os.openpty(); c, d = os.openpty(); pid = fork(close(a, c)); os.close(b); tell([a, b, c, d, pid])"
    )
    a, b, c, d, other = holder.told
    assert peer(live, holder.pid, a) == (other, b)
    assert peer(live, other, b) == (holder.pid, a)
    assert peer(live, holder.pid, c) == (other, d)
    assert peer(live, holder.pid, d) == (holder.pid, c)


def test_a_terminal_without_a_master_has_no_peer_though_its_number_is_given_out_again(
    live: Engine, child: Callable[..., Any]
) -> None:
    holder = child(
        "a, b = os.openpty(); name = os.ttyname(b); os.close(a); c, d = os.openpty(); tell([b, c, name, d, os.ttyname(d)])"
    )
    orphan, master, name, slave, again = holder.told
    assert peer(live, holder.pid, orphan) == (None, None)
    assert peer(live, holder.pid, master) == (holder.pid, slave)
    assert name != again or own(live, "SELECT deleted FROM handles WHERE pid = ? AND fd = ?", holder.pid, orphan) == [(1,)]


@pytest.mark.root
def test_the_terminals_of_containers_are_not_taken_for_each_other_s(live: Engine, child: Callable[..., Any]) -> None:
    inner = child(
        "import ctypes\nunshare(0x20000); library = ctypes.CDLL(None, use_errno=True)\n"
        "def mount(*arguments):\n"
        "    if library.mount(*arguments): cannot(f'mount: {os.strerror(ctypes.get_errno())}')\n"
        "mount(b'none', b'/', None, 0x44000, None); mount(b'devpts', b'/dev/pts', b'devpts', 0, b'newinstance,ptmxmode=0666')\n"
        # By the instance's own ptmx, and by the one beside it.
        "a = os.open('/dev/pts/ptmx', os.O_RDWR | os.O_NOCTTY); b = os.open('/dev/ptmx', os.O_RDWR | os.O_NOCTTY)\n"
        "for fd in (a, b): library.unlockpt(fd)\n"
        "c, d = (os.open(f'/dev/pts/{n}', os.O_RDWR | os.O_NOCTTY) for n in (0, 1)); tell([a, b, c, d])"
    )
    outer = child("a, b = os.openpty(); c, d = os.openpty(); tell([a, b, c, d])")
    a, b, c, d = inner.told
    assert [peer(live, inner.pid, fd) for fd in (a, b, c, d)] == [(inner.pid, fd) for fd in (c, d, a, b)]
    a, b, c, d = outer.told
    assert [peer(live, outer.pid, fd) for fd in (a, b, c, d)] == [(outer.pid, fd) for fd in (b, a, d, c)]


def test_an_end_that_only_a_thread_has(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import threading\nready = threading.Event(); told = []; r, w = os.pipe()\n"
        "def work():\n"
        "    unshare(0x400); os.close(w); told.append(threading.get_native_id()); ready.set(); threading.Event().wait()\n"
        "threading.Thread(target=work, daemon=True).start(); ready.wait(); os.close(r); tell([r, w, *told])"
    )
    r, w, tid = holder.told
    assert peer(live, holder.pid, w) == (holder.pid, r)
    sql = "SELECT peer_pid, peer_fd FROM handles WHERE pid = ? AND tid = ? AND fd = ?"
    assert own(live, sql, holder.pid, tid, r) == [(holder.pid, w)]


PIPES = {3: "pipe:[9]", 4: "anon_inode:[eventfd]", 5: "/etc/passwd"}


@pytest.fixture
def three(fake: FakeRoot) -> FakeRoot:
    for pid in (41, 42, 43):
        fake.process(pid, fds=PIPES, start=pid)
    fake.write("proc/41/fdinfo/3", "pos:\t0\nflags:\t00\nmnt_id:\t9\n")
    fake.write("proc/42/fdinfo/3", "pos:\t0\nflags:\t01\nmnt_id:\t9\n")
    fake.write("proc/43/fdinfo/3", "pos:\t0\nflags:\t01\nmnt_id:\t9\n")
    return fake


def test_without_a_peer_column_no_other_process_is_read(three: FakeRoot, engine: Engine) -> None:
    assert engine.query("SELECT fd, type FROM handles WHERE pid = 41 AND fd < 5") != []
    assert reads(engine, "SELECT fd, target, inode FROM handles WHERE pid = 41") == {"fd": 1}
    assert reads(engine, "SELECT fd, access, detail FROM handles WHERE pid = 41 AND fd = 3") == {"fd": 1, "fdinfo": 1}


def test_with_one_the_handles_are_walked_once_and_only_the_pipe_s_are_looked_at(three: FakeRoot, engine: Engine) -> None:
    sql = "SELECT peer_pid, peer_fd FROM handles WHERE pid = 41 AND fd = 3"
    # The start of those who both have the other end decides between them.
    assert reads(engine, sql) == {"fd": 3, "pids": 1, "fdinfo": 3, "stat": 2}
    assert engine.query(sql) == [{"peer_pid": 42, "peer_fd": 3}]
    everything = reads(engine, "SELECT peer_pid FROM handles WHERE type = 'pipe'")
    assert (everything["fd"], everything["pids"]) == (3, 1)


def test_an_eventfd_of_which_no_number_is_told_has_no_peer(three: FakeRoot, engine: Engine) -> None:
    assert engine.query("SELECT DISTINCT peer_pid FROM handles WHERE fd = 4") == [{"peer_pid": None}]
    three.write("proc/41/fdinfo/4", "pos:\t0\nflags:\t02\nmnt_id:\t9\neventfd-count: 0\neventfd-id: 7\n")
    three.write("proc/43/fdinfo/4", "pos:\t0\nflags:\t02\nmnt_id:\t9\neventfd-count: 0\neventfd-id: 7\n")
    found = engine.query("SELECT pid, peer_pid FROM handles WHERE fd = 4 ORDER BY pid")
    assert [tuple(row.values()) for row in found] == [(41, 43), (42, None), (43, 41)]
