"""On a real Linux: the sockets of every network namespace are listed, once each, with the namespace that they are in."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

from .conftest import HERE, as_nobody, own, reads
from .test_agreement import HOLDERS, SS_STATES, holders

pytestmark = [pytest.mark.linux, pytest.mark.root]

SERVER = "network = new_network(); s = socket.create_server(('127.0.0.1', 8080)); "
TELL = "tell([network, cookie(s), s.fileno(), inode(s)])"


def test_the_same_port_in_three_namespaces_is_three_rows(live: Engine, child: Callable[..., Any]) -> None:
    servers = [child(SERVER + TELL) for _ in range(3)]
    rows = own(
        live,
        "SELECT net_namespace, cookie, fd, inode, pid, owners, owner_reason FROM sockets"
        " WHERE local_port = 8080 AND local_address = '127.0.0.1' AND state = 'LISTEN' AND net_namespace IN (?, ?, ?)",
        *(server.told[0] for server in servers),
    )
    assert sorted(rows) == sorted((*server.told, server.pid, 1, "owned") for server in servers)


@pytest.mark.parametrize(
    "columns", ["cookie", "cookie, pid", "cookie, rtt, receive_memory, autobound, cgroup_path, keeper_pid"]
)
def test_every_socket_of_every_namespace_is_listed_once(columns: str, live: Engine, child: Callable[..., Any]) -> None:
    servers = [child(SERVER + TELL) for _ in range(3)]
    found = Counter(row["cookie"] for row in live.query(f"SELECT {columns} FROM sockets WHERE cookie IS NOT NULL"))
    assert [found[server.told[1]] for server in servers] == [1, 1, 1]
    assert set(found.values()) == {1}


def test_a_namespace_with_its_processes(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "network = new_network(); r, w = os.pipe(); pids = [os.getpid()]\n"
        "for _ in range(2):\n"
        "    pid = os.fork()\n"
        "    if pid == 0: os.close(w); os.read(r, 1); os._exit(0)\n"
        "    pids.append(pid)\n"
        "tell([network, pids])"
    )
    network, pids = holder.told
    sql = "SELECT mine, path, processes, pid FROM net_namespaces WHERE net_namespace = ?"
    assert own(live, sql, network) == [(0, None, 3, min(pids))]
    mine = os.stat("/proc/self/ns/net").st_ino
    assert own(live, "SELECT mine, processes > 0 FROM net_namespaces WHERE net_namespace = ?", mine) == [(1, 1)]
    assert own(live, "SELECT net_namespace, processes > 0, pid > 0 FROM net_namespaces WHERE mine = 1") == [(mine, 1, 1)]


def test_one_namespace_asked_for_is_one_namespace_read(live: Engine, child: Callable[..., Any]) -> None:
    network = child(SERVER + TELL).told[0]
    lists = {"tcp ipv4": 1, "tcp ipv6": 1}
    assert reads(live, f"SELECT local_port FROM sockets WHERE protocol = 'tcp' AND {HERE}") == lists
    sql = "SELECT local_port FROM sockets WHERE protocol = 'tcp' AND net_namespace ="
    assert reads(live, f"{sql} (SELECT net_namespace FROM net_namespaces WHERE mine = 1)") == lists
    assert reads(live, f"{sql} {network}") == {**lists, "namespaces": 1, "pids": 1}
    # One that no process is in may still be held by a descriptor.
    assert reads(live, f"{sql} 1").keys() == {"namespaces", "pids", "walk", "fd"}
    assert own(live, f"{sql} ?", network) == [(8080,)]
    assert own(live, f"{sql} 1") == []


def test_no_thread_stays_in_another_namespace_and_none_is_kept_open(live: Engine, child: Callable[..., Any]) -> None:
    servers = [child(SERVER + TELL) for _ in range(2)]

    def threads() -> dict[str, int]:
        return {tid: os.stat(f"/proc/self/task/{tid}/ns/net").st_ino for tid in os.listdir("/proc/self/task")}

    before, mine = threads(), os.stat("/proc/self/ns/net").st_ino
    found = {row[0] for row in own(live, "SELECT net_namespace FROM sockets")}
    assert {server.told[0] for server in servers} <= found
    assert threads() == before
    assert set(before.values()) == {mine}
    own(live, "SELECT 1")
    links = [os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd") if os.path.islink(f"/proc/self/fd/{fd}")]
    assert [link for link in links if link.startswith("net:[")] == []


def test_a_socket_is_in_the_namespace_that_it_was_made_in(live: Engine, child: Callable[..., Any]) -> None:
    # Another process keeps the first namespace; the socket's holder goes to a second.
    holder = child(
        "first = new_network(); r, w = os.pipe(); pid = os.fork()\n"
        "if pid == 0: os.close(w); os.read(r, 1); os._exit(0)\n"
        "s = socket.create_server(('127.0.0.1', 8080)); second = new_network(); t = socket.create_server(('127.0.0.1', 8080))\n"
        "tell([first, second, cookie(s), cookie(t)])"
    )
    first, second, *cookies = holder.told
    sql = "SELECT net_namespace, pid, owner_reason FROM sockets WHERE cookie = ?"
    assert own(live, sql, cookies[0]) == [(first, holder.pid, "owned")]
    assert own(live, sql, cookies[1]) == [(second, holder.pid, "owned")]
    assert own(live, "SELECT cookie FROM sockets WHERE net_namespace = ? AND protocol = 'tcp'", first) == [(cookies[0],)]


def test_a_namespace_that_is_mounted_and_has_no_process(live: Engine, child: Callable[..., Any]) -> None:
    if not shutil.which("mount"):
        pytest.skip("mount is not installed")
    # The holder leaves, and what it made in there stays: only the mount leads to it.
    holder = child(f"{SERVER}{TELL}; sys.stdin.readline(); tell(new_network())")
    network, cookie, fd, inode = holder.told
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory, "with space")
        place.touch()
        subprocess.run(["mount", "--bind", f"/proc/{holder.pid}/ns/net", place], check=True)
        try:
            holder.go_on()
            sql = "SELECT mine, path, processes, pid FROM net_namespaces WHERE net_namespace = ?"
            assert own(live, sql, network) == [(0, str(place), 0, None)]
            sql = "SELECT cookie, inode, pid, fd FROM sockets WHERE net_namespace = ? AND protocol = 'tcp'"
            assert own(live, sql, network) == [(cookie, inode, holder.pid, fd)]
            assert own(live, "SELECT net_namespace FROM sockets WHERE cookie = ?", cookie) == [(network,)]
        finally:
            # Lazily: another look at the machine may have it open.
            subprocess.run(["umount", "--lazy", place], check=True)
    assert own(live, "SELECT pid FROM net_namespaces WHERE net_namespace = ?", network) == []


def test_a_namespace_that_ip_netns_made(live: Engine) -> None:
    if not shutil.which("ip"):
        pytest.skip("ip is not installed")
    name = f"sqlports-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True).returncode:
        pytest.skip("ip netns does not work here")
    try:
        network = os.stat(f"/run/netns/{name}").st_ino
        [row] = own(live, "SELECT net_namespace, processes, pid, mine FROM net_namespaces WHERE path = ?", f"/run/netns/{name}")
        assert row == (network, 0, None, 0)
        # Nothing is in it but the kernel's own.
        sql = "SELECT DISTINCT protocol, owner_reason, pid FROM sockets WHERE net_namespace = ? AND ident IS ?"
        assert own(live, sql, network, 0) == [("netlink", "kernel", None)]
        assert own(live, sql, network, None) == []
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True)


HELD = (
    f"{SERVER}place = os.open('/proc/self/ns/net', os.O_RDONLY); new_network()\n"
    "tell([network, s.getsockname()[1], cookie(s), os.getpid(), s.fileno()])"
)


def test_a_namespace_that_only_a_descriptor_leads_to(live: Engine, child: Callable[..., Any]) -> None:
    told = child(HELD).told
    rows = own(live, "SELECT net_namespace, local_port, cookie, pid, fd FROM sockets")
    assert [row for row in rows if row[2] == told[2]] == [tuple(told)]
    # A look is the same before and after the walk: what the walk leads to is there for who asks for owners.
    with live.snapshot():
        for _ in range(2):
            assert own(live, "SELECT cookie FROM sockets WHERE cookie = ?", told[2]) == []
            assert own(live, "SELECT * FROM net_namespaces WHERE net_namespace = ?", told[0]) == []
            assert own(live, "SELECT cookie, pid FROM sockets WHERE cookie = ?", told[2]) == [(told[2], told[3])]


@pytest.mark.parametrize(
    ("search", "at"),
    [("net_namespace = ?", 0), ("cookie = ?", 2), ("pid = ?", 3), ("local_port = 8080 AND cookie = ?", 2)],
)
def test_a_search_finds_what_only_a_descriptor_leads_to(search: str, at: int, live: Engine, child: Callable[..., Any]) -> None:
    told = child(HELD).told
    rows = own(
        live, f"SELECT net_namespace, local_port, cookie, pid, fd FROM sockets WHERE protocol = 'tcp' AND {search}", told[at]
    )
    assert rows == [tuple(told)]


# The first process of the namespace ends when its child reads a line, and that one goes on.
TWO_PROCESSES = (
    f"{SERVER}r, w = os.pipe(); first = os.getpid()\n"
    "if os.fork(): os.close(w); os.read(r, 1); os._exit(0)\n"
    "tell([network, inode(s), os.getpid()]); sys.stdin.readline(); os.close(w)\n"
    "while os.getppid() == first: time.sleep(0.001)\n"
    "tell(1)"
)


def test_a_namespace_whose_first_process_ends_in_the_middle(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(TWO_PROCESSES)
    network, inode, second = holder.told
    with live.snapshot():
        sql = "SELECT pid, processes FROM net_namespaces WHERE net_namespace = ?"
        assert own(live, sql, network) == [(holder.pid, 2)]
        holder.go_on()
        sql = "SELECT inode, local_port, pid FROM sockets WHERE net_namespace = ? AND protocol = 'tcp'"
        assert own(live, sql, network) == [(inode, 8080, second)]
        sql = "SELECT count(*) FROM scan_errors WHERE source LIKE 'sock_diag tcp%' OR source LIKE '/proc/PID/ns/%'"
        assert own(live, sql) == [(0,)]


def test_a_namespace_of_a_process_whose_first_thread_has_ended(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import ctypes, threading\n"
        "def work():\n"
        "    while open('/proc/self/stat').read().rpartition(')')[2].split()[0] != 'Z': time.sleep(0.001)\n"
        "    tell([network, cookie(s), s.fileno()]); sys.stdin.read(); os._exit(0)\n"
        "network = new_network(); s = socket.create_server(('127.0.0.1', 8080))\n"
        "threading.Thread(target=work).start(); ctypes.CDLL(None).pthread_exit(None)"
    )
    network, cookie, fd = holder.told
    sql = "SELECT cookie, pid, fd FROM sockets WHERE net_namespace = ? AND protocol = 'tcp'"
    assert own(live, sql, network) == [(cookie, holder.pid, fd)]


def test_its_files_are_read_through_the_next_process_when_the_first_has_ended(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(TWO_PROCESSES)
    _, inode, _ = holder.told
    sql = "SELECT inode, local_port FROM sockets WHERE protocol = 'tcp' AND inode = ?"
    own(live, sql, inode)

    def look() -> Any:
        with live.snapshot():
            own(live, "SELECT count(*) FROM net_namespaces")
            holder.go_on()
            return own(live, sql, inode)

    assert as_nobody(look) == [[inode, 8080]]


def test_an_ordinary_user_sees_the_sockets_of_all_namespaces_once(live: Engine, child: Callable[..., Any]) -> None:
    servers = [
        child(
            f"{SERVER}u, v = socket.socketpair(); r = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n"
            "p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); p.bind(('lo', 3)); tell([inode(x) for x in (s, u, r, p)])"
        )
        for _ in range(3)
    ]
    inodes = [inode for server in servers for inode in server.told]
    sql = (
        "SELECT inode, local_address, local_port, state, uid, net_namespace, cookie, pid, owner_reason FROM sockets"
        f" WHERE inode IN ({', '.join(map(str, inodes))})"
    )
    errors = "SELECT pid, errno, reason, count FROM scan_errors WHERE source = '/proc/PID/ns/net'"
    own(live, sql)

    def look() -> Any:
        with live.snapshot():
            return own(live, sql), own(live, errors), own(live, "SELECT pid, net_namespace, mine FROM net_namespaces")

    rows, refused, namespaces = as_nobody(look)
    assert sorted(rows) == sorted(
        row
        for server in servers
        for row in (
            [server.told[0], "127.0.0.1", 8080, "LISTEN", 0, None, None, None, "permission"],
            [server.told[1], None, None, "ESTABLISHED", None, None, None, None, "permission"],
            [server.told[2], "0.0.0.0", None, "UNCONNECTED", 0, None, None, None, "permission"],
            [server.told[3], None, None, "UNCONNECTED", 0, None, None, None, "permission"],
        )
    )
    # What was not permitted is told once for each namespace, by the process through which it was read.
    assert [row for row in refused if row[0] in {server.pid for server in servers}] == [
        [server.pid, 13, "permission", 1] for server in sorted(servers, key=lambda server: str(server.pid))
    ]
    assert sorted(row for row in namespaces if row[0] in {server.pid for server in servers}) == [
        [server.pid, None, 0] for server in sorted(servers, key=lambda server: server.pid)
    ]


def test_an_ordinary_user_sees_the_own_namespace_by_netlink(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child("s = socket.create_server(('127.0.0.1', 0)); tell(cookie(s))").told
    sql = "SELECT cookie, net_namespace FROM sockets WHERE cookie = ?"
    own(live, sql, cookie)
    assert as_nobody(lambda: own(live, sql, cookie)) == [[cookie, os.stat("/proc/self/ns/net").st_ino]]


SOME_OF_ALL = (
    "network = new_network()\n"
    "t = socket.create_server(('', 80)); c = socket.create_connection(('127.0.0.1', 80)); s = t.accept()[0]\n"
    "late = socket.create_connection(('127.0.0.1', 80)); waiting = late.getsockname()\n"
    "t6 = socket.create_server(('', 81), family=socket.AF_INET6, dualstack_ipv6=True)\n"
    "m = socket.create_connection(('127.0.0.1', 81)); n = t6.accept()[0]; n.shutdown(socket.SHUT_WR)\n"
    "gone = socket.create_connection(('127.0.0.1', 80)); end = t.accept()[0]\n"
    "over = t.accept()[0]; over.close(); gone.close()\n"
    "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 53))\n"
    "v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); v.bind(('::1', 53))\n"
    "x = socket.socketpair(); y = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); y.bind('\\0name')\n"
    "r = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); p = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)\n"
    "pid = os.fork() or (sys.stdin.read(), os._exit(0)); tell(network)"
)
SS_PROTOCOLS = {"u_str": "unix", "u_dgr": "unix", "u_seq": "unix", "p_raw": "packet", "p_dgr": "packet"}


def test_the_rows_of_all_namespaces_are_those_that_ss_gives_in_each(live: Engine, child: Callable[..., Any]) -> None:
    if not shutil.which("ss") or not shutil.which("nsenter"):
        pytest.skip("ss or nsenter is not installed")
    made = [child(SOME_OF_ALL) for _ in range(3)]
    theirs: Counter[tuple[str, ...]] = Counter()
    for holder in made:
        command = ["nsenter", "-t", str(holder.pid), "-n", "ss", "-H", "-tuwx0anpOe"]
        for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines():
            theirs[(str(holder.told), *row_of_ss(line))] += 1
    sql = (
        "SELECT net_namespace, protocol, iif(local_port, state, NULL), iif(local_port, local_address, NULL), local_port,"
        " iif(protocol = 'raw', NULL, inode), iif(protocol IN ('raw', 'unix'), NULL, cookie),"
        f" {HOLDERS} FROM sockets s"
        " WHERE net_namespace IN (?, ?, ?) AND protocol IN ('tcp', 'udp', 'raw', 'unix', 'packet') AND state <> 'BOUND'"
    )
    mine = Counter(tuple(map(str, row)) for row in own(live, sql, *(holder.told for holder in made)))
    assert mine == theirs
    assert sum(mine.values()) == 3 * 16


def row_of_ss(line: str) -> tuple[str, ...]:
    """Protocol, state, address, port, inode, cookie and holders: of each protocol what ss tells."""
    fields = line.split()
    protocol = SS_PROTOCOLS.get(fields[0], fields[0])
    # Before the users the last two numbers are the inodes of this end of a unix socket and of the other.
    numbers = re.findall(r"(?<= )(\d+)(?= )", line.partition("users:((")[0].rstrip() + " ")
    inode = numbers[-2] if protocol == "unix" else (re.findall(r" ino:(\d+)", line) or ["None"])[0]
    cookie = re.search(r" sk:([0-9a-f]+)", line)
    told = ("None" if inode == "0" else inode, str(int(cookie[1], 16)) if cookie else "None", holders(line))
    if protocol not in ("tcp", "udp"):
        return protocol, "None", "None", "None", *(("None", "None", told[2]) if protocol == "raw" else told)
    address, _, port = fields[4].rpartition(":")
    return protocol, SS_STATES[fields[1]], address.split("%")[0].strip("[]").replace("*", "::"), port, *told


def test_a_namespace_that_only_a_thread_is_in_is_found_by_the_walk(live: Engine, child: Callable[..., Any]) -> None:
    told = child(
        "import threading\n"
        "def away():\n"
        "    network = new_network(); s = socket.create_server(('127.0.0.1', 8080))\n"
        "    tell([network, cookie(s), os.getpid(), s.fileno()]); time.sleep(1000)\n"
        "threading.Thread(target=away, daemon=True).start()"
    ).told
    rows = own(live, "SELECT net_namespace, cookie, pid, fd FROM sockets WHERE protocol = 'tcp'")
    assert [row for row in rows if row[1] == told[1]] == [tuple(told)]


@pytest.mark.root
def test_a_pipe_that_is_mounted_over_a_namespace_holds_nobody_up(child: Callable[..., Any], tmp_path: Any) -> None:
    name, pipe = tmp_path / "ns", tmp_path / "pipe"
    name.touch()
    os.mkfifo(pipe)
    script = (
        f"mount --bind /proc/self/ns/net {name} && mount --bind {pipe} {name} &&"
        f" exec {sys.executable} -P -m sqlports --csv 'SELECT count(*) > 0 FROM sockets'"
    )
    done = subprocess.run(["unshare", "-m", "-n", "sh", "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.splitlines()[1:] == ["1"], done.stderr
