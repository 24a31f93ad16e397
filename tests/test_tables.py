"""The tables over a made-up system: owners and reasons, refusals, osquery's columns and codes."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from sqlports import Engine, QueryError

from .conftest import FakeRoot, reads


def test_the_oldest_holder_owns_a_shared_socket_and_init_only_alone(fake: FakeRoot, engine: Engine) -> None:
    fake.process(1, "init", parent=0, start=1, fds={9: "socket:[501]", 8: "socket:[502]"})
    fake.process(50, start=300, fds={3: "socket:[501]"})
    fake.process(60, start=200, fds={7: "socket:[501]", 4: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:0051 00000000:0000 0A 502")
    rows = engine.query("SELECT pid, fd, owners, owner_reason FROM sockets WHERE protocol = 'tcp' ORDER BY local_port")
    assert [tuple(row.values()) for row in rows] == [(60, 4, 3, "owned"), (1, 8, 1, "owned")]
    assert len(engine.query("SELECT DISTINCT handles.pid FROM handles JOIN sockets USING (inode) WHERE inode = 501")) == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("0100007F:0050 0100007F:C001 06 0", "time_wait"),
        ("0100007F:0050 0100007F:C001 03 0", "syn_recv"),
        ("0100007F:0050 0100007F:C001 01 0", "unknown"),
        ("0100007F:0050 0100007F:C001 04 0", "orphan"),
        ("0100007F:0050 0100007F:C001 09 0", "orphan"),
        ("0100007F:0050 0100007F:C001 01 999", "unknown"),
    ],
)
def test_a_socket_without_owner_says_why(row: str, reason: str, fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.net("tcp", row)
    assert engine.query("SELECT pid, owners, owner_reason FROM sockets WHERE protocol = 'tcp'") == [
        {"pid": None, "owners": None if reason == "unknown" else 0, "owner_reason": reason}
    ]


@pytest.mark.parametrize("state", ["01", "08"])
@pytest.mark.parametrize("address", ["0100007F", "00000000"])
def test_a_connection_that_waits_is_kept_by_its_listeners_owner(
    state: str, address: str, fake: FakeRoot, engine: Engine
) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", f"{address}:0050 00000000:0000 0A 501", f"0100007F:0050 0100007F:C001 {state} 0")
    sql = "SELECT pid, owner_reason, keeper_pid FROM sockets WHERE remote_port = 49153"
    assert engine.query(sql) == [{"pid": None, "owner_reason": "accept_queue", "keeper_pid": 42}]


def test_a_process_born_during_the_walk_is_found_as_owner(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    with engine.snapshot() as system:
        system.pids()
        fake.process(43, fds={3: "socket:[501]"})
        assert engine.query("SELECT pid FROM sockets WHERE protocol = 'tcp'") == [{"pid": 43}]


def test_a_handle_that_is_a_file_never_joins_a_socket_of_the_same_number(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "/tmp/socket:[501]", 4: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    assert engine.query("SELECT h.fd FROM handles h JOIN sockets USING (inode)") == [{"fd": 4}]


def test_a_file_on_a_network_mount_is_never_asked_for(fake: FakeRoot, engine: Engine) -> None:
    directory = fake.process(42, fds={3: "/mnt/dead (deleted)"})
    (directory / "fd" / "3").unlink()
    # To follow this link would fail; only its text may be used.
    (directory / "fd" / "3").symlink_to("/proc/self/nothing/there (deleted)")
    [row] = engine.query("SELECT type, target, deleted, access, flags, offset FROM handles")
    assert tuple(row.values()) == (
        None,
        "/proc/self/nothing/there (deleted)",
        None,
        "rw",
        "O_NONBLOCK|O_CLOEXEC",
        7,
    )
    [told] = engine.query("SELECT pid, reason FROM scan_errors")
    assert told == {"pid": 42, "reason": "not looked at: it could hang on nfs4"}


def test_a_copy_of_proc_is_not_taken_to_be_of_this_machine_s_files(fake: FakeRoot, engine: Engine) -> None:
    # Its links lead there all the same.
    fake.process(42, fds={3: "/", 4: "/dev/null (deleted)"})
    fake.write("proc/42/mountinfo", "99 1 254:0 / / rw - ext4 /dev/vda rw\n")
    rows = engine.query("SELECT type, size, deleted, target, device, file_system FROM handles ORDER BY fd")
    assert [tuple(row.values()) for row in rows] == [
        (None, None, 0, "/", "254:0", "ext4"),
        (None, None, None, "/dev/null (deleted)", "254:0", "ext4"),
    ]
    [told] = engine.query("SELECT pid, reason, count FROM scan_errors")
    assert told == {"pid": 42, "reason": "not looked at: of a copy of /proc there are no files", "count": 2}


def test_a_thread_is_no_process(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.process(43, tgid=42)
    assert engine.query("SELECT pid FROM processes WHERE pid = 43") == []
    assert engine.query("SELECT pid FROM processes WHERE pid IN (42, 43, -1, 99999999999)") == [{"pid": 42}]


def test_a_process_that_ended_since_it_was_listed_is_no_row(fake: FakeRoot, engine: Engine) -> None:
    import shutil

    fake.process(42)
    fake.process(43)
    with engine.snapshot() as system:
        system.pids()
        shutil.rmtree(fake.proc / "43")
        assert engine.query("SELECT pid, cmdline FROM processes") == [{"pid": 42, "cmdline": "sh"}]
        assert engine.query("SELECT * FROM scan_errors") == []


def test_a_part_lost_when_the_process_ended_in_between_is_explained(fake: FakeRoot, engine: Engine) -> None:
    directory = fake.process(42)
    with engine.snapshot():
        assert engine.query("SELECT name FROM processes") == [{"name": "sh"}]
        shutil.rmtree(directory)
        assert engine.query("SELECT name, disk_bytes_read FROM processes WHERE name = 'sh'") in (
            [],
            [{"name": "sh", "disk_bytes_read": None}],
        )
        [row] = engine.query("SELECT source, pid, reason FROM scan_errors")
        assert row == {"source": "/proc/PID/io", "pid": 42, "reason": "ended"}


def test_what_cannot_be_read_is_null_and_counted(fake: FakeRoot, engine: Engine) -> None:
    directory = fake.process(42)
    (directory / "io").unlink()
    (directory / "io").mkdir()
    assert engine.query("SELECT pid, disk_bytes_read FROM processes") == [{"pid": 42, "disk_bytes_read": None}]
    assert engine.query("SELECT * FROM scan_errors") == [
        {"source": "/proc/PID/io", "pid": 42, "errno": 21, "reason": "Is a directory", "count": 1}
    ]
    engine.query("SELECT pid FROM processes")
    assert engine.query("SELECT * FROM scan_errors") == []


def test_a_file_that_cannot_be_parsed_is_an_error_with_its_name(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42)
    fake.write("proc/42/stat", "rubbish")
    with pytest.raises(QueryError, match="/proc/PID/stat cannot be parsed"):
        engine.query("SELECT state FROM processes")


def test_no_proc_at_all_is_a_clear_error(tmp_path: Path) -> None:
    engine = Engine(root=str(tmp_path / "nowhere"))
    with pytest.raises(QueryError, match=r"nowhere/proc.*No such file"):
        engine.query("SELECT * FROM processes")


def test_a_missing_socket_file_is_unsupported_and_not_none(fake: FakeRoot, engine: Engine) -> None:
    (fake.proc / "net/udp6").unlink()
    assert engine.query("SELECT * FROM sockets WHERE protocol = 'udp'") == []
    assert engine.query("SELECT source, reason FROM scan_errors") == [
        {"source": "/proc/net/udp6", "reason": "the kernel has no such file"}
    ]


def test_all_sockets_are_listed_before_their_holders_are_looked_for(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501")
    fake.net("udp", "0100007F:0051 00000000:0000 07 502")
    rows = []
    for result in engine.run("SELECT local_port, pid FROM sockets"):
        for row in result:
            # This comes too late for the walk to find, and its socket is one that was listed before it.
            if not rows:
                fake.process(43, fds={3: "socket:[502]"})
            rows.append(row)
    assert rows == [(80, 42), (81, 43)]


def test_sockets_come_from_the_files_when_the_kernel_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    from sqlports.sources import sock_diag
    from sqlports.sources.records import Unsupported

    def refuse(netlink: object, request: bytes) -> object:
        raise Unsupported("sock_diag", "no netlink socket")

    if not Path("/proc/net/tcp").exists():
        pytest.skip("needs a Linux /proc")
    monkeypatch.setattr(sock_diag, "exchange", refuse)
    engine = Engine()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sql = "SELECT pid, fd, state FROM sockets WHERE port = :port AND protocol = 'tcp' AND family = 'ipv4'"
        assert {"pid": os.getpid(), "fd": listener.fileno(), "state": "LISTEN"} in engine.query(sql, {"port": port})
    refused = {"source": "sock_diag tcp", "reason": "no netlink socket: listed from /proc/net, which tells less"}
    assert refused in engine.query("SELECT source, reason FROM scan_errors")


OSQUERY = {
    "processes": "pid name path cmdline state cwd root uid gid euid egid suid sgid on_disk wired_size resident_size total_size "
    "user_time system_time disk_bytes_read disk_bytes_written start_time parent pgroup threads nice cgroup_path",
    "users": "uid gid uid_signed gid_signed username description directory shell uuid",
    "listening_ports": "pid port protocol family address fd socket path net_namespace",
    "process_open_sockets": "pid fd socket family protocol local_address remote_address local_port remote_port path state "
    "net_namespace",
}


@pytest.mark.parametrize("name", OSQUERY)
def test_osquerys_columns_come_first_and_in_its_order(name: str, engine: Engine) -> None:
    [result] = engine.run(f"SELECT * FROM {name} LIMIT 0")
    wanted = OSQUERY[name].split()
    assert list(result.columns[: len(wanted)]) == wanted
    assert name == "processes" or len(result.columns) == len(wanted)


def test_osquerys_codes_for_a_listener_and_a_socket_without_owner(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:0050 0100007F:C001 06 0")
    fake.net("udp", "00000000:0035 00000000:0000 07 503")
    assert [tuple(row.values()) for row in engine.query("SELECT * FROM listening_ports ORDER BY port")] == [
        (-1, 53, 17, 2, "0.0.0.0", -1, 503, "", None),
        (42, 80, 6, 2, "127.0.0.1", 3, 501, "", None),
    ]
    assert [tuple(row.values()) for row in engine.query("SELECT * FROM process_open_sockets WHERE remote_port > 0")] == [
        (-1, -1, -1, 2, 6, "127.0.0.1", "127.0.0.1", 80, 49153, "", "TIME_WAIT", None)
    ]
    assert reads(engine, "SELECT * FROM process_open_sockets WHERE pid = 42").get("walk") is None


def test_the_three_joins_work_as_anybody_would_write_them(fake: FakeRoot, engine: Engine) -> None:
    fake.process(42, "web", fds={3: "socket:[501]"})
    fake.net("tcp", "0100007F:0050 00000000:0000 0A 501", "0100007F:1F90 00000000:0000 0A 502")
    assert len(engine.query("SELECT * FROM sockets WHERE port < 1024")) == 1
    sql = "SELECT name, service FROM sockets JOIN processes USING (pid) JOIN port_registry USING (port, protocol)"
    assert engine.query(sql) == [{"name": "web", "service": "http"}]
    assert engine.query("SELECT fd, port FROM handles JOIN sockets USING (inode)".replace("fd", "handles.fd")) == [
        {"fd": 3, "port": 80}
    ]
