"""Where much may not be seen: every gap is NULL and counted, said once, and what may be seen is whole."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, cli

from .conftest import own
from .fire import (
    NAME,
    NEW_MOUNTS,
    NEW_PIDS,
    NEW_USERS,
    SYS_PTRACE,
    apart,
    become_nobody,
    done,
    drop,
    forked,
    have_all_imported,
    library,
    mount_proc,
    state,
    wait_until,
    waits,
)

pytestmark = [pytest.mark.linux, pytest.mark.root]

SQL = "SELECT pid, name, uid, cmdline, path, cwd, rchar, net_namespace FROM processes"
ERRORS = "SELECT source, pid, errno, reason FROM scan_errors WHERE source LIKE '/proc%'"


def said(*arguments: str) -> tuple[int, list[str], str]:
    """The exit status of the command, what it says on standard error, line by line, and what it prints."""
    with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as told:
        os.dup2(told.fileno(), 2)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(told):
            status = cli.run(arguments)
        for file in (printed, told):
            file.seek(0)
        return status, told.read().splitlines(), printed.read()


def prepare() -> None:
    """Have all imported that an ordinary user may not be able to read the files of."""
    have_all_imported()
    said("--limit", "0", "SELECT * FROM processes")


def behind(hidepid: int, *queries: str) -> Any:
    """What an ordinary user is told where /proc hides others' processes: number 1 and `theirs` are root's, `mine` its own."""

    def act() -> Any:
        prepare()
        theirs, mine = waits(), waits(become_nobody)
        mount_proc(f"hidepid={hidepid}".encode())

        def ask() -> Any:
            engine = Engine()
            answers = []
            for sql in queries:
                rows = own(engine, sql.replace(":theirs", str(theirs)).replace(":mine", str(mine)))
                answers.append((rows, own(engine, ERRORS)))
            return os.getpid(), answers, said("SELECT pid, name FROM processes")

        asker, answers, notice = forked(ask, become_nobody)
        for pid in (theirs, mine):
            os.kill(pid, signal.SIGKILL)
        return theirs, mine, asker, answers, notice

    return apart(act)


WHOLE = "SELECT pid, name IS NOT NULL, uid, path IS NOT NULL, cwd IS NOT NULL FROM processes WHERE pid IN (:theirs, :mine)"


def test_with_hidepid_1_others_are_rows_with_a_number_and_nothing_else_and_that_is_counted() -> None:
    scan = "SELECT pid, name, uid, cmdline, state FROM processes"
    theirs, mine, asker, answers, (status, notices, printed) = behind(
        1, scan, WHOLE, "SELECT name FROM processes WHERE pid = :theirs", "SELECT pid, fd, target FROM handles"
    )
    (rows, refused), (both, _), (one, refused_one), (handles, refused_handles) = answers
    found = {row[0]: row[1:] for row in rows}
    assert found[1] == found[theirs] == [None] * 4
    assert None not in found[mine][:2]
    assert found[mine][1] == found[asker][1] == 65534
    for part in ("status", "cmdline", "stat"):
        assert [f"/proc/PID/{part}", theirs, 1, "permission"] in refused
    # They are listed: only what is in them is not seen.
    assert not [row for row in refused if row[1] is None]
    assert not [row for row in refused if row[1] in (mine, asker)]
    # A search finds what a scan finds.
    assert sorted(both) == sorted([[theirs, 0, None, 0, 0], [mine, 1, 65534, 1, 1]])
    assert one == [[None]]
    assert {(row[1], row[3]) for row in refused_one} == {(theirs, "permission")}
    assert {row[0] for row in handles} == {mine, asker}
    assert ["/proc/PID/fd", theirs, 1, "permission"] in refused_handles
    assert status == 0
    assert re.search(rf"^ *{theirs} +NULL$", printed, re.MULTILINE) or re.search(rf"^ *{theirs} *$", printed, re.MULTILINE)
    [notice] = notices
    assert "not listed" not in notice
    assert re.search(r"not permitted to read the \w+ of [234] processes", notice)
    assert "Run as root to see all" in notice


def test_with_hidepid_2_others_are_no_rows_and_that_is_said() -> None:
    theirs, mine, asker, answers, (status, notices, printed) = behind(
        2,
        "SELECT pid, name, uid FROM processes",
        WHOLE,
        "SELECT name FROM processes WHERE pid = :theirs",
        "SELECT pid, fd FROM handles",
        "SELECT pid, tid FROM threads",
        "SELECT ancestor FROM process_tree WHERE descendant = :mine",
        "SELECT name FROM processes WHERE pid = :mine",
    )
    (rows, refused), (both, refused_both), (one, refused_one), (handles, refused_handles), (threads, _), tree, whole = answers
    hidden = [["/proc", None, 13, "permission"]]
    assert {row[0] for row in rows} == {mine, asker}
    assert all(row[2] == 65534 and row[1] for row in rows)
    assert refused == refused_handles == hidden
    assert both == [[mine, 1, 65534, 1, 1]]
    # That there is nothing of such a number may not look as if that were known.
    assert one == []
    assert refused_one == refused_both == hidden
    assert {row[0] for row in handles} == {mine, asker}
    assert {row[0] for row in threads} == {mine, asker}
    # Its parent is hidden.
    assert tree == [[], hidden]
    # Who asks for what may be seen is not told of what may not.
    assert whole[0] != []
    assert whole[1] == []
    assert status == 0
    assert str(theirs) not in printed.split()
    [notice] = notices
    assert "processes that are not listed" in notice


def of_others(world: Callable[[], Any]) -> tuple[Any, ...]:
    """What is told of a process of root's with all privileges by one that went through `world`."""

    def act() -> Any:
        prepare()
        server = socket.create_server(("", 0))
        theirs = waits()
        port = server.getsockname()[1]
        server.close()

        def ask() -> Any:
            engine, mine = Engine(), waits()
            answers = {}
            for name, sql in (
                ("open", "SELECT name, uid, state, cmdline, cgroup_path, open_files_limit FROM processes WHERE pid = ?"),
                ("closed", "SELECT path, cwd, root, rchar, net_namespace, wait_channel FROM processes WHERE pid = ?"),
                ("handles", "SELECT fd, target, type, inode, access, flags FROM handles WHERE pid = ?"),
                ("threads", "SELECT tid, name, uid FROM threads WHERE pid = ?"),
            ):
                answers[name] = [(own(engine, sql, pid), own(engine, f"{ERRORS} AND pid = {pid}")) for pid in (theirs, mine)]
            sockets = own(engine, "SELECT pid, owner_reason, owners FROM sockets WHERE local_port = ?", port)
            notice = said(f"SELECT path, cwd FROM processes WHERE pid = {theirs}")
            os.kill(mine, signal.SIGKILL)
            return mine, answers, sockets, notice

        told = forked(ask, world)
        os.kill(theirs, signal.SIGKILL)
        return theirs, *told

    return tuple(apart(act))


@pytest.mark.parametrize("world", [become_nobody, lambda: drop(SYS_PTRACE)], ids=["an ordinary user", "root without ptrace"])
def test_who_may_not_look_into_others_gets_nulls_and_their_number_and_sees_its_own_whole(world: Callable[[], Any]) -> None:
    theirs, mine, answers, sockets, (status, notices, printed) = of_others(world)
    for (rows, refused), pid in zip(answers["open"], (theirs, mine), strict=True):
        assert len(rows) == 1, pid
        assert None not in rows[0]
        assert refused == []
    assert answers["open"][0][0][0][1] == 0
    (closed, refused), (whole, none) = answers["closed"]
    assert [row[:5] for row in closed] == [[None] * 5]
    assert sorted(refused) == sorted(
        [f"/proc/PID/{part}", theirs, 13, "permission"] for part in ("exe", "cwd", "root", "io", "ns")
    ) or sorted(row for row in refused if row[0] != "/proc/PID/wchan") == sorted(
        [f"/proc/PID/{part}", theirs, 13, "permission"] for part in ("exe", "cwd", "root", "io", "ns")
    )
    assert None not in whole[0][:5]
    assert none == []
    (handles, refused), (whole, none) = answers["handles"]
    # Whether the numbers may be seen is another matter than where they lead.
    assert {value for row in handles for value in row[1:4]} <= {None}
    assert {row[3] for row in refused} == {"permission"}
    assert refused[0][0] in ("/proc/PID/fd", "/proc/PID/fd/FD")
    assert whole
    assert all(row[1] for row in whole)
    assert none == []
    for rows, refused in answers["threads"]:
        assert len(rows) == 1
        assert None not in rows[0]
        assert refused == []
    assert sockets == [[None, "permission", None]]
    assert status == 0
    assert "NULL" in printed
    [notice] = notices
    assert "not permitted to read the directories of 1 process and the executables of 1 process" in notice
    assert "scan_errors" in notice


def test_a_process_of_another_pid_and_user_namespace_is_whole_from_outside_and_sees_only_its_own_from_inside() -> None:
    def act() -> Any:
        prepare()
        waits()
        server = socket.create_server(("", 0))

        def inside() -> Any:
            """The first process of namespaces of its own, root there and nobody outside."""
            own_ids = [int(word) for word in Path("/proc/self/uid_map").read_text().split()]
            mount_proc()
            engine, mine = Engine(), waits()
            told = {
                "processes": own(engine, "SELECT pid, name IS NOT NULL, uid, path IS NOT NULL, parent FROM processes"),
                "errors": own(engine, ERRORS),
                "handles": own(engine, "SELECT DISTINCT pid FROM handles WHERE target IS NOT NULL"),
                "outside": own(engine, "SELECT pid FROM processes WHERE pid = 30000"),
                "namespaces": own(engine, "SELECT pid_namespace, user_namespace FROM processes WHERE pid = 1")[0],
                "socket": own(engine, "SELECT pid, owner_reason FROM sockets WHERE local_port = ?", server.getsockname()[1]),
            }
            return told, own_ids, mine, said("SELECT pid, name FROM processes")

        def separate() -> None:
            become_nobody()
            done(library().unshare(NEW_USERS | NEW_PIDS | NEW_MOUNTS))
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text("0 65534 1")
            Path("/proc/self/gid_map").write_text("0 65534 1")

        told = forked(lambda: forked(inside), separate)

        def stay() -> None:
            """The same once more, to be looked at."""
            separate()
            waits(lambda: library().prctl(NAME, b"contained", 0, 0, 0))

        keeper = waits(stay)
        engine = Engine()
        sql = (
            "SELECT pid, name, uid, gid, parent, namespace_pid, pid_namespace, user_namespace, path IS NOT NULL,"
            " argv IS NOT NULL, rchar IS NOT NULL, fd_count FROM processes WHERE name = 'contained'"
        )
        rows = own(engine, sql)
        places = [os.stat(f"/proc/{rows[0][0]}/ns/{kind}").st_ino for kind in ("pid", "user")]
        handles = own(engine, "SELECT count(*), count(target), count(type) FROM handles WHERE pid = ?", rows[0][0])
        mine = own(engine, "SELECT pid_namespace, user_namespace FROM processes WHERE pid = ?", os.getpid())[0]
        errors = own(engine, f"{ERRORS} AND pid = {rows[0][0]}")
        as_user = forked(lambda: own(Engine(), sql), become_nobody)
        return keeper, rows, places, handles, mine, errors, as_user, told

    keeper, [row], places, [handles], mine, errors, as_user, told = apart(act)
    # From outside: as it is outside, and its number inside.
    assert row[1:8] == ["contained", 65534, 65534, keeper, 1, *places]
    assert row[8:11] == [1, 1, 1]
    assert row[11] == handles[0] == handles[1]
    assert not set(mine) & set(places)
    assert errors == []
    # Even its own user sees no further: what is open there is not for who has no rights in that user namespace.
    assert [found[:6] for found in as_user] == [row[:6]]
    # From inside: its own two processes, and who is root there is nobody outside.
    inside, ids, other, (status, notices, printed) = told
    assert ids == [0, 65534, 1]
    assert inside["processes"] == [[1, 1, 0, 1, 0], [other, 1, 0, 1, 1]]
    assert inside["handles"] == [[1], [other]]
    assert inside["outside"] == []
    assert inside["errors"] == []
    assert not set(inside["namespaces"]) & set(mine)
    # The socket is told to be of one of its own, which have inherited it; that it was made outside does not matter.
    assert inside["socket"] in ([[1, "owned"]], [[other, "owned"]])
    assert (status, notices) == (0, [])


def test_a_zombie_hides_nothing_from_its_ordinary_user() -> None:
    def act() -> Any:
        prepare()

        def ask() -> Any:
            zombie = os.fork()
            if zombie == 0:
                os._exit(0)
            wait_until(lambda: state(zombie) == "Z")
            engine, told = Engine(), []
            for sql in (
                "SELECT state, uid, path, cmdline, fd_count FROM processes WHERE pid = ?",
                "SELECT fd FROM handles WHERE pid = ?",
                "SELECT key FROM process_envs WHERE pid = ?",
                "SELECT tid, state FROM threads WHERE pid = ?",
            ):
                told.append((own(engine, sql, zombie), own(engine, f"{ERRORS} AND pid = {zombie}")))
            return zombie, told

        return forked(ask, become_nobody)

    zombie, told = apart(act)
    # That it has nothing open is known, though the kernel opens the empty directory to root alone.
    assert told == [[[["Z", 65534, None, None, 0]], []], [[], []], [[], []], [[[zombie, "Z"]], []]]
