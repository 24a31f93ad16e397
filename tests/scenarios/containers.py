"""What the audits of the pack containers look for."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..conftest import FakeRoot
from ..fire import wait_until
from . import Rows, bad, harmless
from .health import gone
from .stage import Stage

ID = "0123456789abcdef" * 4
ALL = "000001ffffffffff"
# As Docker gives them.
USUAL = "00000000a80425fb"
KINDS = ("cgroup", "ipc", "mnt", "net", "pid", "user", "uts")


def process(fake: FakeRoot, pid: int, name: str, *, container: str | None = ID, **options: Any) -> int:
    """A process in a container of Docker's: `own` are the kinds of namespaces that are not the host's."""
    own = options.pop("own", ("cgroup", "ipc", "mnt", "net", "pid", "uts") if container else ())
    capabilities, seccomp = options.pop("capabilities", USUAL), options.pop("seccomp", 2)
    place = fake.process(pid, name, exe=options.pop("exe", f"/usr/bin/{name}"), **options)
    with open(place / "status", "a", encoding="ascii") as file:
        for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
            file.write(f"Cap{kind}:\t{capabilities if kind in ('Prm', 'Eff', 'Bnd') else '0' * 16}\n")
        file.write(f"NoNewPrivs:\t0\nSeccomp:\t{seccomp}\n")
    if container:
        fake.write(f"proc/{pid}/cgroup", f"0::/system.slice/docker-{container}.scope\n")
    (place / "ns").mkdir()
    for number, kind in enumerate(KINDS):
        os.symlink(f"{kind}:[{4026531830 + number + (1000 if kind in own else 0)}]", place / "ns" / kind)
    return pid


def machine(fake: FakeRoot) -> None:
    """The first process of the host, and a container that is in order."""
    process(fake, 1, "systemd", container=None, capabilities=ALL, seccomp=0)
    process(fake, 50, "nginx", container="f" * 64, own=KINDS, uid=1000)


@bad("container-shares-host-namespace", copy=True)
def _(fake: FakeRoot) -> Rows:
    machine(fake)
    process(fake, 60, "exporter", own=("cgroup", "ipc", "mnt", "uts"))
    process(fake, 61, "helper", own=("cgroup", "ipc", "mnt", "uts"))
    process(fake, 62, "kube-proxy", container="a" * 64, own=("cgroup", "ipc", "mnt", "pid", "uts"))
    process(fake, 63, "shell", container="b" * 64, own=("cgroup",))
    return [
        {"container": ID, "shared": "pid, network", "severity": "medium", "process": "exporter", "pid": 60, "processes": 2},
        {"container": "a" * 64, "shared": "network", "severity": "low", "process": "kube-proxy", "pid": 62, "processes": 1},
        {
            "container": "b" * 64,
            "shared": "mount, pid, network, ipc, uts",
            "severity": "high",
            "process": "shell",
            "pid": 63,
            "processes": 1,
        },
    ]


@harmless("container-shares-host-namespace", copy=True)
def _(fake: FakeRoot) -> None:
    machine(fake)
    # What starts a container is in its control group before it is in its namespaces; others of the host are in no container.
    process(fake, 60, "runc", own=())
    process(fake, 61, "sh")
    process(fake, 62, "sshd", container=None)


@bad("privileged-container", copy=True)
def _(fake: FakeRoot) -> Rows:
    machine(fake)
    process(fake, 60, "sh", capabilities=ALL, seccomp=0)
    return [{"container": ID, "runtime": "docker", "process": "sh", "pid": 60, "capabilities": 41, "user": "root"}]


@harmless("privileged-container", copy=True)
def _(fake: FakeRoot) -> None:
    machine(fake)
    process(fake, 60, "sh")
    process(fake, 61, "seccomp-off", seccomp=0)
    process(fake, 62, "filtered", capabilities=ALL)
    process(fake, 63, "rootless", capabilities=ALL, seccomp=0, own=KINDS)
    process(fake, 64, "runc", capabilities=ALL, seccomp=0, own=())
    process(fake, 65, "init", container=None, capabilities=ALL, seccomp=0, own=("mnt",))


@bad("container-process-outside", copy=True)
def _(fake: FakeRoot) -> Rows:
    machine(fake)
    process(fake, 60, "app")
    process(fake, 61, "sh", own=("cgroup", "net"))
    return [{"container": ID, "process": "sh", "pid": 61, "path": "/usr/bin/sh", "user": "root"}]


@harmless("container-process-outside", copy=True)
def _(fake: FakeRoot) -> None:
    machine(fake)
    process(fake, 60, "app")
    process(fake, 61, "runc:[2:INIT]", exe="/usr/bin/runc", own=())
    process(fake, 62, "sh", container=None)
    # All of this one is in the host's mounts: it never was anywhere else.
    process(fake, 63, "agent", container="b" * 64, own=("cgroup",))


@bad("container-as-host-root", copy=True)
def _(fake: FakeRoot) -> Rows:
    machine(fake)
    process(fake, 60, "app")
    process(fake, 61, "app")
    return [{"container": ID, "process": "app", "pid": 60, "processes": 2, "user": "root"}]


@harmless("container-as-host-root", copy=True)
def _(fake: FakeRoot) -> None:
    machine(fake)
    process(fake, 60, "app", uid=1000)
    process(fake, 61, "rootless", own=KINDS)
    process(fake, 62, "sshd", container=None)


@bad("container-without-seccomp", copy=True)
def _(fake: FakeRoot) -> Rows:
    machine(fake)
    process(fake, 60, "app", seccomp=0)
    return [{"container": ID, "process": "app", "pid": 60}]


@harmless("container-without-seccomp", copy=True)
def _(fake: FakeRoot) -> None:
    machine(fake)
    process(fake, 60, "app")
    process(fake, 61, "sshd", container=None, seccomp=0)


def serve(stage: Stage, path: str) -> int:
    """A process that listens there and takes what comes."""

    def start() -> None:
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen()

        def take() -> None:
            while True:
                stage.kept.append(listening.accept()[0])

        threading.Thread(target=take, daemon=True).start()

    return stage.process(start)


def call(stage: Stage, path: str) -> None:
    made = socket.socket(socket.AF_UNIX)
    made.connect(path)
    made.set_inheritable(True)
    stage.kept.append(made)


@bad("container-socket-holder")
def _(stage: Stage) -> Rows:
    serve(stage, "/opt/docker.sock")
    pid = stage.process(lambda: call(stage, "/opt/docker.sock"), exe="/srv/agent")
    return [{"socket": "/opt/docker.sock", "process": "agent", "pid": pid, "path": "/srv/agent", "connections": 1}]


def contained(stage: Stage, container: str) -> Callable[[], None]:
    """What brings a process into a control group of a container's name; the test is skipped where none can be made."""
    top = Path("/sys/fs/cgroup")
    made = [place / f"docker-{container}.scope" for place in (top / "unified", top / "systemd") if place.exists()]
    made = made or [top / f"docker-{container}.scope"]
    for directory in made:
        try:
            directory.mkdir()
        except OSError as error:
            pytest.skip(f"no control group can be made: {error}")
        stage.afterwards(lambda directory=directory: wait_until(lambda: gone(directory)))

    def enter() -> None:
        for directory in made:
            (directory / "cgroup.procs").write_text("0")

    return enter


@bad("container-socket-holder", runtimes="/srv/docker/*")
def _(stage: Stage) -> Rows:
    """In a container nobody is the runtime, whatever the program is called."""
    container = os.urandom(32).hex()
    enter = contained(stage, container)
    serve(stage, "/opt/docker.sock")
    pid = stage.process(lambda: (enter(), call(stage, "/opt/docker.sock")), exe="/srv/docker/client")
    stage.afterwards(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))
    return [
        {"severity": "high", "socket": "/opt/docker.sock", "pid": pid, "path": "/srv/docker/client", "container": container}
    ]


@harmless("container-socket-holder", runtimes="/srv/docker/*")
def _(stage: Stage) -> None:
    serve(stage, "/opt/docker.sock")
    serve(stage, "/opt/other.sock")
    stage.process(lambda: call(stage, "/opt/docker.sock"), exe="/srv/docker/client")
    stage.process(lambda: call(stage, "/opt/other.sock"), exe="/srv/agent")
