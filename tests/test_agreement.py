"""On a real Linux: what ss and ps say, and the kernel's own second list, is what the tables say."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from sqlports import Engine
from sqlports.sources import proc_net
from sqlports.sources.region import Region
from sqlports.sources.sockets import KINDS, Listing

from .conftest import own

pytestmark = pytest.mark.linux


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
        f" WHERE protocol IN ('tcp', 'udp') AND state <> 'BOUND' AND {MINE}"
    )
    agree(lambda: Counter(tuple(map(str, row)) for row in own(live, sql)), theirs)


# ss lists what is in its own network namespace.
MINE = "net_namespace = (SELECT net_namespace FROM net_namespaces WHERE mine = 1)"

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

    sql = f"SELECT inode, coalesce(peer_inode, 0), {HOLDERS} FROM sockets s WHERE protocol = 'unix' AND {MINE}"
    agree(lambda: Counter(tuple(map(str, row)) for row in own(live, sql)), theirs)


def test_every_file_of_lsof_that_is_a_socket_is_a_row_here(live: Engine, child: Callable[..., Any]) -> None:
    child(
        "keep = []\n"
        "for _ in range(10):\n"
        "    l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); s = l.accept()[0]\n"
        "    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 0)); d = os.dup(l.fileno())\n"
        "    keep += [l, c, s, u]\n"
        "tell(1)"
    )

    def theirs() -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        fields: dict[str, str] = {}
        # A line for each field: p(id), f(d), t(ype), P(rotocol), T(he state), n(ame), which comes last.
        for line in lines("lsof", "-nP", "-iTCP", "-iUDP", "-FpftPTn"):
            name, value = line[:1], line[1:]
            fields[value[:2] if name == "T" else name] = value
            if name == "n":
                local, _, remote = value.partition("->")
                found[fields["p"], fields["f"], fields["P"].lower(), fields["t"].lower(), local, remote] += 1
        return found

    def end(address: str | None, port: int | None, family: str) -> str:
        if port is None:
            return ""
        if address in ("0.0.0.0", "::"):
            return f"*:{port}"
        return f"[{address}]:{port}" if family == "ipv6" else f"{address}:{port}"

    sql = (
        "SELECT h.pid, h.fd, protocol, family, local_address, local_port, remote_address, remote_port"
        f" FROM sockets JOIN handles h USING (inode) WHERE protocol IN ('tcp', 'udp') AND state <> 'BOUND' AND {MINE}"
    )

    def mine() -> Counter[tuple[str, ...]]:
        return Counter(
            (str(pid), str(fd), protocol, family, end(address, port, family), end(remote, remote_port, family))
            for pid, fd, protocol, family, address, port, remote, remote_port in own(live, sql)
        )

    agree(mine, theirs)


def test_the_socket_files_of_proc_say_the_same(live: Engine, child: Callable[..., Any]) -> None:
    child(
        "l = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(l.getsockname()); l.accept()\n"
        "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 0)); n = socket.socketpair()\ntell(1)"
    )
    names = ("family", "type", "state", "local_address", "local_port", "remote_address", "remote_port", "inode")

    def told(listed: bool) -> Counter[tuple[Any, ...]]:
        found: Counter[tuple[Any, ...]] = Counter()
        with live.snapshot() as system:
            [mine] = system.backend.namespaces()
            for kind in KINDS:
                if kind.protocol in ("tcp", "udp", "unix", "packet"):
                    listing = Listing(system.network, kind, mine)
                    data = mine.file(proc_net.file(*kind[:2]) or "") if listed else b""
                    sockets = proc_net.parse(data, listing) if listed else system.backend.sockets(listing, Region())
                    # Of a unix socket the file tells less.
                    more = ("uid", "backlog") if kind.ports else ()
                    found.update(
                        tuple(getattr(socket, name) for name in (*names, *more))
                        for socket in sockets
                        # Nor of a unix datagram socket whether it has a peer.
                        if socket.state != "BOUND" and (socket.protocol, socket.type) != ("unix", "datagram")
                    )
        return found

    agree(lambda: told(True), lambda: told(False))


def test_processes_equal_those_of_ps(live: Engine) -> None:
    def theirs() -> Counter[tuple[str, ...]]:
        rows = [line.split(None, 7) for line in lines("ps", "-eo", "pid=,ppid=,pgid=,sess=,uid=,euid=,nlwp=,comm=")]
        return Counter((*row[:7], plain(re.sub(r" <defunct>$", "", row[7]))) for row in rows if row[7:] != ["ps"])

    sql = "SELECT pid, parent, pgroup, session, uid, euid, threads, name FROM processes"
    agree(lambda: Counter((*map(str, row[:7]), plain(row[7])) for row in own(live, sql)), theirs)


def plain(name: str) -> str:
    """A name, or '' for one that ps does not print as it is."""
    return name if re.fullmatch(r"[\w./:+-]+", name, re.ASCII) else ""
