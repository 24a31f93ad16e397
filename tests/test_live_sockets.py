"""On a real Linux: sockets that children hold are found as they hold them."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine

from .conftest import own

pytestmark = pytest.mark.linux


LOOPBACK = "'127.0.0.1'"


# Another process may use the same port on another address.
LISTENS = f"local_port = ? AND state = 'LISTEN' AND local_address = {LOOPBACK}"


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
        f" inode, cookie, backlog_limit, net_namespace FROM sockets WHERE {LISTENS}",
        port,
    ) == [
        (
            *("tcp", "ipv4", "LISTEN", "127.0.0.1", None, None, holder.pid, fd, 1, "owned", os.geteuid()),
            *(inode, cookie, 7, os.stat("/proc/self/ns/net").st_ino),
        )
    ]
    sql = f"SELECT pid, fd, protocol, family, socket FROM listening_ports WHERE port = ? AND address = {LOOPBACK}"
    assert own(live, f"{sql} AND protocol = 6", port) == [(holder.pid, fd, 6, 2, inode)]


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


def test_listeners_without_owner_walk_no_handles(live: Engine) -> None:
    with live.snapshot() as system:
        live.query("SELECT local_address, local_port, family FROM sockets WHERE protocol = 'tcp' AND state = 'LISTEN'")
        namespaces = len(live.query("SELECT * FROM net_namespaces"))
        assert dict(system.reads) == {"pids": 1, "namespaces": 1, "tcp ipv4": namespaces, "tcp ipv6": namespaces}


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
