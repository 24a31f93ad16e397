"""What a port is for and who holds it: the list of what commonly runs where, and the view port_use beside the sockets."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine
from sqlports.ports import common

from .conftest import FakeRoot, as_nobody, own

BOUND = "protocol IN ('tcp', 'udp', 'udplite', 'sctp') AND state IN ('LISTEN', 'UNCONNECTED') AND local_port IS NOT NULL"

# What IANA registers as something else than what runs there.
ELSEWHERE = (3000, 5000, 5173, 6443, 8080, 8443, 9000, 9090, 9092, 9200, 10250, 15672, 25565, 50051, 51820)


def test_what_commonly_runs_where_is_told_of_150_ports_at_least() -> None:
    ports = {port for port, _ in common.uses()}
    assert len(ports) >= 150
    assert ports.issuperset(ELSEWHERE)


def test_the_uses_are_in_the_order_of_ports_and_each_is_for_people() -> None:
    uses = list(common.uses().values())
    assert [use.port for use in uses] == sorted(use.port for use in uses)
    for use in uses:
        parts = use.use.split("; ")
        assert len(set(parts)) == len(parts), use
        assert all(part == part.strip() != "" for part in parts), use
        assert use.use.isprintable(), use
        assert len(use.use) <= 60, use


def test_a_pattern_is_no_path_matches_not_all_and_fits_a_name_cut_by_the_kernel() -> None:
    for use in common.uses().values():
        assert len(set(use.programs)) == len(use.programs), use
        for pattern in use.programs:
            assert re.fullmatch(r"[\w.*+-]*\w[\w.*+-]*", pattern), use
            assert len(pattern.split("*")[0]) <= 15, use


@pytest.mark.parametrize("shell", ["bash", "sh", "dash", "nc", "ncat", "python3.11", "ruby3.1", "perl"])
def test_a_shell_is_expected_on_no_port_of_the_web(shell: str) -> None:
    from fnmatch import fnmatchcase

    for key in ((80, "tcp"), (443, "tcp"), (443, "udp"), (22, "tcp")):
        assert not any(fnmatchcase(shell, pattern) for pattern in common.uses()[key].programs)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("# x\n80\ttcp\n", "line 2"),
        ("80\ttcp\tWeb\tnginx\tmore\n", "line 1"),
        ("80\ttcp\t \tnginx\n", "line 1"),
        ("80\ticmp\tWeb\tnginx\n", "icmp"),
        ("65536\ttcp\tWeb\n", "no port"),
        ("eighty\ttcp\tWeb\n", "eighty"),
        ("81\ttcp\tWeb\n80\ttcp\tWeb\n", "line 2"),
        ("80\ttcp\tWeb\n80\tudp,tcp\tWeb\n", "line 2"),
        ("80\ttcp\tWeb\n\n", "line 2"),
    ],
)
def test_a_broken_line_is_named(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        common.read(text)


class Holder:
    """A fake system, in which one process after the other listens."""

    def __init__(self, fake: FakeRoot) -> None:
        self.fake = fake
        self.rows: dict[str, list[str]] = {}
        self.pid = 100

    def holds(self, port: int, exe: str | None, name: str = "x", protocol: str = "tcp") -> None:
        self.pid += 1
        self.listed(port, protocol)
        self.fake.process(self.pid, name, exe=exe, fds={3: f"socket:[{self.pid}]"})

    def listed(self, port: int, protocol: str = "tcp", inode: int | None = None) -> None:
        state = "0A" if protocol == "tcp" else "07"
        rows = self.rows.setdefault(protocol, [])
        rows.append(f"00000000:{port:04X} 00000000:0000 {state} {self.pid if inode is None else inode}")
        self.fake.net(protocol, *rows)


@pytest.fixture
def holder(fake: FakeRoot) -> Holder:
    return Holder(fake)


@pytest.mark.parametrize(
    ("port", "exe", "mismatch"),
    [
        (22, "/usr/sbin/sshd", 0),
        (22, "/opt/a b/sshd", 0),
        (22, "/usr/sbin/sshd2", 1),
        (22, "/usr/bin/python3.11", 1),
        (22, "/usr/sbin/SSHD", 1),
        (22, "/usr/sbin/sshd/x", 1),
        (22, "/tmp/[sshd]", 1),
        (80, "/usr/sbin/nginx", 0),
        (80, "/memfd:nginx", 1),
        (3306, "/usr/sbin/mariadbd", 0),
        (3306, "/usr/bin/python3.11", 1),
        (5432, "/usr/lib/postgresql/15/bin/postgres", 0),
        # Anything may.
        (8080, "/usr/bin/python3.11", None),
        (3000, "/usr/bin/nc", None),
        # Nothing is known of it but that it is no well-known port.
        (17, "/usr/sbin/qotd-server", 0),
        (17, "/usr/bin/python3.11", 1),
        (40123, "/usr/bin/python3.11", None),
        # Reserved, so that it is nobody's.
        (51, "/usr/bin/python3.11", None),
    ],
)
def test_a_holder_is_compared_by_its_executable(
    port: int, exe: str, mismatch: int | None, holder: Holder, engine: Engine
) -> None:
    holder.holds(port, exe, name="sshd")
    assert own(engine, "SELECT port, pid, path, mismatch FROM port_use") == [(port, 101, exe, mismatch)]


@pytest.mark.parametrize("exe", ["docker-proxy", "rootlessport", "pasta.avx2", "systemd", "ssh", "socat1", "busybox", "conmon"])
def test_of_a_holder_that_stands_in_for_others_nothing_is_said(exe: str, holder: Holder, engine: Engine) -> None:
    holder.holds(80, f"/usr/bin/{exe}")
    holder.holds(17, f"/usr/bin/{exe}")
    assert own(engine, "SELECT port, mismatch FROM port_use ORDER BY 1") == [(17, None), (80, None)]


def test_what_is_expected_there_stands_in_for_nobody(holder: Holder, engine: Engine) -> None:
    holder.holds(111, "/usr/sbin/rpcbind")
    holder.holds(700, "/usr/sbin/rpcbind", protocol="udp")
    assert own(engine, "SELECT port, mismatch FROM port_use ORDER BY 1") == [(111, 0), (700, None)]


def test_the_name_counts_only_where_the_executable_may_not_be_read(holder: Holder, engine: Engine) -> None:
    holder.holds(22, None, name="sshd")
    holder.holds(53, None, name="systemd-resolve", protocol="udp")
    holder.holds(80, None, name="python3")
    assert own(engine, "SELECT port, mismatch FROM port_use ORDER BY 1") == [(22, 0), (53, 0), (80, 1)]


def test_a_removed_executable_is_compared_without_the_kernels_word_for_that(holder: Holder, engine: Engine) -> None:
    holder.holds(22, "/usr/sbin/sshd (deleted)")
    holder.holds(80, "/usr/sbin/nginxx (deleted)")
    assert own(engine, "SELECT port, mismatch FROM port_use ORDER BY 1") == [(22, 0), (80, 1)]


def test_a_name_of_signs_that_json_and_patterns_know_breaks_nothing(holder: Holder, engine: Engine) -> None:
    for number, name in enumerate(("*", "[", 'a"b', "a\\", "\n", " ", "'", "%_", "x" * 250)):
        holder.holds(17 + number * 1000, f"/usr/bin/{name}")
        holder.holds(18 + number, f"/usr/bin/{name}", protocol="udp")
    assert own(engine, "SELECT count(*), count(path), count(nullif(mismatch, 1)) FROM port_use") == [(18, 18, 0)]


def test_a_hidden_owner_leaves_it_open_and_says_why(holder: Holder, engine: Engine) -> None:
    holder.listed(22, inode=999)
    [(pid, name, path, mismatch, reason)] = own(engine, "SELECT pid, name, path, mismatch, owner_reason FROM port_use")
    assert (pid, name, path, mismatch) == (None, None, None, None)
    assert reason not in (None, "owned")


def test_registered_common_and_local_meaning_stay_apart(holder: Holder, engine: Engine, fake: FakeRoot) -> None:
    fake.write("etc/services", "our-shop 3000/tcp\n")
    holder.holds(3000, "/usr/bin/beer")
    [row] = engine.query("SELECT service, common_use, local_service, path FROM port_use")
    assert row["service"] == "hbci"
    assert "Node.js" in row["common_use"]
    assert (row["local_service"], row["path"]) == ("our-shop", "/usr/bin/beer")


def test_udplite_has_udps_names(holder: Holder, engine: Engine) -> None:
    holder.holds(53, "/usr/sbin/named", protocol="udplite")
    assert own(engine, "SELECT protocol, service, mismatch FROM port_use") == [("udplite", "domain", 0)]


def test_every_socket_is_there_once(holder: Holder, engine: Engine) -> None:
    for _ in range(3):
        holder.holds(80, "/usr/sbin/nginx")
    holder.holds(80, "/usr/sbin/nginx", protocol="udp")
    for port in (1, 51, 4444, 65535):
        holder.holds(port, "/bin/x")
        holder.holds(port, "/bin/x", protocol="udp")
    [(sockets,)] = own(engine, f"SELECT count(*) FROM sockets WHERE {BOUND}")
    assert own(engine, "SELECT count(*), count(DISTINCT inode) FROM port_use") == [(sockets, sockets)]
    assert own(engine, "SELECT count(*) FROM (SELECT * FROM port_use)") == [(sockets,)]


@pytest.mark.linux
def test_no_socket_of_this_machine_is_lost_or_told_twice(live: Engine) -> None:
    with live.snapshot():
        sockets = own(live, f"SELECT cookie, inode FROM sockets WHERE {BOUND} ORDER BY 1, 2")
        assert own(live, "SELECT cookie, inode FROM port_use ORDER BY 1, 2") == sockets


def test_what_is_not_asked_for_is_not_read(holder: Holder, engine: Engine) -> None:
    holder.holds(80, "/usr/sbin/nginx")
    with engine.snapshot() as system:
        assert own(engine, "SELECT port, service FROM port_use WHERE port = 80") == [(80, "http")]
        assert not system.reads.keys() & {"walk", "fd", "exe", "comm"}
        assert own(engine, "SELECT port, mismatch FROM port_use WHERE port = 80") == [(80, 0)]
        assert system.reads["exe"] == 1


def test_a_port_that_is_asked_for_is_all_that_is_listed(engine: Engine) -> None:
    plan = engine.connection.execute("EXPLAIN QUERY PLAN SELECT * FROM port_use WHERE port = 80")
    [sockets] = [str(row[3]) for row in plan if str(row[3]).startswith(("SCAN sockets", "SEARCH sockets"))]
    assert '"local_port"' in sockets


# Copies of this interpreter, called as what they are to be taken for, each with a socket in a network of its own.
SERVERS = """
import subprocess
network = new_network()
said, servers = [], []
for exe, kind, port in %r:
    code = (
        'import socket, sys; '
        f's = socket.socket(socket.AF_INET, socket.{kind}); '
        f's.bind(("127.0.0.1", {port})); '
        's.listen() if s.type == socket.SOCK_STREAM else None; '
        'print(s.getsockname()[1], flush=True); sys.stdin.read()'
    )
    # It ends with the pipe, and so with this process.
    servers.append(subprocess.Popen(
        [exe, '-S', '-c', code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={'PYTHONHOME': sys.base_prefix, 'LD_LIBRARY_PATH': sys.base_prefix + '/lib'}
    ))
    said.append([int(servers[-1].stdout.readline()), servers[-1].pid])
tell([network, said])
"""


@pytest.fixture
def called(tmp_path: Path) -> Callable[[str], str]:
    """A copy of this interpreter under another name."""

    def copy(name: str) -> str:
        path = tmp_path / name
        if not path.exists():
            shutil.copy(os.path.realpath(sys.executable), path)
        return str(path)

    return copy


@pytest.mark.linux
@pytest.mark.root
def test_real_programs_are_told_from_what_only_holds_their_port(
    live: Engine, child: Callable[..., Any], called: Callable[[str], str]
) -> None:
    asked = [
        (called("sshd"), "SOCK_STREAM", 22, 0),
        (called("nginx"), "SOCK_STREAM", 80, 0),
        (called("nginx"), "SOCK_DGRAM", 443, 0),
        (called("nginx"), "SOCK_STREAM", 3306, 1),
        (called("qotd-server"), "SOCK_STREAM", 17, 0),
        (os.path.realpath(sys.executable), "SOCK_STREAM", 25, 1),
        (called("docker-proxy"), "SOCK_STREAM", 443, None),
        (called("anything"), "SOCK_STREAM", 8080, None),
        (called("anything"), "SOCK_STREAM", 0, None),
    ]
    network, said = child(SERVERS % [row[:3] for row in asked]).told
    os.unlink(asked[1][0])
    found = own(live, "SELECT port, pid, path, mismatch FROM port_use WHERE net_namespace = ?", network)
    assert sorted(found) == sorted(
        (port, pid, exe, mismatch) for (exe, _, _, mismatch), (port, pid) in zip(asked, said, strict=True)
    )


@pytest.mark.linux
@pytest.mark.root
def test_a_process_that_calls_itself_sshd_is_still_what_it_is(live: Engine, child: Callable[..., Any]) -> None:
    holder = child(
        "network = new_network(); open('/proc/self/comm', 'w').write('sshd'); s = socket.socket(); s.bind(('127.0.0.1', 22));\n"
        "s.listen(); tell(network)"
    )
    sql = "SELECT name, mismatch FROM port_use WHERE net_namespace = ?"
    assert own(live, sql, holder.told) == [("sshd", 1)]


@pytest.mark.linux
@pytest.mark.root
def test_a_port_that_the_kernel_chose_says_nothing_of_its_holder(
    live: Engine, child: Callable[..., Any], called: Callable[[str], str]
) -> None:
    # The kernel has one port to give, and that is known for another program.
    code = "open('/proc/sys/net/ipv4/ip_local_port_range', 'w').write('3306 3306'); "
    servers = SERVERS.replace("said, servers", code + "said, servers") % [(called("client"), "SOCK_DGRAM", 0)]
    network, [[port, pid]] = child(servers.replace("3306", "51413")).told
    assert port == 51413
    sql = "SELECT port, pid, common_use IS NULL, mismatch FROM port_use WHERE net_namespace = ?"
    assert own(live, sql, network) == [(port, pid, 0, None)]


@pytest.mark.linux
@pytest.mark.root
def test_an_ordinary_user_is_not_told_that_anothers_server_is_wrong(child: Callable[..., Any]) -> None:
    known = sorted(port for (port, protocol), use in common.uses().items() if protocol == "tcp" and use.programs)
    holder = child(
        f"for port in {known}:\n"
        "    s = socket.socket()\n"
        "    try: s.bind(('127.0.0.1', port)); break\n"
        "    except OSError: pass\n"
        "s.listen(); tell(port)"
    )

    def look() -> list[tuple[Any, ...]]:
        sql = "SELECT pid, path, mismatch, owner_reason FROM port_use WHERE (port, address, protocol) = (?, '127.0.0.1', 'tcp')"
        with Engine() as engine:
            return own(engine, sql, holder.told)

    def first() -> None:
        with Engine() as engine:
            engine.query("SELECT * FROM port_use LIMIT 1")

    assert as_nobody(look, first) == [[None, None, None, "permission"]]
