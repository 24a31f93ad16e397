"""Another system's file system, mounted somewhere: a container seen from its host, the host seen from a container, a copy."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

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
