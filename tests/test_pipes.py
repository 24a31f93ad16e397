"""process_open_pipes and process_open_files: who reads what whom writes, and which paths are open, as osquery tells it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, QueryTimeout

from .conftest import FakeRoot, own, reads

ENDS = "SELECT pid, fd, mode, type, partner_pid, partner_fd, partner_mode FROM process_open_pipes WHERE pid = ? AND inode = ?"


@pytest.fixture
def piped(fake: FakeRoot) -> FakeRoot:
    """A writer and two readers of one pipe, one of them twice; a pipe with two readers only; a process without any."""
    fake.process(10, fds={1: "pipe:[900]"})
    fake.process(11, fds={0: "pipe:[900]", 5: "pipe:[900]", 6: "pipe:[901]"})
    fake.process(12, fds={0: "pipe:[900]", 7: "pipe:[901]", 8: "/etc/hosts"})
    fake.process(13, fds={3: "/etc/hosts"})
    for pid, fd, flags in ((10, 1, "01"), (11, 0, "00"), (11, 5, "00"), (11, 6, "00"), (12, 0, "00"), (12, 7, "00")):
        fake.write(f"proc/{pid}/fdinfo/{fd}", f"pos:\t0\nflags:\t{flags}\nmnt_id:\t15\n")
    return fake


def test_each_pair_is_there_from_both_sides(piped: FakeRoot, engine: Engine) -> None:
    assert own(engine, "SELECT * FROM process_open_pipes WHERE inode = 900 ORDER BY 1, 2, 6, 7") == [
        (10, 1, "w", 900, "anonymous", 11, 0, "r"),
        (10, 1, "w", 900, "anonymous", 11, 5, "r"),
        (10, 1, "w", 900, "anonymous", 12, 0, "r"),
        (11, 0, "r", 900, "anonymous", 10, 1, "w"),
        (11, 5, "r", 900, "anonymous", 10, 1, "w"),
        (12, 0, "r", 900, "anonymous", 10, 1, "w"),
    ]


def test_an_end_with_none_at_the_other_side_has_a_row_without_a_partner(piped: FakeRoot, engine: Engine) -> None:
    assert own(engine, "SELECT * FROM process_open_pipes WHERE inode = 901 ORDER BY pid") == [
        (11, 6, "r", 901, "anonymous", None, None, None),
        (12, 7, "r", 901, "anonymous", None, None, None),
    ]


def test_a_search_for_a_process_without_pipes_looks_at_no_other(piped: FakeRoot, engine: Engine) -> None:
    done = reads(engine, "SELECT * FROM process_open_pipes WHERE pid = 13")
    assert done["fd"] == 1
    assert "pids" not in done


def test_a_search_looks_closely_at_the_ends_of_its_own_pipes_alone(piped: FakeRoot, engine: Engine) -> None:
    # All descriptors must be listed to find who has the other end; of these four are ends of this pipe.
    done = reads(engine, "SELECT * FROM process_open_pipes WHERE pid = 10")
    assert (done["fd"], done["fdinfo"]) == (4, 4)


def test_open_files_leave_out_what_has_no_file(fake: FakeRoot, engine: Engine) -> None:
    links = {0: "/dev/null", 1: "pipe:[9]", 2: "socket:[5]", 3: "anon_inode:[eventfd]", 4: "/tmp/x (deleted)"}
    fake.process(10, fds={**links, 5: "net:[4026531840]", 6: "/memfd:y (deleted)", 7: "/srv/socket:[1]"})
    assert own(engine, "SELECT * FROM process_open_files ORDER BY fd") == [
        (10, 0, "/dev/null"),
        (10, 4, "/tmp/x (deleted)"),
        (10, 5, "net:[4026531840]"),
        (10, 6, "/memfd:y (deleted)"),
        (10, 7, "/srv/socket:[1]"),
    ]


def test_a_search_for_open_files_of_a_process_reads_that_one_alone(fake: FakeRoot, engine: Engine) -> None:
    for pid in (10, 11, 12):
        fake.process(pid, fds={0: "/dev/null"})
    assert reads(engine, "SELECT * FROM process_open_files WHERE pid = 10") == {"fd": 1}
    assert reads(engine, "SELECT * FROM process_open_files WHERE pid IN (10, 12)") == {"fd": 2}
    assert reads(engine, "SELECT f.path FROM processes p JOIN process_open_files f USING (pid) WHERE p.pid = 11") == {"fd": 1}


def test_namespaces_are_inodes_as_text_and_of_the_process_alone_that_is_asked_for(fake: FakeRoot, engine: Engine) -> None:
    for pid in (10, 11):
        directory = fake.process(pid) / "ns"
        directory.mkdir()
        for number, kind in enumerate(("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")):
            (directory / kind).symlink_to(f"{kind}:[{4026531800 + number + pid}]")
    assert own(engine, "SELECT * FROM process_namespaces WHERE pid = 10") == [
        (10, *(str(4026531810 + number) for number in range(7)))
    ]
    assert reads(engine, "SELECT * FROM process_namespaces WHERE pid = 10") == {"namespaces": 1}
    assert reads(engine, "SELECT * FROM process_namespaces WHERE pid IN (10, 11)") == {"namespaces": 2}
    sql = "SELECT n.net_namespace FROM processes p JOIN process_namespaces n USING (pid) WHERE p.pid = 11"
    assert own(engine, sql) == [("4026531814",)]
    assert reads(engine, sql) == {"namespaces": 1}


@pytest.mark.linux
def test_namespaces_are_those_that_the_process_is_in(live: Engine) -> None:
    kinds = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")
    expected = tuple(str(os.stat(f"/proc/self/ns/{kind}").st_ino) for kind in kinds)
    assert own(live, "SELECT * FROM process_namespaces WHERE pid = ?", os.getpid()) == [(os.getpid(), *expected)]


@pytest.mark.linux
def test_a_pipe_between_two_processes(live: Engine, child: Callable[..., Any]) -> None:
    reader, writer = os.pipe()
    try:
        holder = child(f"tell(os.fstat({reader}).st_ino)", pass_fds=(reader,))
        mine = own(live, ENDS, os.getpid(), holder.told)
        assert (os.getpid(), writer, "w", "anonymous", holder.pid, reader, "r") in mine
        assert (os.getpid(), writer, "w", "anonymous", os.getpid(), reader, "r") in mine
        assert own(live, ENDS, holder.pid, holder.told) == [(holder.pid, reader, "r", "anonymous", os.getpid(), writer, "w")]
    finally:
        os.close(reader)
        os.close(writer)


@pytest.mark.linux
def test_a_named_pipe_by_whatever_name_it_is_open(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    os.mkfifo(first)
    os.link(first, second)
    fd = os.open(first, os.O_RDWR)
    only = os.open(first, os.O_PATH)
    try:
        holder = child(f"tell(os.open({os.fspath(second)!r}, os.O_RDONLY | os.O_NONBLOCK))")
        inode = first.stat().st_ino
        assert own(live, ENDS, holder.pid, inode) == [(holder.pid, holder.told, "r", "named", os.getpid(), fd, "rw")]
        mine = own(live, ENDS, os.getpid(), inode)
        assert (os.getpid(), fd, "rw", "named", holder.pid, holder.told, "r") in mine
        assert (os.getpid(), only, "", "named", None, None, None) in mine
        assert len(mine) == 2
    finally:
        os.close(fd)
        os.close(only)


@pytest.mark.linux
def test_open_files_are_the_childs(live: Engine, child: Callable[..., Any], tmp_path: Path) -> None:
    kept, gone = tmp_path / "kept", tmp_path / "gone"
    holder = child(
        f"a = open({os.fspath(kept)!r}, 'w'); b = open({os.fspath(gone)!r}, 'w'); os.unlink(b.name)\n"
        "c = socket.socket(); d = os.pipe(); e = os.eventfd(0); tell([a.fileno(), b.fileno()])"
    )
    rows = own(live, "SELECT fd, path FROM process_open_files WHERE pid = ? AND fd > 2 ORDER BY fd", holder.pid)
    assert rows == [(holder.told[0], os.fspath(kept)), (holder.told[1], f"{gone} (deleted)")]


def test_pairs_by_the_million_stop_when_they_are_told_to(child: Callable[..., Any]) -> None:
    made = child("r, w = os.pipe()\nfor _ in range(400): os.dup(r); os.dup(w)\ntell([r, w])")
    engine = Engine(timeout=0.05)
    with pytest.raises(QueryTimeout):
        engine.query(
            "SELECT count(*) FROM process_open_pipes a, process_open_pipes b WHERE a.pid = :pid AND b.pid = :pid",
            {"pid": made.pid},
        )
    sql = "SELECT count(*), count(DISTINCT partner_fd) FROM process_open_pipes WHERE pid = ? AND fd = ?"
    with Engine() as patient:
        assert own(patient, sql, made.pid, made.told[0]) == [(401, 401)]
