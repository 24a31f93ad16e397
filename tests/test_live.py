"""On a real Linux: what children hold is found as they hold it, and other tools agree."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import command

pytestmark = pytest.mark.linux

LOOPBACK = "'127.0.0.1'"
# Another process may use the same port on another address.
LISTENS = f"local_port = ? AND state = 'LISTEN' AND local_address = {LOOPBACK}"


def own(engine: Engine, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in engine.query(sql, parameters)]


def test_a_listener_is_found_with_pid_fd_address_and_state(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "s = socket.create_server(('127.0.0.1', 0), backlog=7)\n"
        "tell([s.fileno(), s.getsockname()[1], os.fstat(s.fileno()).st_ino,"
        " int.from_bytes(s.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)])"
    )
    fd, port, inode, cookie = holder.told
    assert own(
        live,
        "SELECT protocol, family, state, local_address, remote_address, remote_port, pid, fd, owners, owner_reason, uid,"
        " inode, cookie, send_queue, net_namespace FROM sockets WHERE port = ? AND address = '127.0.0.1' AND state = 'LISTEN'",
        port,
    ) == [
        (
            *("tcp", "ipv4", "LISTEN", "127.0.0.1", None, None, holder.pid, fd, 1, "owned", os.geteuid()),
            *(inode, cookie, 7, os.stat("/proc/self/ns/net").st_ino),
        )
    ]
    sql = f"SELECT pid, fd, protocol, family, socket FROM listening_ports WHERE port = ? AND address = {LOOPBACK}"
    assert own(live, sql, port) == [(holder.pid, fd, 6, 2, inode)]


def test_both_ends_of_a_connection_over_ipv6(live: Engine, child: Callable[..., Any]) -> None:
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    holder = child(
        "l = socket.create_server(('::1', 0), family=socket.AF_INET6)\n"
        "c = socket.create_connection(l.getsockname()[:2]); s = l.accept()[0]; c.send(b'12345')\n"
        "tell([c.fileno(), s.fileno(), c.getsockname()[1], l.getsockname()[1]])"
    )
    client, server, here, there = holder.told
    rows = own(
        live,
        "SELECT local_port, remote_port, fd, pid, local_address, remote_address, state, receive_queue FROM sockets"
        " WHERE family = 'ipv6' AND state = 'ESTABLISHED' AND pid = ? ORDER BY local_port = ?",
        holder.pid,
        there,
    )
    assert rows == [
        (here, there, client, holder.pid, "::1", "::1", "ESTABLISHED", 0),
        (there, here, server, holder.pid, "::1", "::1", "ESTABLISHED", 5),
    ]


def test_a_port_that_is_bound_and_no_more(live: Engine, child: Callable[..., Any]) -> None:
    if tuple(map(int, re.findall(r"\d+", os.uname().release)[:2])) < (6, 8):
        pytest.skip("the kernel does not list them")
    holder = child("s = socket.socket(); s.bind(('127.0.0.1', 0)); tell([s.fileno(), s.getsockname()[1]])")
    fd, port = holder.told
    for search in ("", "AND state = 'BOUND'"):
        assert own(live, f"SELECT local_port, state, fd FROM sockets WHERE pid = ? {search}", holder.pid) == [
            (port, "BOUND", fd)
        ]
    assert own(live, "SELECT * FROM sockets WHERE pid = ? AND state = 'CLOSE'", holder.pid) == []


def test_udp_bound_and_connected(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); a.bind(('127.0.0.1', 0))\n"
        "b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); b.connect(a.getsockname())\n"
        "tell([a.fileno(), b.fileno(), a.getsockname()[1], b.getsockname()[1]])"
    )
    bound, connected, port, client = holder.told
    assert own(live, "SELECT local_port, remote_port, state, fd FROM sockets WHERE pid = ? ORDER BY fd", holder.pid) == [
        (port, None, "UNCONNECTED", bound),
        (client, port, "ESTABLISHED", connected),
    ]
    assert own(live, "SELECT port FROM listening_ports WHERE pid = ? AND protocol = 17", holder.pid) == [(port,)]


@pytest.mark.parametrize("name", ["plain.sock", "with spaces.sock", "new\nline.sock", "\udcff\udcfe.sock", "\x1b[31m.sock"])
def test_a_unix_socket_with_any_path(name: str, live: Engine, child: Callable[..., Any]) -> None:
    # A unix name has room for 108 bytes, which a test's own directory may use up.
    directory = tempfile.mkdtemp()
    path = os.path.join(directory, name)
    holder = child(
        f"l = socket.socket(socket.AF_UNIX); l.bind({path!r}); l.listen(3)\n"
        f"c = socket.socket(socket.AF_UNIX); c.connect({path!r}); s = l.accept()[0]\n"
        "tell([x.fileno() for x in (l, c, s)] + [os.fstat(x.fileno()).st_ino for x in (l, c, s)])"
    )
    listener, client, server, *inodes = holder.told
    shown = os.fsencode(path).decode("utf-8", "backslashreplace")
    rows = own(live, "SELECT fd, inode, peer_inode, state, path, type FROM sockets WHERE pid = ? ORDER BY fd", holder.pid)
    shutil.rmtree(directory)
    assert rows == [
        (listener, inodes[0], None, "LISTEN", shown, "stream"),
        (client, inodes[1], inodes[2], "ESTABLISHED", None, "stream"),
        (server, inodes[2], inodes[1], "ESTABLISHED", shown, "stream"),
    ]


def test_an_abstract_name_with_nuls(live: Engine, child: Callable[..., Any]) -> None:
    name = f"\0sqlports\0{os.getpid()}\0"
    holder = child(f"s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.bind({name!r}); tell(s.fileno())")
    assert own(live, "SELECT fd, path, type, state FROM sockets WHERE pid = ?", holder.pid) == [
        (holder.told, name.replace("\0", "@"), "datagram", "UNCONNECTED")
    ]


def test_a_shared_socket_is_one_row_with_all_its_holders(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "s = socket.create_server(('127.0.0.1', 0)); r, w = os.pipe(); pids = []\n"
        "for _ in range(3):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.close(w); os.read(r, 1); os._exit(0)\n"
        "    pids.append(pid)\n"
        "tell([s.getsockname()[1], pids])"
    )
    port, pids = holder.told
    assert own(live, f"SELECT pid, owners FROM sockets WHERE {LISTENS}", port) == [(holder.pid, 4)]
    rows = own(live, f"SELECT h.pid FROM handles h JOIN sockets USING (inode) WHERE {LISTENS} ORDER BY 1", port)
    assert rows == [(pid,) for pid in sorted([holder.pid, *pids])]
    assert len(own(live, f"SELECT pid FROM process_open_sockets WHERE {LISTENS}", port)) == 4


def test_why_a_socket_has_no_owner(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "l = socket.create_server(('127.0.0.1', 0), backlog=5); port = l.getsockname()[1]\n"
        "waiting = socket.create_connection(('127.0.0.1', port))\n"
        "other = socket.create_server(('127.0.0.1', 0))\n"
        "c = socket.create_connection(other.getsockname()); s = other.accept()[0]; s.close(); c.close()\n"
        "tell([port, other.getsockname()[1]])"
    )
    queued, closed = holder.told
    reasons = dict(
        own(
            live,
            "SELECT local_port, owner_reason FROM sockets"
            " WHERE protocol = 'tcp' AND state <> 'LISTEN' AND pid IS NULL AND local_port IN (?, ?) AND address = '127.0.0.1'",
            queued,
            closed,
        )
    )
    assert reasons == {queued: "accept_queue", closed: "time_wait"}


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


def test_a_removed_executable_is_told_from_one_with_such_a_name(
    live: Engine, child: Callable[..., Any], tmp_path: Path
) -> None:
    sleep = shutil.which("sleep")
    assert sleep
    for name in ("gone", "named (deleted)"):
        shutil.copy(sleep, tmp_path / name)
    running = [subprocess.Popen([tmp_path / name, "60"]) for name in ("gone", "named (deleted)")]
    try:
        for process in running:
            while os.readlink(f"/proc/{process.pid}/exe") == sys.executable:
                time.sleep(0.01)
        (tmp_path / "gone").unlink()
        rows = [own(live, "SELECT path, on_disk FROM processes WHERE pid = ?", process.pid)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    assert rows == [(os.fspath(tmp_path / "gone"), 0), (os.fspath(tmp_path / "named (deleted)"), 1)]


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


def lines(*arguments: str) -> list[str]:
    """What another tool prints. It may print a process's name as it is, bad bytes and all."""
    if not shutil.which(arguments[0]):
        pytest.skip(f"{arguments[0]} is not installed")
    printed = subprocess.run(arguments, capture_output=True, check=False).stdout.decode("utf-8", "backslashreplace")
    return printed.split("\n")[:-1]


def sockets_of_ss(*options: str) -> list[str]:
    """The lines of ss, made whole where the name of a process broke one."""
    found: list[str] = []
    for line in lines("ss", "-H", *options):
        if re.match(r"(tcp|udp|u_str|u_dgr|u_seq|icmp6?|raw|p_raw|p_dgr|nl|v_str|v_dgr|mptcp|sctp|\?\?\?) ", line) or not found:
            found.append(line)
        else:
            found[-1] += line
    return found


def agree(mine: Callable[[], Counter[Any]], theirs: Callable[[], Counter[Any]]) -> None:
    """What another tool says before and after is said here in between, and nothing else; the machine may move meanwhile."""
    lost: Counter[Any] = Counter()
    invented: Counter[Any] = Counter()
    for _ in range(8):
        before, found, after = theirs(), mine(), theirs()
        lost, invented = (before & after) - found, found - (before | after)
        if not lost and not invented:
            assert found, "nothing was compared"
            return
    assert (lost, invented) == (Counter(), Counter())


SS_STATES = {
    "ESTAB": "ESTABLISHED",
    "SYN-SENT": "SYN_SENT",
    "SYN-RECV": "SYN_RECV",
    "FIN-WAIT-1": "FIN_WAIT1",
    "FIN-WAIT-2": "FIN_WAIT2",
    "TIME-WAIT": "TIME_WAIT",
    "UNCONN": "UNCONNECTED",
    "CLOSE-WAIT": "CLOSE_WAIT",
    "LAST-ACK": "LAST_ACK",
    "LISTEN": "LISTEN",
    "CLOSING": "CLOSING",
}


def test_every_row_of_ss_is_a_row_here_and_no_other(live: Engine, child: Callable[..., Any]) -> None:
    child(
        "keep = []\n"
        "for _ in range(20):\n"
        "    l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); s = l.accept()[0]\n"
        "    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 0))\n"
        "    keep += [l, c, s, u, *socket.socketpair()]\n"
        "keep[1].close(); keep[8].shutdown(socket.SHUT_WR)\ntell(1)"
    )

    def theirs() -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for line in sockets_of_ss("-tuanxOpe"):
            fields = line.split()
            if fields[0] not in ("tcp", "udp"):
                continue
            inode = re.search(r"ino:(\d+)", line)
            address, _, port = fields[4].rpartition(":")
            cookie = re.search(r" sk:([0-9a-f]+)", line)
            assert cookie
            found[
                fields[0],
                SS_STATES[fields[1]],
                address.split("%")[0].strip("[]").replace("*", "::"),
                port,
                inode[1] if inode and inode[1] != "0" else "None",
                str(int(cookie[1], 16)),
                holders(line),
            ] += 1
        return found

    sql = (
        f"SELECT protocol, state, local_address, local_port, inode, cookie, {HOLDERS} FROM sockets s"
        " WHERE protocol IN ('tcp', 'udp') AND state <> 'BOUND'"
    )
    agree(lambda: Counter(tuple(map(str, row)) for row in own(live, sql)), theirs)


HOLDERS = (
    "coalesce((SELECT group_concat(pid || ':' || fd)"
    " FROM (SELECT pid, fd FROM handles h WHERE h.inode = s.inode ORDER BY pid, fd)), '')"
)


def holders(line: str) -> str:
    """Who holds the socket of a line of `ss -p`, as HOLDERS has it."""
    pairs = sorted((int(pid), int(fd)) for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line.partition("users:((")[2]))
    return ",".join(f"{pid}:{fd}" for pid, fd in pairs)


def test_unix_sockets_equal_those_of_ss(live: Engine, child: Callable[..., Any]) -> None:
    child("keep = [socket.socketpair() for _ in range(10)]\ntell(1)")

    def theirs() -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for line in sockets_of_ss("-xanOp"):
            # Before the users the last two numbers are the inodes of this end and of the other.
            numbers = re.findall(r"(?<= )(\d+)(?= )", line.partition("users:((")[0].rstrip() + " ")
            found[numbers[-2], numbers[-1], holders(line)] += 1
        return found

    sql = f"SELECT inode, coalesce(peer_inode, 0), {HOLDERS} FROM sockets s WHERE protocol = 'unix'"
    agree(lambda: Counter(tuple(map(str, row)) for row in own(live, sql)), theirs)


def test_the_socket_files_of_proc_say_the_same(child: Callable[..., Any]) -> None:
    from sqlports.sources.linux import Linux
    from sqlports.sources.sock_diag import STATES

    child("l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname())\ntell(1)")
    linux = Linux()
    kinds = [("ipv4", "tcp"), ("ipv6", "tcp"), ("ipv4", "udp"), ("ipv6", "udp")]

    def told(read: Callable[..., list[Any]]) -> Counter[tuple[Any, ...]]:
        return Counter(
            (*record[:9], record.inode, record.uid)
            for kind in kinds
            for record in read(*kind, STATES)
            if record.state != "BOUND"
        )

    agree(lambda: told(linux.listed_sockets), lambda: told(linux.sockets))


def test_processes_equal_those_of_ps(live: Engine) -> None:
    def theirs() -> Counter[tuple[str, ...]]:
        rows = [line.split(None, 7) for line in lines("ps", "-eo", "pid=,ppid=,pgid=,sess=,uid=,euid=,nlwp=,comm=")]
        return Counter((*row[:7], plain(re.sub(r" <defunct>$", "", row[7]))) for row in rows if row[7:] != ["ps"])

    sql = "SELECT pid, parent, pgroup, session, uid, euid, threads, name FROM processes"
    agree(lambda: Counter((*map(str, row[:7]), plain(row[7])) for row in own(live, sql)), theirs)


def plain(name: str) -> str:
    """A name, or '' for one that ps does not print as it is."""
    return name if re.fullmatch(r"[\w./:+-]+", name, re.ASCII) else ""


def test_listeners_without_owner_walk_no_handles(live: Engine) -> None:
    with live.snapshot() as system:
        live.query("SELECT local_address, local_port, family FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN'")
        assert dict(system.reads) == {"tcp ipv4": 1, "tcp ipv6": 1}


@pytest.mark.root
def test_an_ordinary_user_sees_all_sockets_and_is_told_what_is_hidden(child: Callable[..., Any]) -> None:
    holder = child("s = socket.create_server(('127.0.0.1', 0)); tell(s.getsockname()[1])")
    reader, writer = os.pipe()
    engine = Engine()
    engine.query("SELECT count(pid) FROM sockets")
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            [row] = engine.query(
                "SELECT pid, owners, owner_reason, uid FROM sockets WHERE port = :port AND state = 'LISTEN'",
                {"port": holder.told},
            )
            [process] = engine.query("SELECT name, uid, path, cwd FROM processes WHERE pid = :pid", {"pid": holder.pid})
            refused = engine.query("SELECT source, errno, reason FROM scan_errors WHERE pid = :pid", {"pid": holder.pid})
            os.write(writer, json.dumps([row, process, refused]).encode())
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    os.close(writer)
    row, process, refused = json.loads(os.read(reader, 1 << 16))
    assert row == {"pid": None, "owners": None, "owner_reason": "permission", "uid": 0}
    assert (process["uid"], process["path"], process["cwd"]) == (0, None, None)
    assert {(one["source"], one["errno"], one["reason"]) for one in refused} == {
        ("/proc/PID/exe", 13, "permission"),
        ("/proc/PID/cwd", 13, "permission"),
    }


def test_processes_that_come_and_go_make_no_error_and_no_half_row(live: Engine, child: Callable[..., Any]) -> None:
    steady = child("tell(1)")
    child(
        "import threading\ntell(1)\n"
        "def churn():\n"
        "    while True:\n"
        "        pids = [os.posix_spawn('/bin/true', ['true'], {}) for _ in range(10)]\n"
        "        for pid in pids: os.waitpid(pid, 0)\n"
        "threading.Thread(target=churn, daemon=True).start()"
    )
    for _ in range(15):
        rows = live.query("SELECT pid, name, parent, uid, cmdline, state FROM processes")
        assert steady.pid in {row["pid"] for row in rows}
        refused = {row["pid"] for row in live.query("SELECT pid FROM scan_errors")}
        for row in rows:
            assert row["pid"] in refused or None not in (row["name"], row["parent"], row["uid"], row["state"]), row
        assert steady.pid in {row["pid"] for row in live.query("SELECT DISTINCT pid FROM handles WHERE target IS NOT NULL")}


def reborn(pid: int) -> subprocess.Popen[bytes]:
    """A new process with the number of an ended one."""
    for _ in range(200):
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
        process = subprocess.Popen(["/bin/sleep", "1000"])
        if process.pid == pid:
            return process
        process.kill()
        process.wait()
    pytest.skip("somebody else took the number every time")


@pytest.mark.root
@pytest.mark.parametrize("others", [0, 100])
def test_a_process_that_got_the_number_of_an_ended_one_is_not_taken_for_it(others: int, live: Engine) -> None:
    if not os.access("/proc/sys/kernel/ns_last_pid", os.W_OK):
        pytest.skip("this kernel does not let anybody choose a process id")
    crowd = [subprocess.Popen(["/bin/sleep", "1000"]) for _ in range(others)]
    first = subprocess.Popen(["/bin/sh", "-c", "read x"], stdin=subprocess.PIPE)
    second = None
    try:
        with live.snapshot():
            assert own(live, "SELECT name FROM processes WHERE pid = ?", first.pid) == [("sh",)]
            # With many others in between, the directory of the first is no longer held open.
            live.query("SELECT sum(user_time) FROM processes")
            first.kill()
            first.wait()
            # The kernel tells starts to a hundredth of a second; numbers do not come round faster by themselves.
            time.sleep(0.05)
            second = reborn(first.pid)
            assert own(live, "SELECT cmdline FROM processes WHERE pid = ?", first.pid) in ([], [(None,)])
            assert own(live, "SELECT name FROM processes WHERE pid = ?", first.pid) in ([], [("sh",)])
            [ended] = own(live, "SELECT reason FROM scan_errors WHERE pid = ?", first.pid)
            assert ended == ("ended",)
    finally:
        for process in [*crowd, first, *([second] if second else [])]:
            process.kill()
            process.wait()
        assert first.stdin
        first.stdin.close()


def test_two_megabytes_of_arguments_are_whole(live: Engine, child: Callable[..., Any]) -> None:
    # One argument may have 128 KiB, all together a quarter of the stack.
    arguments = ["x" * 100_000, "y z"] * 10
    process = subprocess.Popen(["/bin/sh", "-c", "read x", *arguments], stdin=subprocess.PIPE)
    try:
        # For a moment after exec the kernel has not said where the arguments are.
        while not Path(f"/proc/{process.pid}/cmdline").read_bytes().startswith(b"/bin/sh"):
            time.sleep(0.01)
        [(argv, cmdline)] = own(live, "SELECT argv, cmdline FROM processes WHERE pid = ?", process.pid)
    finally:
        process.kill()
        process.communicate()
    assert json.loads(argv) == ["/bin/sh", "-c", "read x", *arguments]
    assert cmdline == " ".join(["/bin/sh", "-c", "read x", *arguments])


@pytest.mark.parametrize("name", [b"a) S 1 (b", b"two\nlines", b"\x1b[31mred", b"bad\xff\xfe", b" spaces ", b"\x01\x02"])
def test_any_name_a_process_may_give_itself(name: bytes, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"import ctypes; ctypes.CDLL(None).prctl(15, {name!r}, 0, 0, 0); s = socket.create_server(('127.0.0.1', 0)); tell(1)"
    )
    sql = "SELECT name, parent, state FROM processes WHERE pid = ?"
    [(shown, parent, state)] = own(live, sql, holder.pid)
    assert (shown, parent) == (name.decode("utf-8", "backslashreplace"), os.getpid())
    assert state in ("S", "R")
    done = command("SELECT name, count(*) OVER () AS n FROM processes WHERE pid = :pid", "-p", f"pid={holder.pid}", "--line")
    assert len(done.stdout.splitlines()) == 2
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", done.stdout)


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
