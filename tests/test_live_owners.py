"""On a real Linux: who holds a socket is found however it is held, and when nobody does, why."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine, cli

from .conftest import HERE, RUN, as_nobody, at_last, own

pytestmark = pytest.mark.linux

OWNER = "SELECT pid, fd, owners, owner_reason, keeper_pid FROM sockets WHERE"

# Processes and networks of its own, so that no process there hides what it holds.
ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--net")
# Tells what sqlports prints there.
ASK = f"""
import subprocess
def ask(sql):
    done = subprocess.run([*{RUN!r}, '--json', sql], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
"""

PAIR = """
l = socket.create_server(('127.0.0.1', 0), backlog=5)
def connection():
    c = socket.create_connection(l.getsockname())
    return c, l.accept()[0]
"""


def test_a_socket_that_is_held_is_owned(live: Engine, child: Callable[..., Any]) -> None:
    holder = child("s = socket.create_server(('127.0.0.1', 0)); t = s.dup(); tell([s.fileno(), t.fileno(), cookie(s)])")
    first, second, cookie = holder.told
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(holder.pid, first, 1, "owned", holder.pid)]
    sql = "SELECT h.fd FROM handles h JOIN sockets s USING (inode) WHERE s.cookie = ? ORDER BY 1"
    assert own(live, sql, cookie) == [(first,), (second,)]


def test_the_workers_of_a_server_hold_its_socket_and_the_oldest_process_owns_it(
    live: Engine, child: Callable[..., Any]
) -> None:
    holder = child(
        "s = socket.create_server(('127.0.0.1', 0)); r, w = os.pipe(); pids = []\n"
        "for _ in range(3):\n"
        "    time.sleep(0.02); pid = os.fork()\n"
        "    if pid == 0: os.close(w); os.read(r, 1); os._exit(0)\n"
        "    pids.append(pid)\n"
        "tell([s.fileno(), cookie(s), pids]); sys.stdin.readline(); s.close(); tell(1)"
    )
    fd, cookie, pids = holder.told
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(holder.pid, fd, 4, "owned", holder.pid)]
    sql = "SELECT h.pid, h.fd FROM handles h JOIN sockets s USING (inode) WHERE s.cookie = ? ORDER BY 1"
    assert own(live, sql, cookie) == [(pid, fd) for pid in sorted([holder.pid, *pids])]
    # When the server itself closes it, its first worker is the oldest.
    holder.go_on()
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(pids[0], fd, 3, "owned", pids[0])]


RECEIVED = """
a, b = socket.socketpair(); r, w = os.pipe(); pid = os.fork()
if pid == 0:
    os.close(w); a.close(); _, fds, _, _ = socket.recv_fds(b, 1, 1); b.send(bytes(fds)); os.read(r, 1); os._exit(0)
s = socket.create_server(('127.0.0.1', 0)); socket.send_fds(a, [b'x'], [s.fileno()]); [fd] = a.recv(1)
tell([pid, fd, s.fileno(), cookie(s)]); sys.stdin.readline(); s.close(); tell(1)
"""


def test_a_socket_that_another_process_received(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(RECEIVED)
    receiver, its, mine, cookie = holder.told
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(holder.pid, mine, 2, "owned", holder.pid)]
    sql = "SELECT h.pid, h.fd FROM handles h JOIN sockets s USING (inode) WHERE s.cookie = ? ORDER BY 1"
    assert own(live, sql, cookie) == [(holder.pid, mine), (receiver, its)]
    holder.go_on()
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(receiver, its, 1, "owned", receiver)]


def test_a_socket_that_only_a_thread_has(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import threading\nready = threading.Event(); told = []\n"
        "def work():\n"
        "    unshare(0x400)\n"
        "    s = socket.create_server(('127.0.0.1', 0))\n"
        "    told.extend((threading.get_native_id(), s.fileno(), inode(s), cookie(s)))\n"
        "    ready.set(); threading.Event().wait()\n"
        "threading.Thread(target=work, daemon=True).start(); ready.wait()\n"
        # The process itself has something else under that number.
        "other = os.open('/dev/null', os.O_RDONLY); tell([*told, other])"
    )
    tid, fd, inode, cookie, other = holder.told
    assert other == fd
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(holder.pid, fd, 1, "owned", holder.pid)]
    sql = "SELECT pid, fd, tid, type, target FROM handles WHERE inode = ?"
    assert own(live, sql, inode) == [(holder.pid, fd, tid, "socket", f"socket:[{inode}]")]
    sql = "SELECT fd, tid, target FROM handles WHERE pid = ? AND fd = ? ORDER BY tid"
    assert own(live, sql, holder.pid, fd) == [(fd, None, "/dev/null"), (fd, tid, f"socket:[{inode}]")]


def test_a_process_whose_first_thread_has_ended_still_holds_its_socket(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "import ctypes, threading\nready = threading.Event()\n"
        "def work():\n"
        "    while open('/proc/self/stat').read().rpartition(')')[2].split()[0] != 'Z': time.sleep(0.001)\n"
        "    tell([s.fileno(), inode(s), cookie(s)]); sys.stdin.read(); os._exit(0)\n"
        "s = socket.create_server(('127.0.0.1', 0)); threading.Thread(target=work).start()\n"
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    fd, inode, cookie = holder.told
    assert own(live, f"{OWNER} cookie = ?", cookie) == [(holder.pid, fd, 1, "owned", holder.pid)]
    assert own(live, "SELECT pid, fd FROM handles WHERE inode = ?", inode) == [(holder.pid, fd)]


def test_time_wait(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child(
        f"{PAIR}\nc, s = connection(); told = cookie(c); ends = [c.getsockname()[1], s.getsockname()[1]]\n"
        "c.shutdown(socket.SHUT_WR); s.recv(1); s.close(); c.recv(1); c.close(); tell(ends)"
    ).told
    sql = f"SELECT state, inode, uid, owners, owner_reason FROM sockets WHERE {HERE} AND local_port = ? AND remote_port = ?"
    wanted = [("TIME_WAIT", None, None, 0, "time_wait")]
    assert at_last(lambda: own(live, sql, *cookie), wanted) == wanted


def test_a_connection_that_its_process_closed_and_the_other_end_did_not(live: Engine, child: Callable[..., Any]) -> None:
    ports = child(
        f"{PAIR}\nc, s = connection(); ends = [c.getsockname()[1], s.getsockname()[1]]; c.close(); s.recv(1); tell(ends)"
    ).told
    sql = f"SELECT state, timer, inode, pid, owner_reason FROM sockets WHERE {HERE} AND local_port = ? AND remote_port = ?"
    wanted = [("FIN_WAIT2", "timewait", None, None, "time_wait")]
    assert at_last(lambda: own(live, sql, *ports), wanted) == wanted


def test_syn_recv(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{PAIR}\nc = socket.socket(); c.setblocking(False); deaf(c); c.connect_ex(l.getsockname())\n"
        "tell([l.getsockname()[1], c.getsockname()[1]])"
    )
    sql = (
        "SELECT state, inode, uid, pid, owners, owner_reason, keeper_pid FROM sockets"
        f" WHERE {HERE} AND local_port = ? AND remote_port = ?"
    )
    wanted = [("SYN_RECV", None, None, None, 0, "syn_recv", holder.pid)]
    assert at_last(lambda: own(live, sql, *holder.told), wanted) == wanted


@pytest.mark.parametrize("address", ["127.0.0.1", "", "::"])
def test_accept_queue(address: str, live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"six = {address == '::'}\n"
        f"l = socket.create_server(({address!r}, 0), family=socket.AF_INET6 if six else socket.AF_INET, dualstack_ipv6=six)\n"
        "keep = [socket.create_connection(('127.0.0.1', l.getsockname()[1])) for _ in range(2)]\n"
        "keep[1].shutdown(socket.SHUT_WR); tell([l.getsockname()[1], *(c.getsockname()[1] for c in keep)])"
    )
    port, *clients = holder.told
    sql = (
        "SELECT remote_port, state, inode, uid, pid, owners, owner_reason, keeper_pid FROM sockets"
        f" WHERE {HERE} AND local_port = ? AND remote_port IN (?, ?) ORDER BY state DESC"
    )
    rest = (None, None, None, 0, "accept_queue", holder.pid)
    wanted = [(clients[0], "ESTABLISHED", *rest), (clients[1], "CLOSE_WAIT", *rest)]
    assert at_last(lambda: own(live, sql, port, *clients), wanted) == wanted


def test_an_orphan(live: Engine, child: Callable[..., Any]) -> None:
    ports = child(
        f"{PAIR}\nc, s = connection(); deaf(s); c.send(b'unsent'); ends = [c.getsockname()[1], s.getsockname()[1]]; c.close()\n"
        "tell(ends)"
    ).told
    sql = (
        "SELECT state, inode, uid, pid, owners, owner_reason, keeper_pid, send_queue FROM sockets"
        f" WHERE {HERE} AND local_port = ? AND remote_port = ?"
    )
    # A FIN is in the queue too.
    assert own(live, sql, *ports) == [("FIN_WAIT1", None, None, None, 0, "orphan", None, 7)]


def test_a_socket_that_was_closed_after_it_was_listed(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{PAIR}\nc, s = connection(); deaf(s); c.send(b'unsent'); u, v = socket.socketpair()\n"
        "tell([cookie(x) for x in (l, c, u)]); sys.stdin.readline(); l.close(); c.close(); u.close(); tell(1)"
    )
    listed = "SELECT cookie, inode IS NOT NULL FROM sockets WHERE cookie IN (?, ?, ?) ORDER BY 1"
    with live.snapshot():
        assert own(live, listed, *holder.told) == sorted((cookie, 1) for cookie in holder.told)
        holder.go_on()
        sql = "SELECT pid, owners, owner_reason, keeper_pid FROM sockets WHERE cookie = ?"
        assert own(live, sql, holder.told[0]) == [(None, 0, "ended", None)]
        # Of this one the kernel still has something to send.
        assert own(live, sql, holder.told[1]) == [(None, 0, "orphan", None)]
        assert own(live, sql, holder.told[2]) == [(None, 0, "ended", None)]
    assert [row[0] for row in own(live, "SELECT cookie FROM sockets WHERE cookie IN (?, ?, ?)", *holder.told)] == [
        holder.told[1]
    ]


RING = """
import ctypes
library = ctypes.CDLL(None, use_errno=True)
def call(*arguments):
    found = library.syscall(*arguments)
    if found < 0: raise OSError(ctypes.get_errno(), 'io_uring')
    return found
def register(*sockets):
    '''A ring with these as its fixed files (IORING_REGISTER_FILES).'''
    ring = call(425, 4, ctypes.create_string_buffer(120))
    call(427, ring, 2, (ctypes.c_int * len(sockets))(*(s.fileno() for s in sockets)), len(sockets))
    return ring
"""


def test_io_uring(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        f"{RING}\ns = socket.create_server(('127.0.0.1', 0)); u, v = socket.socketpair(); told = [cookie(s), cookie(u)]\n"
        # Each in a ring of its own: all rings of a process look alike in its table.
        "try: rings = register(s), register(u)\n"
        "except OSError as error: cannot(f'io_uring: {error}')\n"
        "s.close(); u.close(); tell(told)"
    )
    for cookie in holder.told:
        assert own(live, f"{OWNER} cookie = ?", cookie) == [(None, None, 0, "io_uring", holder.pid)]


@pytest.mark.root
def test_in_flight(child: Callable[..., Any]) -> None:
    holder = child(
        f"{ASK}\na, b = socket.socketpair(); os.seteuid(65534); s = socket.create_server(('127.0.0.1', 0)); os.seteuid(0)\n"
        "port = s.getsockname()[1]; socket.send_fds(a, [b'x'], [s.fileno()]); s.close()\n"
        f'sql = f"{OWNER} local_port = {{port}}"\n'
        "flying = ask(sql); _, fds, _, _ = socket.recv_fds(b, 1, 1); tell([os.getpid(), fds, flying, ask(sql)])",
        ALONE,
    )
    pid, [fd], flying, received = holder.told
    assert flying == [{"pid": None, "fd": None, "owners": 0, "owner_reason": "in_flight", "keeper_pid": None}]
    assert received == [{"pid": pid, "fd": fd, "owners": 1, "owner_reason": "owned", "keeper_pid": pid}]


@pytest.mark.root
def test_what_is_in_flight_somewhere_says_nothing_of_root_s_sockets(child: Callable[..., Any]) -> None:
    # Of which files they are is not told, and the kernel's own sockets are root's as well.
    holder = child(
        f"{ASK}\na, b = socket.socketpair(); s = socket.create_server(('127.0.0.1', 0)); port = s.getsockname()[1]\n"
        f'socket.send_fds(a, [b"x"], [s.fileno()]); s.close(); tell(ask(f"{OWNER} local_port = {{port}}"))',
        ALONE,
    )
    assert holder.told == [{"pid": None, "fd": None, "owners": None, "owner_reason": "unknown", "keeper_pid": None}]


def test_a_socket_that_was_made_after_the_handles_were_read_is_not_said_to_be_nobody_s(live: Engine) -> None:
    with live.snapshot():
        own(live, "SELECT count(pid) FROM sockets WHERE protocol = 'udp'")
        with socket.create_server(("127.0.0.1", 0)) as late:
            sql = "SELECT pid, owners, owner_reason FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN' AND inode = ?"
            [(pid, owners, reason)] = own(live, sql, os.fstat(late.fileno()).st_ino)
    assert (pid, owners) == (None, None)
    assert reason in ("unknown", "permission")


@pytest.mark.root
def test_the_kernel_s_own_netlink_sockets(live: Engine) -> None:
    rows = own(
        live, "SELECT DISTINCT owner_reason, pid, fd, owners, keeper_pid FROM sockets WHERE protocol = 'netlink' AND ident = 0"
    )
    assert rows == [("kernel", None, None, 0, None)]


VXLAN = "ip link add vxlan7 type vxlan id 7 dstport 4789 local 127.0.0.1 && ip link set vxlan7 up"


@pytest.mark.root
def test_a_port_that_the_kernel_itself_holds(live: Engine, child: Callable[..., Any]) -> None:
    network = child(f"network = new_network()\nif os.system('( {VXLAN} ) 2>/dev/null'): cannot('no vxlan')\ntell(network)").told
    # Whether it is the kernel's can be said by who sees what every process holds.
    with live.snapshot():
        rows = own(live, f"{OWNER} net_namespace = ? AND protocol = 'udp' AND local_port = 4789 AND family = 'ipv4'", network)
        hidden = own(live, "SELECT count(*) FROM scan_errors WHERE source LIKE '/proc/PID/fd%' AND reason = 'permission'")
    [(one,)] = own(live, "SELECT count(*) FROM processes WHERE pid = 2 AND name = 'kthreadd'")
    if hidden != [(0,)]:
        assert rows == [(None, None, None, "permission", None)]
    else:
        assert rows == [(None, None, *((0, "kernel") if one else (None, "unknown")), None)]


@pytest.mark.root
def test_in_a_container_nothing_is_taken_for_the_kernel_s(child: Callable[..., Any]) -> None:
    # A process of another container may hold it as well.
    holder = child(
        f"{ASK}\nif os.system('( ip link set lo up && {VXLAN} ) 2>/dev/null'): cannot('no vxlan')\n"
        f"tell(ask(\"{OWNER} local_port = 4789 AND family = 'ipv4'\"))",
        ALONE,
    )
    assert holder.told == [{"pid": None, "fd": None, "owners": None, "owner_reason": "unknown", "keeper_pid": None}]


@pytest.mark.root
def test_a_socket_that_a_process_of_another_pid_namespace_holds(child: Callable[..., Any]) -> None:
    # The parent made it and stays outside of the PID namespace that it is looked at from.
    holder = child(
        f"{ASK}\nfrom ctypes import CDLL\ns = socket.create_server(('127.0.0.1', 0)); number = cookie(s)\n"
        "unshare(0x20000000 | 0x20000); r, w = os.pipe(); pid = os.fork()\n"
        "if pid == 0:\n"
        "    s.close(); library = CDLL(None, use_errno=True); assert library.mount(b'none', b'/', None, 0x44000, None) == 0\n"
        "    assert library.mount(b'proc', b'/proc', b'proc', 0, None) == 0\n"
        f'    os.write(w, json.dumps(ask(f"{OWNER} cookie = {{number}}")).encode()); os._exit(0)\n'
        "os.close(w); tell(json.loads(open(r).read()))"
    )
    assert holder.told == [{"pid": None, "fd": None, "owners": None, "owner_reason": "unknown", "keeper_pid": None}]


@pytest.mark.root
def test_permission(live: Engine, child: Callable[..., Any]) -> None:
    cookie = child("s = socket.create_server(('127.0.0.1', 0)); tell(cookie(s))").told
    sql = "SELECT pid, fd, owners, owner_reason, keeper_pid, uid FROM sockets WHERE cookie = ?"
    own(live, sql, cookie)
    assert as_nobody(lambda: own(live, sql, cookie)) == [[None, None, None, "permission", None, 0]]


@pytest.mark.root
def test_an_ordinary_user_owns_what_is_its_own(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        # A process that changed its user may be looked at by its new one only when it says so (PR_SET_DUMPABLE of prctl(2)).
        "import ctypes; os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)\n"
        "ctypes.CDLL(None).prctl(4, 1)\n"
        "s = socket.create_server(('127.0.0.1', 0)); tell([s.fileno(), cookie(s)])"
    )
    fd, cookie = holder.told
    sql = "SELECT pid, fd, owners, owner_reason, keeper_pid, uid FROM sockets WHERE cookie = ?"
    wanted = (holder.pid, fd, 1, "owned", holder.pid, 65534)
    assert own(live, sql, cookie) == [wanted]
    assert as_nobody(lambda: own(live, sql, cookie)) == [list(wanted)]


@pytest.mark.root
def test_an_ordinary_user_is_told_of_the_sockets_of_all_users(live: Engine, child: Callable[..., Any]) -> None:
    child(
        "keep = []\n"
        "for _ in range(5):\n"
        "    l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); s = l.accept()[0]\n"
        "    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 0))\n"
        "    keep += [l, c, s, u, *socket.socketpair()]\n"
        "tell(1)"
    )
    sql = f"SELECT cookie FROM sockets WHERE {HERE} AND protocol IN ('tcp', 'udp', 'unix', 'packet')"

    def difference() -> list[int]:
        before = {row[0] for row in own(live, sql)}
        theirs = {row[0] for row in as_nobody(lambda: own(live, sql))}
        after = {row[0] for row in own(live, sql)}
        assert theirs
        # The machine may move meanwhile.
        return sorted(((before & after) - theirs) | (theirs - (before | after)))

    nothing: list[int] = []
    assert at_last(difference, nothing) == nothing


@pytest.mark.root
def test_an_ordinary_user_gets_one_notice_and_no_other_line(child: Callable[..., Any]) -> None:
    child("s = socket.create_server(('127.0.0.1', 0)); tell(1)")
    sql = "SELECT count(*), count(pid), count(keeper_pid), count(rtt), count(drops), count(cgroup_path) FROM sockets"

    def command() -> tuple[int, list[str], str]:
        with tempfile.TemporaryFile("w+") as printed, tempfile.TemporaryFile("w+") as said:
            os.dup2(said.fileno(), 2)
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
                status = cli.run([sql])
            printed.seek(0)
            said.seek(0)
            return status, said.read().splitlines(), printed.read()

    status, notices, printed = as_nobody(command, command)
    assert status == 0
    assert "count(pid)" in printed
    [notice] = notices
    assert "not permitted to read the" in notice
    assert "Run as root to see all; scan_errors, asked in the same run, has the details." in notice
