"""Another system's file system, mounted somewhere: a container seen from its host, the host seen from a container, a copy."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine, QueryError
from sqlports.sources import calls

from .conftest import RUN, FakeRoot, command, own

pytestmark = pytest.mark.linux

CONTAINER = ("unshare", "--pid", "--fork", "--mount-proc", "--net", "--uts", "--kill-child")
# A container's first process, which has a child and a listener.
BOXED = """\
import subprocess
listener = socket.create_server(('127.0.0.1', 0)) if new_network() else None
other = subprocess.Popen(['sleep', '1000'])
tell([os.getpid(), other.pid, listener.getsockname()[1], net_namespace(), os.readlink('/proc/self/ns/pid')])
"""


@pytest.fixture
def box(child: Callable[..., Any]) -> Any:
    """A child in namespaces of its own, and its number here."""
    made = child(BOXED, within=CONTAINER)
    [line] = Path(f"/proc/{made.pid}/task/{made.pid}/children").read_text().split()
    made.inner = int(line)
    return made


@pytest.mark.root
def test_a_container_is_looked_at_through_the_root_of_one_of_its_processes(box: Any) -> None:
    pid, other, port, namespace, _ = box.told
    with_box = Engine(root=f"/proc/{box.inner}/root")
    rows = own(with_box, "SELECT pid, parent, name, cmdline FROM processes ORDER BY pid")
    assert [row[:2] for row in rows] == [(pid, 0), (other, pid)]
    assert rows[1][2:] == ("sleep", "sleep 1000")
    assert own(with_box, "SELECT DISTINCT net_namespace FROM sockets") == [(namespace,)]
    assert own(with_box, "SELECT local_port, pid, owner_reason FROM sockets WHERE state = 'LISTEN'") == [(port, pid, "owned")]
    assert own(with_box, "SELECT ancestor, descendant, depth FROM process_tree") == [(pid, other, 1)]
    started = own(with_box, "SELECT started, elapsed_time FROM processes WHERE pid = 1")
    assert own(Engine(), f"SELECT started FROM processes WHERE pid = {box.inner}")[0][0] == pytest.approx(
        started[0][0], abs=0.1
    )
    with_box.close()


@pytest.mark.root
def test_the_host_is_looked_at_from_inside_a_container(tmp_path: Path) -> None:
    host = tmp_path / "host"
    (host / "proc").mkdir(parents=True)
    (host / "etc").mkdir()
    (host / "etc" / "passwd").write_text("admin:x:0:0::/:/bin/sh\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        sql = (
            "SELECT p.pid, username, s.owner_reason "
            "FROM sockets s JOIN processes p ON p.pid = s.pid JOIN users u ON u.uid = p.uid "
            f"WHERE local_port = {port} AND s.state = 'LISTEN' AND s.net_namespace = {os.stat('/proc/self/ns/net').st_ino}"
        )
        script = f'mount --bind /proc {host}/proc && mount -t proc proc /proc && exec "$@"'
        done = subprocess.run(
            [*CONTAINER[:3], "--mount", "--net", "sh", "-c", script, "sh", *RUN, "--root", os.fspath(host), "--json", sql],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [{"pid": os.getpid(), "username": "admin", "owner_reason": "owned"}]


def test_the_command_looks_at_a_copy(fake: FakeRoot) -> None:
    fake.process(42, "web", uid=1000)
    sql = "SELECT pid, p.name, username FROM processes p JOIN users USING (uid)"
    done = command("--root", os.fspath(fake.path), "--json", sql)
    assert json.loads(done.stdout) == [{"pid": 42, "name": "web", "username": "ann"}]


@pytest.mark.parametrize("arguments", [("--root", "/nonexistent"), ("--root", "/tmp/", "--backend", "portable")])
def test_a_root_that_cannot_be_looked_at_is_a_misuse(arguments: tuple[str, ...]) -> None:
    done = command(*arguments, "SELECT 1")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--root" in done.stderr


MARK = "NobodyMayReadThis"
# The tables that look below a proc.
WHOLE = (
    "processes", "threads", "handles", "sockets", "listening_ports", "process_envs", "process_memory_map", "net_namespaces",
    "coverage", "port_ranges",
)  # fmt: skip


@pytest.fixture
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory beside the root, with files that all have a marker."""
    made = tmp_path_factory.mktemp("outside")
    for name in ("secret", "stat", "status", "7", "tcp", "6/stat", "6/status"):
        path = made / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"{MARK}=1\0")
    (made / "link").symlink_to(f"/{MARK}")
    (made / "0").symlink_to(f"/{MARK}")
    (made / "net").symlink_to("net:[4242]")
    return made


@pytest.fixture(params=["openat2", "step by step"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With openat2(2), and on a kernel that lacks it."""

    def lacking(*_: object) -> int:
        raise OSError(errno.ENOSYS, "")

    if request.param != "openat2":
        monkeypatch.setattr(calls, "openat2", lacking)


def everything(engine: Engine) -> str:
    """All rows of all tables that read below a proc, and all errors."""
    told = []
    for table in WHOLE:
        try:
            told.append(repr(engine.query(f"SELECT * FROM {table}")))
        except QueryError as error:
            told.append(str(error))
        told.append(repr(engine.query("SELECT * FROM scan_errors")))
    return "\n".join(told)


def replaced(path: Path, target: str | Path) -> None:
    """Put a link in the place of a file or directory."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(target)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("target", ["/proc", "../" * 20 + "proc"])
def test_a_proc_that_is_a_link_does_not_lead_out_of_the_root(target: str, tmp_path: Path) -> None:
    (tmp_path / "proc").symlink_to(target)
    engine = Engine(root=os.fspath(tmp_path))
    with pytest.raises(QueryError, match=rf"{tmp_path}/proc: "):
        engine.query("SELECT * FROM processes")
    with pytest.raises(QueryError, match="links"):
        engine.query("SELECT * FROM processes WHERE pid = 1")
    engine.close()


def test_a_proc_that_is_a_link_may_lead_elsewhere_below_the_root(fake: FakeRoot, engine: Engine) -> None:
    fake.process(6, "web")
    fake.proc.rename(fake.path / "kept")
    fake.proc.symlink_to("/kept")
    (fake.path / "kept" / ("9" * 20)).mkdir()  # which is no number of a process
    assert own(engine, "SELECT pid, name FROM processes") == [(6, "web")]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("environ", None),
        ("cmdline", "cmdline"),
        ("stat", "state, started"),
        ("status", "uid"),
        ("comm", "name"),
        ("cgroup", "cgroup_path"),
        ("io", "disk_bytes_read"),
        ("limits", "open_files_limit"),
    ],
)
def test_a_file_that_is_a_link_is_not_read(
    name: str, columns: str | None, fake: FakeRoot, engine: Engine, outside: Path
) -> None:
    directory = fake.process(6)
    fake.process(7)
    fake.write(
        "proc/7/limits", "Limit Soft Hard Units\nMax open files            1024                 4096                 files\n"
    )
    replaced(directory / name, outside / "secret")
    if columns is None:
        assert own(engine, "SELECT pid, key FROM process_envs") == [(7, "HOME"), (7, "PATH")]
    else:
        first, second = own(engine, f"SELECT pid, {columns} FROM processes ORDER BY pid")
        assert first == (6, *[None] * (len(first) - 1))
        assert None not in second
        assert own(engine, f"SELECT pid, {columns} FROM processes WHERE pid = 6") == [first]
    assert own(engine, "SELECT pid, errno FROM scan_errors WHERE source LIKE '/proc/PID/%'") == [(6, errno.ELOOP)]
    assert MARK not in everything(engine)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["", "fd", "fdinfo", "task", "task/6", "ns", "net", "attr"])
def test_a_directory_that_is_a_link_is_not_looked_into(name: str, fake: FakeRoot, engine: Engine, outside: Path) -> None:
    fake.process(6, fds={0: "/dev/null"})
    replaced(fake.proc / "6" / name, outside)
    told = everything(engine)
    assert MARK not in told
    assert "4242" not in told
    assert own(engine, "SELECT pid FROM processes") == [(6,)]


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", ["net", "net/tcp", "1", "1/net", "1/net/tcp", "stat", "1/mountinfo"])
def test_a_file_of_the_system_that_is_a_link_is_not_read(name: str, fake: FakeRoot, engine: Engine, outside: Path) -> None:
    fake.process(1)
    fake.write("proc/1/net/tcp", "  sl  local_address\n")
    replaced(fake.proc / name, outside / ("secret" if (fake.proc / name).is_file() else ""))
    assert MARK not in everything(engine)


def test_the_links_of_a_copy_are_told_and_lead_nowhere(fake: FakeRoot, engine: Engine, outside: Path) -> None:
    directory = fake.process(6, exe=f"{outside}/secret (deleted)", fds={3: f"{outside}/secret", 4: "socket:[7]"})
    replaced(directory / "cwd", outside)
    assert own(engine, "SELECT cwd FROM processes") == [(os.fspath(outside),)]
    assert own(engine, "SELECT fd, target FROM handles") == [(3, f"{outside}/secret"), (4, "socket:[7]")]
    assert MARK not in everything(engine)


PLACES = ["6/" + name for name in ("stat", "status", "cmdline", "comm", "io", "limits", "cgroup", "environ", "maps")]
PLACES += ["6/fd", "6/task", "6/fdinfo/0", "6/mountinfo", "1/mountinfo", "net/tcp", "1/net/tcp", "stat"]
PLACES += ["sys/net/ipv4/ip_local_port_range"]


@pytest.mark.parametrize("kind", ["a link to a device without end", "a FIFO", "a long file"])
def test_nothing_in_a_copy_blocks_or_is_read_without_end(kind: str, fake: FakeRoot) -> None:
    fake.process(1)
    fake.process(6, fds={0: "/dev/null"})
    for name in PLACES:
        replaced(fake.proc / name, "/dev/zero")
        if kind == "a FIFO":
            (fake.proc / name).unlink()
            os.mkfifo(fake.proc / name)
        elif kind == "a long file":
            (fake.proc / name).unlink()
            (fake.proc / name).touch()
            os.truncate(fake.proc / name, 1 << 40)
    script = "".join(
        f"SELECT pid, state, uid, cmdline, name, disk_bytes_read, open_files_limit, cgroup_path FROM processes WHERE pid = 6;"
        f"SELECT * FROM {table}; SELECT 'reached';"
        for table in ("threads", "handles", "sockets", "process_envs", "process_memory_map", "port_ranges")
    )
    arguments = ("--root", os.fspath(fake.path), "--timeout", "20", "--jsonl")
    done = command(*arguments, script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"reached"') == 6
    row = json.loads(done.stdout.splitlines()[0])
    assert row.pop("pid") == 6
    assert set(row.values()) == {None}


@pytest.mark.parametrize("kind", ["link", "FIFO", "long"])
def test_limits_of_control_groups_are_read_below_the_root_only(
    kind: str, fake: FakeRoot, engine: Engine, outside: Path
) -> None:
    fake.process(1)
    fake.process(6)
    fake.write("proc/1/mountinfo", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n")
    limit = fake.write("sys/fs/cgroup/user.slice/memory.max", "4096\n")
    assert own(engine, "SELECT memory_limit FROM processes WHERE pid = 6") == [(4096,)]
    (outside / "secret").write_text("8192")
    limit.unlink()
    if kind == "link":
        limit.symlink_to(outside / "secret")
    elif kind == "FIFO":
        os.mkfifo(limit)
    else:
        limit.touch()
        os.truncate(limit, 1 << 40)
    assert own(engine, "SELECT memory_limit FROM processes WHERE pid = 6") == [(None,)]
    # A link leads to nothing below the root, and where there is no such file there is no limit.
    assert bool(own(engine, "SELECT 1 FROM scan_errors")) == (kind != "link")
