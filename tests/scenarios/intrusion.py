"""What the audits of the pack intrusion look for."""

from __future__ import annotations

import ctypes
import os
import platform
import shutil
import socket
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..fire import done, library, wait_until
from . import Rows, bad, harmless
from .stage import SHELL, WAITS, Stage

# A program that a package installed and that is no shell.
SLEEP = os.path.realpath(shutil.which("sleep") or "/bin/sleep")
PACKAGED_SHELL = os.path.realpath(SHELL)
HERE, ELSEWHERE = "198.51.100.7", "203.0.113.9"
BIND, RECURSIVE, DETACH = 0x1000, 0x4000, 2


def started(stage: Stage, path: str, argv: list[str], first: Callable[[], Any] = lambda: None) -> int:
    """Start a program as it is, by its real path, with a standard input in which nothing comes; its pid."""
    silent, its_end = os.pipe()
    stage.kept.append(its_end)
    pid = os.fork()
    if pid == 0:
        try:
            first()
            os.dup2(silent, 0)
            os.execve(path, argv, {"PATH": "/usr/bin:/bin"})
        finally:
            os._exit(1)
    before = os.readlink("/proc/self/exe")
    wait_until(lambda: os.readlink(f"/proc/{pid}/exe") != before)
    return pid


def sleeps(stage: Stage, first: Callable[[], Any]) -> int:
    """Start a packaged program that does nothing."""
    return started(stage, SLEEP, ["sleep", "1000"], first)


def from_memory(stage: Stage, name: str, first: Callable[[], Any] = lambda: None) -> int:
    """Start a shell from memory."""
    fd = os.memfd_create(name)
    with open(SHELL, "rb") as shell:
        os.write(fd, shell.read())
    return started(stage, f"/proc/self/fd/{fd}", [name, "-c", WAITS], first)


def empty(place: str) -> None:
    """Make a directory empty, in this mount namespace."""
    done(library().mount(b"tmpfs", place.encode(), b"tmpfs", 0, b"mode=755"))


def far(stage: Stage, port: int, own_port: int = 0) -> socket.socket:
    """A connection with another machine, in the process that calls this."""
    return stage.far(HERE, ELSEWHERE, port, own_port)


def inherited(fd: int) -> None:
    os.set_inheritable(fd, True)


# Listeners, by where they run from.


@bad("listener-of-deleted-program")
def _(stage: Stage) -> Rows:
    empty("/home")
    rows = []
    for exe, address, port, severity in (
        ("/srv/gone", "0.0.0.0", 4001, "high"),
        ("/srv/near", "127.0.0.1", 4002, "medium"),
        ("/opt/gone", "::", 4003, "medium"),
    ):
        pid = stage.process(lambda address=address, port=port: stage.listen(address, port), exe=exe)  # type: ignore[misc]
        os.unlink(exe)
        rows.append({"pid": pid, "path": exe, "address": address, "port": port, "severity": severity})
    return rows


@harmless("listener-of-deleted-program")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/srv/replaced")
    os.rename(shutil.copy(SHELL, "/srv/new"), "/srv/replaced")
    stage.process(lambda: stage.listen("0.0.0.0", 4002), exe="/srv/there")
    stage.process(exe="/srv/gone")
    os.unlink("/srv/gone")
    # One that has confined itself, and whose program was replaced since.
    confined(stage, lambda: stage.listen("0.0.0.0", 4003))
    # A client, whose port the kernel chose; what never was on disk.
    stage.process(lambda: stage.listen("0.0.0.0", 0, socket.SOCK_DGRAM), exe="/srv/client")
    os.unlink("/srv/client")
    from_memory(stage, "x", lambda: stage.listen("0.0.0.0", 4004))


def confined(stage: Stage, first: Callable[[], Any]) -> int:
    """Start a shell that has /usr as its root, from a file elsewhere, and replace that."""
    if not os.path.islink("/lib"):
        pytest.skip("/usr is no root: the libraries are elsewhere")
    stage.copy("/srv/confined")
    file = os.open("/srv/confined", os.O_RDONLY)

    def act() -> None:
        first()
        os.chroot("/usr")
        os.chdir("/")
        os.execve(file, ["confined", "-c", WAITS], {})

    pid = stage.process(act, exe="/srv/confined")
    os.close(file)
    os.rename(shutil.copy(SHELL, "/srv/new"), "/srv/confined")
    return pid


@bad("listener-in-temporary-directory")
def _(stage: Stage) -> Rows:
    empty("/dev/shm")
    pid = stage.process(lambda: stage.listen("0.0.0.0", 4001, socket.SOCK_DGRAM), exe="/dev/shm/d/tool")
    return [{"pid": pid, "program": "/dev/shm/d/tool", "protocol": "udp", "port": 4001, "severity": "high", "process": "tool"}]


@bad("listener-in-temporary-directory")
def _(stage: Stage) -> Rows:
    empty("/dev/shm")
    stage.copy("/opt/bin/python3")
    for name in ("absolute.py", "relative.py"):
        Path("/dev/shm", name).write_text(WAITS)
    absolute = started(stage, "/opt/bin/python3", ["python3", "/dev/shm/absolute.py"], lambda: stage.listen("::", 4001))

    def there() -> None:
        stage.listen("127.0.0.1", 4002)
        os.chdir("/dev/shm")

    relative = started(stage, "/opt/bin/python3", ["python3", "relative.py"], there)
    return [
        {"pid": absolute, "program": "/dev/shm/absolute.py", "path": "/opt/bin/python3", "severity": "high"},
        {"pid": relative, "program": "/dev/shm/relative.py", "path": "/opt/bin/python3", "severity": "medium"},
    ]


def mounted(stage: Stage, is_mounted: bool) -> str:
    """The path of a program in what looks like an AppImage's mount, or is a mount of its own."""
    place = tempfile.mkdtemp(prefix=".mount_", dir="/tmp")
    stage.afterwards(lambda: shutil.rmtree(place, ignore_errors=True))
    if is_mounted:
        empty(place)
        stage.afterwards(lambda: library().umount2(place.encode(), DETACH))
    return f"{place}/tool"


@bad("listener-in-temporary-directory")
@bad("listener-in-hidden-directory")
def _(stage: Stage) -> Rows:
    image, posing, gone = mounted(stage, True), mounted(stage, False), mounted(stage, True)
    rows = []
    for number, (path, severity) in enumerate({image: "low", posing: "high", gone: "high"}.items(), 4001):
        pid = stage.process(lambda number=number: stage.listen("0.0.0.0", number), exe=path)  # type: ignore[misc]
        rows.append({"pid": pid, "path": path, "port": number, "severity": severity})
    os.unlink(gone)
    return rows


@bad("listener-in-temporary-directory")
def _(stage: Stage) -> Rows:
    """What `go run` has built and started, and what is only called so."""
    place = tempfile.mkdtemp(prefix="go-build1", dir="/tmp")
    stage.afterwards(lambda: shutil.rmtree(place, ignore_errors=True))
    program = f"{place}/b001/exe/main"
    stage.copy(program)
    stage.copy("/opt/bin/go")
    # A shell that does what is told starts what it is to run.
    script = f"{program} -c '{WAITS}' & {WAITS}"
    go = started(stage, "/opt/bin/go", ["go", "-c", script], lambda: stage.listen("0.0.0.0", 4001))
    children = Path(f"/proc/{go}/task/{go}/children")
    wait_until(lambda: any(os.readlink(f"/proc/{pid}/exe") == program for pid in children.read_text().split()))
    posing = stage.process(lambda: stage.listen("0.0.0.0", 4002), exe=program)
    return [
        {"pid": int(children.read_text()), "path": program, "port": 4001, "severity": "low"},
        {"pid": posing, "path": program, "port": 4002, "severity": "high"},
    ]


@bad("listener-in-temporary-directory", directories="/opt/t/, /opt/u")
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/u/tool")
    stage.process(lambda: stage.listen("0.0.0.0", 4002), exe="/opt/under/tool")
    return [{"pid": pid, "program": "/opt/u/tool"}]


@harmless("listener-in-temporary-directory")
def _(stage: Stage) -> None:
    empty("/dev/shm")
    stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/tmp/tool", argv=["/dev/shm/data"])
    stage.process(exe="/dev/shm/quiet")
    stage.process(lambda: stage.listen("0.0.0.0", 0, socket.SOCK_DGRAM), exe="/dev/shm/client")
    Path("/opt/script").write_text(WAITS)
    stage.copy("/opt/bin/python3")
    started(stage, "/opt/bin/python3", ["python3", "/opt/script", "/dev/shm/data"], lambda: stage.listen("0.0.0.0", 4002))

    def there() -> None:
        stage.listen("0.0.0.0", 4003)
        os.chdir("/dev/shm")

    started(stage, "/opt/bin/python3", ["python3", "-c", WAITS], there)


@bad("listener-in-hidden-directory")
def _(stage: Stage) -> Rows:
    empty("/home")
    rows = []
    for number, (path, severity) in enumerate(
        {
            "/opt/.x/tool": "high",
            "/srv/...": "high",
            "/home/u/.secret/tool": "medium",
            "/home/u/.cache/.x/tool": "medium",
            "/home/u/.local/share/tool": "low",
        }.items(),
        4001,
    ):
        pid = stage.process(lambda number=number: stage.listen("127.0.0.1", number), exe=path)  # type: ignore[misc]
        rows.append({"pid": pid, "path": path, "port": number, "severity": severity})
    return rows


@harmless("listener-in-hidden-directory")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/x.d/tool.bin")
    stage.process(exe="/opt/.x/quiet")
    stage.process(lambda: stage.listen("0.0.0.0", 0, socket.SOCK_DGRAM), exe="/opt/.x/client")


@bad("listener-in-writable-directory")
def _(stage: Stage) -> Rows:
    rows = []
    for number, (exe, writable, mode) in enumerate(
        (
            ("/opt/file/tool", "/opt/file/tool", 0o757),
            ("/opt/sticky/tool", "/opt/sticky/tool", 0o1757),
            ("/opt/wide/bin/tool", "/opt/wide", 0o777),
            ("/opt/narrow/bin/tool", "/opt/narrow", 0o776),
        ),
        4001,
    ):
        stage.copy(exe)
        os.chmod(writable, mode)
        pid = stage.process(lambda number=number: stage.listen("0.0.0.0", number), exe=exe)  # type: ignore[misc]
        told = {"path": exe, "writable": writable, "mode": f"{mode:04o}", "port": number, "severity": "high"}
        rows.append({"pid": pid, **told})
    return rows


@bad("listener-in-writable-directory")
def _(stage: Stage) -> Rows:
    stage.copy("/opt/wide/tool")
    os.chmod("/opt/wide", 0o777)
    pid = stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/wide/tool", uid=65534)
    return [{"pid": pid, "writable": "/opt/wide", "severity": "medium"}]


@harmless("listener-in-writable-directory")
def _(stage: Stage) -> None:
    stage.copy("/opt/sticky/tool")
    os.chmod("/opt/sticky", 0o3777)
    stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/sticky/tool")
    stage.copy("/opt/group/tool")
    os.chmod("/opt/group", 0o775)
    os.makedirs("/opt/group/wide", exist_ok=True)
    os.chmod("/opt/group/wide", 0o777)
    stage.process(lambda: stage.listen("0.0.0.0", 4002), exe="/opt/group/tool")
    stage.process(exe="/opt/group/wide/tool")


# Programs that are not on disk.


@bad("program-in-memory")
def _(stage: Stage) -> Rows:
    pid = from_memory(stage, "x")
    posing = from_memory(stage, "runc_cloned:/proc/self/exe")
    return [
        {"pid": pid, "path": "/memfd:x", "severity": "high", "parent_pid": os.getpid()},
        {"pid": posing, "path": "/memfd:runc_cloned:/proc/self/exe", "severity": "high", "parent_pid": os.getpid()},
    ]


@bad("program-in-memory", runtimes="/opt/other," + os.path.realpath("/proc/self/exe"))
def _(stage: Stage) -> Rows:
    return [{"pid": from_memory(stage, "runc"), "severity": "info"}]


@harmless("program-in-memory")
def _(stage: Stage) -> None:
    stage.process(lambda: inherited(os.memfd_create("data")), exe="/opt/memfd:x/tool")
    stage.process(exe="/opt/memfd:y")
    os.unlink("/opt/memfd:y")
    stage.process(exe="/opt/gone")
    os.unlink("/opt/gone")


@bad("connection-of-deleted-program")
def _(stage: Stage) -> Rows:
    stage.address(f"{HERE}/32")
    rows = []
    for exe, port, severity in (("/srv/gone", 443, "high"), ("/opt/gone", 8443, "medium")):
        pid = stage.process(lambda port=port: far(stage, port), exe=exe)  # type: ignore[misc]
        os.unlink(exe)
        rows.append({"pid": pid, "path": exe, "remote_address": ELSEWHERE, "remote_port": port, "severity": severity})
    return rows


@harmless("connection-of-deleted-program")
def _(stage: Stage) -> None:
    stage.address(f"{HERE}/32")
    stage.process(lambda: far(stage, 443), exe="/srv/there")
    confined(stage, lambda: far(stage, 4003))
    server = stage.listen("127.0.0.1", 4001)

    def accepted() -> None:
        stage.listen(HERE, 4002)
        far(stage, 40000, 4002)
        stage.connect(*server.getsockname())

    stage.process(accepted, exe="/srv/server")
    os.unlink("/srv/server")


# Shells.


@bad("reverse-shell")
def _(stage: Stage) -> Rows:
    stage.address(f"{HERE}/32")

    def onto(*streams: int, port: int) -> Callable[[], None]:
        def act() -> None:
            connection = far(stage, port)
            for stream in streams:
                os.dup2(connection.fileno(), stream)

        return act

    both = far(stage, 4001)
    shell = stage.process(lambda: os.dup2(both.fileno(), 1), exe="/opt/bin/bash", stdin=both.fileno())
    entry = far(stage, 4002)
    blind = stage.process(exe="/opt/bin/zsh", stdin=entry.fileno())
    told = stage.process(onto(1, port=4003), exe="/opt/bin/dash")
    other = far(stage, 4004)
    python = stage.process(lambda: os.dup2(other.fileno(), 1), exe="/opt/bin/python3.12", stdin=other.fileno())
    copied = far(stage, 4005)
    into, out_of = far(stage, 4006), far(stage, 4007)
    pair = stage.process(lambda: os.dup2(out_of.fileno(), 1), exe="/opt/bin/ksh", stdin=into.fileno())
    program = stage.process(lambda: os.dup2(copied.fileno(), 1), exe="/opt/bin/update", stdin=copied.fileno())
    return [
        {"pid": shell, "remote_address": ELSEWHERE, "remote_port": 4001, "stream": "input and output", "severity": "critical"},
        {"pid": blind, "remote_address": ELSEWHERE, "remote_port": 4002, "stream": "input", "severity": "critical"},
        {"pid": told, "remote_address": ELSEWHERE, "remote_port": 4003, "stream": "output", "severity": "critical"},
        {"pid": python, "remote_address": ELSEWHERE, "remote_port": 4004, "stream": "input and output", "severity": "critical"},
        {"pid": pair, "remote_address": ELSEWHERE, "remote_port": 4006, "stream": "input", "severity": "critical"},
        {"pid": pair, "remote_address": ELSEWHERE, "remote_port": 4007, "stream": "output", "severity": "critical"},
        {"pid": program, "remote_address": ELSEWHERE, "remote_port": 4005, "stream": "input and output", "severity": "high"},
    ]


@bad("reverse-shell", servers="/opt/other," + os.path.realpath("/proc/self/exe"))
def _(stage: Stage) -> Rows:
    """As a server does that starts a shell for each connection: the tests are this server."""
    server = stage.listen("127.0.0.1", 4001)
    client = stage.connect("127.0.0.1", 4001)
    connection, _ = server.accept()
    stage.kept.append(connection)
    pid = stage.process(lambda: os.dup2(connection.fileno(), 1), exe="/opt/bin/bash", stdin=connection.fileno())
    return [{"pid": pid, "local_port": 4001, "remote_port": client.getsockname()[1], "severity": "low"}]


@bad("reverse-shell")
def _(stage: Stage) -> Rows:
    """A bind shell: what listened is not known for doing so."""
    server = stage.listen("127.0.0.1", 4001)
    client = stage.connect("127.0.0.1", 4001)
    connection, _ = server.accept()
    stage.kept.append(connection)
    pid = stage.process(lambda: os.dup2(connection.fileno(), 1), exe="/opt/bin/bash", stdin=connection.fileno())
    return [{"pid": pid, "local_port": 4001, "remote_port": client.getsockname()[1], "severity": "critical"}]


@harmless("reverse-shell")
def _(stage: Stage) -> None:
    stage.address(f"{HERE}/32")
    # The connection is no standard stream; a stream is a unix socket, a listener; an interpreter has it as one stream only.
    stage.process(lambda: far(stage, 4001), exe="/opt/bin/dash")
    one, other = socket.socketpair()
    stage.kept += [one, other]
    stage.process(lambda: os.dup2(one.fileno(), 1), exe="/opt/bin/zsh", stdin=one.fileno())
    stage.process(exe="/opt/bin/dash", stdin=stage.listen("127.0.0.1", 4002).fileno())
    stage.process(exe="/opt/bin/python3", stdin=far(stage, 4003).fileno())


@bad("reverse-shell")
def _(stage: Stage) -> Rows:
    """It connects by itself (/dev/tcp), and what it has as a stream is no connection; what it starts inherits it."""
    stage.address(f"{HERE}/32")

    stage.copy("/opt/bin/cat")

    def own() -> None:
        connection = far(stage, 4001)
        if os.fork() == 0:
            os.dup2(connection.fileno(), 0)
            os.execve("/opt/bin/cat", ["cat", "-c", WAITS], {})

    pid = stage.process(own, exe="/opt/bin/bash")
    return [{"pid": pid, "remote_address": ELSEWHERE, "remote_port": 4001, "stream": _lowest(pid), "severity": "medium"}]


def _lowest(pid: int) -> str:
    fds = [int(fd) for fd in os.listdir(f"/proc/{pid}/fd") if os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")]
    return f"descriptor {min(fds)}"


@harmless("reverse-shell")
def _(stage: Stage) -> None:
    """It inherited the connection of a server or client that started it; it was connected with; the other end is here."""
    stage.address(f"{HERE}/32")
    far(stage, 4001)
    stage.process(exe="/opt/bin/bash")

    def answered() -> None:
        stage.listen(HERE, 4002)
        far(stage, 40000, 4002)
        stage.connect(*stage.listen("127.0.0.1", 4003).getsockname())

    stage.process(answered, exe="/opt/bin/zsh")


def _talks(stage: Stage, through: bool) -> tuple[int, int]:
    """A shell and a tool that is connected, each the other's standard input and output; through a third one, if told."""
    to_tool, from_tool, to_shell = os.pipe(), os.pipe(), os.pipe()

    def tool() -> None:
        far(stage, 4001)
        os.dup2(from_tool[1], 1)

    tool_pid = stage.process(tool, exe="/opt/bin/nc", stdin=to_tool[0])
    if through:
        stage.process(lambda: os.dup2(to_shell[1], 1), exe="/opt/bin/cat", stdin=from_tool[0])
    source = to_shell[0] if through else from_tool[0]
    shell = stage.process(lambda: os.dup2(to_tool[1], 1), exe="/opt/bin/sh", stdin=source)
    for fd in (*to_tool, *from_tool, *to_shell):
        os.close(fd)
    return shell, tool_pid


@bad("piped-reverse-shell")
def _(stage: Stage) -> Rows:
    stage.address(f"{HERE}/32")
    shell, tool = _talks(stage, through=False)
    return [{"pid": shell, "tool_pid": tool, "tool": "nc", "remote_address": ELSEWHERE, "remote_port": 4001}]


@bad("piped-reverse-shell")
def _(stage: Stage) -> Rows:
    stage.address(f"{HERE}/32")
    shell, tool = _talks(stage, through=True)
    return [{"pid": shell, "tool_pid": tool, "tool": "nc", "remote_address": ELSEWHERE, "remote_port": 4001}]


@bad("piped-reverse-shell")
def _(stage: Stage) -> Rows:
    """By a terminal that the tool has made: `socat tcp:… exec:sh,pty,setsid,ctty`."""
    stage.address(f"{HERE}/32")
    stage.copy("/opt/bin/socat")
    stage.copy("/opt/bin/sh")
    master, slave = os.openpty()

    def tool() -> None:
        if os.fork() == 0:
            os.close(master)
            os.login_tty(slave)
            os.execve("/opt/bin/sh", ["sh", "-c", WAITS], {})
        os.close(slave)
        far(stage, 4001)
        inherited(master)

    socat = started(stage, "/opt/bin/socat", ["socat", "-c", WAITS], tool)
    children = Path(f"/proc/{socat}/task/{socat}/children")
    wait_until(lambda: any(os.readlink(f"/proc/{pid}/exe") == "/opt/bin/sh" for pid in children.read_text().split()))
    os.close(master)
    os.close(slave)
    return [{"pid": int(children.read_text()), "tool_pid": socat, "remote_address": ELSEWHERE, "remote_port": 4001}]


@harmless("piped-reverse-shell")
def _(stage: Stage) -> None:
    """nc | sh | other: what the shell says does not go out."""
    stage.address(f"{HERE}/32")
    from_tool, to_other = os.pipe(), os.pipe()

    def tool() -> None:
        far(stage, 4001)
        os.dup2(from_tool[1], 1)

    stage.process(tool, exe="/opt/bin/nc")
    stage.process(lambda: os.dup2(to_other[1], 1), exe="/opt/bin/sh", stdin=from_tool[0])
    stage.process(exe="/opt/bin/other", stdin=to_other[0])
    for fd in (*from_tool, *to_other):
        os.close(fd)


@harmless("piped-reverse-shell")
def _(stage: Stage) -> None:
    """sh | nc: what the tool gets from elsewhere does not come back."""
    stage.address(f"{HERE}/32")
    reader, writer = os.pipe()
    stage.process(lambda: far(stage, 4001), exe="/opt/bin/nc", stdin=reader)
    stage.process(lambda: os.dup2(writer, 1), exe="/opt/bin/sh")
    os.close(reader)
    os.close(writer)


# Packets.


def _packets(promiscuous: bool) -> Callable[[], None]:
    def act() -> None:
        made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        made.bind(("lo", 3))
        # linux/if_packet.h: SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC or PACKET_MR_ALLMULTI
        made.setsockopt(263, 1, struct.pack("iHH8x", 1, 1 if promiscuous else 2, 0))
        inherited(made.detach())

    return act


def _raw() -> None:
    inherited(socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).detach())


@bad("promiscuous-socket")
def _(stage: Stage) -> Rows:
    own = stage.process(_packets(True), exe="/opt/bin/tool")
    script = stage.process(_packets(True))
    packaged = sleeps(stage, _packets(True))
    return [
        {"pid": own, "path": "/opt/bin/tool", "interface": "lo", "severity": "high"},
        {"pid": script, "path": os.readlink("/proc/self/exe"), "interface": "lo", "severity": "high"},
        {"pid": packaged, "path": SLEEP, "interface": "lo", "severity": "medium"},
    ]


@harmless("promiscuous-socket")
def _(stage: Stage) -> None:
    stage.process(_packets(False), exe="/opt/bin/tool")


@bad("raw-socket")
def _(stage: Stage) -> Rows:
    raw = stage.process(_raw, exe="/opt/bin/tool")
    packet = stage.process(_packets(False), exe="/opt/bin/other")
    script = stage.process(_raw)
    return [
        {"pid": raw, "path": "/opt/bin/tool", "protocol": "raw", "subprotocol": "icmp", "severity": "medium"},
        {"pid": packet, "path": "/opt/bin/other", "protocol": "packet", "subprotocol": "all", "severity": "medium"},
        {"pid": script, "path": os.readlink("/proc/self/exe"), "protocol": "raw", "subprotocol": "icmp", "severity": "medium"},
    ]


def _script(stage: Stage, first: Callable[[], None]) -> int:
    """Start a script whose interpreter is a package's."""
    if not os.path.exists("/usr/bin/perl"):
        pytest.skip("no interpreter of a package is there")
    return started(stage, os.path.realpath("/usr/bin/perl"), ["perl", "-e", "sleep 1000 while 1"], first)


@bad("raw-socket")
def _(stage: Stage) -> Rows:
    return [{"pid": _script(stage, _raw), "severity": "medium"}]


@bad("promiscuous-socket")
def _(stage: Stage) -> Rows:
    return [{"pid": _script(stage, _packets(True)), "severity": "high"}]


@harmless("raw-socket")
def _(stage: Stage) -> None:
    sleeps(stage, _raw)
    sleeps(stage, _packets(False))
    stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/bin/tool")


# What programs pretend to be, and what is pushed into them.


@bad("kernel-thread-impostor")
def _(stage: Stage) -> Rows:
    def unnamed() -> None:
        silent, its_end = os.pipe()
        os.dup2(silent, 0)
        inherited(its_end)
        library().execve(b"/opt/bin/nameless", (ctypes.c_char_p * 2)(b"", None), (ctypes.c_char_p * 1)(None))

    title = stage.process(exe="/opt/bin/tool", name="[kworker/0:1]")
    padded = stage.process(exe="/opt/bin/padded", name="[kworker/0:3]\u00a0\t")
    plain = stage.process(exe="/opt/bin/plain", name="kworker/0:4-events")
    stage.copy("/opt/bin/nameless")
    nameless = started(stage, "/opt/bin/nameless", ["nameless"], unnamed)
    spaced = stage.process(exe="/opt/bin/other", name="[kworker/u4:0 ]")
    name = stage.process(name="kworker/0:2")
    called = stage.process(name="[my thread]")
    file = stage.process(exe="/opt/bin/kthreadd")
    return [
        {"pid": title, "process": "tool", "shown": "[kworker/0:1]", "path": "/opt/bin/tool"},
        {"pid": padded, "process": "padded", "shown": "[kworker/0:3]", "path": "/opt/bin/padded"},
        {"pid": plain, "process": "plain", "shown": "kworker/0:4-events", "path": "/opt/bin/plain"},
        {"pid": nameless, "process": "nameless", "shown": "[nameless]", "path": "/opt/bin/nameless"},
        {"pid": spaced, "process": "other", "shown": "[kworker/u4:0 ]", "path": "/opt/bin/other"},
        {"pid": called, "process": "[my thread]", "shown": "[my thread]", "path": os.readlink("/proc/self/exe")},
        {"pid": name, "process": "kworker/0:2", "shown": "kworker/0:2", "path": os.readlink("/proc/self/exe")},
        {"pid": file, "process": "kthreadd", "shown": "kthreadd", "path": "/opt/bin/kthreadd"},
    ]


@harmless("kernel-thread-impostor")
def _(stage: Stage) -> None:
    stage.process(exe="/opt/bin/celery", name="[celeryd: worker@host:ForkPoolWorker-1]")
    stage.process(exe="/opt/bin/[")
    stage.process(exe="/opt/bin/tool", name="tool [main]", argv=["[kworker/0:1]"])


@bad("preloaded-library")
def _(stage: Stage) -> Rows:
    def start(path: str, **env: str) -> int:
        return stage.process(exe=path, env={"PATH": "/usr/bin:/bin", **env})

    several = start("/opt/bin/a", LD_PRELOAD="/dev/shm/no.so:/usr/lib/no.so libno.so", LD_LIBRARY_PATH="/opt/lib:/tmp/no")
    hidden = start("/opt/bin/b", LD_AUDIT="/opt/.x/no.so")
    again = [start("/opt/bin/c", LD_PRELOAD="./no.so") for _ in range(2)]
    elsewhere = start("/opt/bin/d", LD_PRELOAD="/opt/lib/no.so:/home/u/.local/no.so")
    roundabout = start("/opt/bin/e", LD_PRELOAD="//tmp/no.so /usr/lib/../../dev/shm/a.so")
    os.makedirs("/opt/.y")
    Path("/opt/.y/libfound.so").touch()
    searched = start("/opt/bin/f", LD_PRELOAD="libfound.so", LD_LIBRARY_PATH="/opt/.y")

    def row(pid: int, severity: str, variable: str, library: str, processes: int = 1) -> dict[str, Any]:
        return {"pid": pid, "severity": severity, "variable": variable, "library": library, "processes": processes}

    return [
        row(several, "high", "LD_PRELOAD", "/dev/shm/no.so"),
        row(several, "info", "LD_PRELOAD", "/usr/lib/no.so"),
        row(several, "info", "LD_PRELOAD", "libno.so"),
        row(several, "low", "LD_LIBRARY_PATH", "/tmp/no"),
        row(hidden, "high", "LD_AUDIT", "/opt/.x/no.so"),
        row(min(again), "medium", "LD_PRELOAD", "./no.so", 2),
        row(elsewhere, "low", "LD_PRELOAD", "/opt/lib/no.so"),
        row(elsewhere, "low", "LD_PRELOAD", "/home/u/.local/no.so"),
        row(roundabout, "high", "LD_PRELOAD", "//tmp/no.so"),
        row(roundabout, "high", "LD_PRELOAD", "/usr/lib/../../dev/shm/a.so"),
        row(searched, "high", "LD_PRELOAD", "libfound.so"),
        row(searched, "low", "LD_LIBRARY_PATH", "/opt/.y"),
    ]


@harmless("preloaded-library")
def _(stage: Stage) -> None:
    env = {"LD_PRELOAD": "", "LD_LIBRARY_PATH": "/opt/lib:", "MY_LD_PRELOAD": "/tmp/no.so"}
    stage.process(exe="/opt/bin/tool", env=env, argv=["LD_PRELOAD=/tmp/no.so"])


def _own_etc() -> Path:
    """Have an /etc that may be written to, in this mount namespace; the path of the file."""
    os.mkdir("/opt/etc")
    for name in ("passwd", "group", "nsswitch.conf", "services", "ld.so.cache"):
        if os.path.exists(f"/etc/{name}"):
            shutil.copy(f"/etc/{name}", f"/opt/etc/{name}")
    done(library().mount(b"/opt/etc", b"/etc", None, BIND, None))
    return Path("/etc/ld.so.preload")


@bad("preload-file")
def _(stage: Stage) -> Rows:
    file = _own_etc()
    # ld.so takes what follows the sign for a remark.
    file.write_text("# no library\n")
    stage.process()
    return [{"path": "/etc/ld.so.preload", "size": 13, "container": None, "uid": os.geteuid()}]


@bad("preload-file")
def _(stage: Stage) -> Rows:
    """Of a root of its own, as a container has."""
    os.makedirs("/opt/root/etc")
    Path("/opt/root/etc/ld.so.preload").write_text("# no library\n")
    pid = stage.process(lambda: os.chroot("/opt/root"))
    return [{"path": "/etc/ld.so.preload", "size": 13, "pid": pid}]


@harmless("preload-file")
def _(stage: Stage) -> None:
    _own_etc().write_text("")
    stage.process()


@bad("traced-process")
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: done(library().ptrace(0, 0, None, None)), name="victim")
    return [
        {
            "pid": pid,
            "process": "victim",
            "tracer_pid": os.getpid(),
            "tracer_path": os.readlink("/proc/self/exe"),
            "severity": "medium",
        }
    ]


@harmless("traced-process")
def _(stage: Stage) -> None:
    stage.process(name="gdb")


# Miners and tools.


@bad("miner-connection")
def _(stage: Stage) -> Rows:
    stage.address(f"{HERE}/32")
    pid = stage.process(lambda: [far(stage, 3333) for _ in range(2)], exe="/opt/bin/tool")
    near = stage.process(lambda: stage.far(HERE, "172.20.0.9", 4444), exe="/opt/bin/other")

    def asks() -> None:
        made = socket.socket()
        made.setblocking(False)
        made.connect_ex((ELSEWHERE, 14444))
        inherited(made.detach())

    asking = stage.process(asks, exe="/opt/bin/tool")
    return [
        {"pid": pid, "remote_address": ELSEWHERE, "remote_port": 3333, "connections": 2, "severity": "medium"},
        {"pid": asking, "remote_address": ELSEWHERE, "remote_port": 14444, "connections": 1, "severity": "medium"},
        {"pid": near, "remote_address": "172.20.0.9", "remote_port": 4444, "connections": 1, "severity": "low"},
    ]


@bad("miner-connection", ports="80, 4711")
def _(stage: Stage) -> Rows:
    stage.address(f"{HERE}/32")
    pid = stage.process(lambda: (far(stage, 4711), far(stage, 3333)), exe="/opt/bin/tool")
    return [{"pid": pid, "remote_port": 4711}]


@harmless("miner-connection")
def _(stage: Stage) -> None:
    stage.address(f"{HERE}/32")

    def act() -> None:
        far(stage, 443)
        stage.listen(HERE, 4001)
        far(stage, 33333, 4001)
        stage.connect(*stage.listen("127.0.0.1", 3333).getsockname())

    stage.process(act, exe="/opt/bin/tool")


@bad("miner-process")
def _(stage: Stage) -> Rows:
    file = stage.process(exe="/opt/bin/xmrig")
    name = stage.process(name="kdevtmpfsi")
    pool = stage.process(exe="/opt/bin/tool", argv=["-o", "stratum+tcp://pool.example:3333"])
    donor = stage.process(exe="/opt/bin/tool", argv=["--donate-level=1"])
    glued = stage.process(exe="/opt/bin/tool", argv=["--url=stratum+ssl://pool.example:443"])
    return [
        *({"pid": pid, "evidence": "its name is that of a miner"} for pid in (file, name)),
        *({"pid": pid, "evidence": "its arguments are those of a miner"} for pid in (pool, glued, donor)),
    ]


@harmless("miner-process")
def _(stage: Stage) -> None:
    stage.process(exe="/opt/bin/tool", argv=["stratum", "https://pool.example/?stratum+tcp://"])
    stage.process(exe="/opt/xmrig/tool")


@bad("network-tool-listening")
def _(stage: Stage) -> Rows:
    netcat = stage.process(lambda: stage.listen("0.0.0.0", 4001), exe="/opt/bin/nc.traditional")
    python = stage.process(lambda: stage.listen("::", 4002), exe="/opt/bin/python3.12", argv=["-m", "http.server"])
    box = stage.process(lambda: stage.listen("0.0.0.0", 4003), exe="/opt/bin/busybox", name="nc")
    php = stage.process(lambda: stage.listen("0.0.0.0", 4004), exe="/opt/bin/php8.2", argv=["-S", "0.0.0.0:4004"])
    glued = stage.process(lambda: stage.listen("0.0.0.0", 4005), exe="/opt/bin/python3", argv=["-mhttp.server"])
    web = stage.process(lambda: stage.listen("0.0.0.0", 4006), exe="/opt/bin/busybox2", name="/bin/httpd")
    tls = stage.process(lambda: stage.listen("0.0.0.0", 4007), exe="/opt/bin/openssl", argv=["s_server"])
    ruby = stage.process(lambda: stage.listen("0.0.0.0", 4008), exe="/opt/bin/ruby3.1", argv=["-run", "-e", "httpd"])
    return [
        {"pid": glued, "port": 4005, "tool": "the web server of Python", "scope": "all", "severity": "medium"},
        {"pid": web, "port": 4006, "tool": "busybox2 as a server", "scope": "all", "severity": "medium"},
        {"pid": tls, "port": 4007, "tool": "the test server of OpenSSL", "scope": "all", "severity": "medium"},
        {"pid": ruby, "port": 4008, "tool": "the web server of Ruby", "scope": "all", "severity": "medium"},
        {"pid": netcat, "port": 4001, "tool": "nc.traditional", "scope": "all", "severity": "medium"},
        {"pid": python, "port": 4002, "tool": "the web server of Python", "scope": "all", "severity": "medium"},
        {"pid": box, "port": 4003, "tool": "busybox as a server", "scope": "all", "severity": "medium"},
        {"pid": php, "port": 4004, "tool": "the web server of PHP", "scope": "all", "severity": "medium"},
    ]


@harmless("network-tool-listening")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen("127.0.0.1", 4001), exe="/opt/bin/socat")
    stage.process(exe="/opt/bin/ncat")
    stage.process(lambda: stage.listen("0.0.0.0", 4002), exe="/opt/bin/python3", argv=["-m", "other.server"])
    stage.process(lambda: stage.listen("0.0.0.0", 4003), exe="/opt/nc/server", argv=["nc", "-m", "http.server"])


# What is below the system.


def _own_dev() -> None:
    """Have a /dev with a /dev/mem that is a device, though not that one, in this mount namespace."""
    os.mkdir("/opt/dev")
    for name, device in {"mem": "zero", "null": "null", "zero": "zero", "urandom": "urandom", "random": "random"}.items():
        Path("/opt/dev", name).touch()
        done(library().mount(f"/dev/{device}".encode(), f"/opt/dev/{name}".encode(), None, BIND, None))
    done(library().mount(b"/opt/dev", b"/dev", None, BIND | RECURSIVE, None))


@bad("open-kernel-memory")
def _(stage: Stage) -> Rows:
    _own_dev()
    written = stage.process(lambda: inherited(os.open("/dev/mem", os.O_RDWR)), exe="/opt/bin/tool")
    read = sleeps(stage, lambda: inherited(os.open("/dev/mem", os.O_RDONLY)))
    changing = sleeps(stage, lambda: inherited(os.open("/dev/mem", os.O_RDWR)))
    return [
        {"pid": written, "file": "/dev/mem", "access": "rw", "severity": "high", "path": "/opt/bin/tool"},
        {"pid": read, "file": "/dev/mem", "access": "r", "severity": "medium", "path": SLEEP},
        {"pid": changing, "file": "/dev/mem", "access": "rw", "severity": "high", "path": SLEEP},
    ]


@harmless("open-kernel-memory")
def _(stage: Stage) -> None:
    _own_dev()
    Path("/opt/mem").touch()
    names = ("/dev/zero", "/dev/random", "/opt/mem", "/proc/self/mem")
    stage.process(lambda: [inherited(os.open(name, os.O_RDONLY)) for name in names], exe="/opt/bin/tool")


def _disk() -> str:
    """A disk without anything in it."""
    path = "/opt/disk"
    try:
        os.mknod(path, 0o60600, os.makedev(7, 7))
        os.close(os.open(path, os.O_RDWR))
    except OSError as error:
        pytest.skip(f"no loop device can be opened: {error}")
    return path


@bad("raw-disk-open")
def _(stage: Stage) -> Rows:
    disk = _disk()
    own = stage.process(lambda: inherited(os.open(disk, os.O_RDWR)), exe="/opt/bin/tool")
    packaged = sleeps(stage, lambda: inherited(os.open(disk, os.O_WRONLY)))
    return [
        {"pid": own, "file": disk, "device": "7:7", "severity": "medium"},
        {"pid": packaged, "file": disk, "device": "7:7", "severity": "low"},
    ]


@harmless("raw-disk-open")
def _(stage: Stage) -> None:
    stage.process(lambda: inherited(os.open("/opt/image", os.O_RDWR | os.O_CREAT)), exe="/opt/bin/writer")
    stage.process(lambda: inherited(os.open("/dev/full", os.O_RDWR)), exe="/opt/bin/tool")
    disk = _disk()
    stage.process(lambda: inherited(os.open(disk, os.O_RDONLY)), exe="/opt/bin/tool")


def _bpf_program() -> int:
    """The descriptor of a BPF program that does nothing; the test is skipped where that is not permitted."""
    number = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
    if number is None:
        pytest.skip("the number of bpf(2) is not known here")
    # r0 = 0; exit
    instructions = ctypes.create_string_buffer(struct.pack("=BBhi", 0xB7, 0, 0, 0) + struct.pack("=BBhi", 0x95, 0, 0, 0))
    license_ = ctypes.create_string_buffer(b"GPL")
    socket_filter, load = 1, 5
    told = struct.pack("=IIQQ", socket_filter, 2, ctypes.addressof(instructions), ctypes.addressof(license_))
    attributes = ctypes.create_string_buffer(told.ljust(128, b"\0"))
    fd: int = library().syscall(number, load, attributes, 128)
    if fd < 0:
        pytest.skip("bpf(2) is not permitted")
    return fd


@bad("bpf-program-holder")
def _(stage: Stage) -> Rows:
    fd = _bpf_program()
    pid = stage.process(lambda: inherited(fd), exe="/opt/bin/tool")
    os.close(fd)
    return [{"pid": pid, "path": "/opt/bin/tool", "programs": 1, "links": 0, "severity": "medium"}]


@harmless("bpf-program-holder")
def _(stage: Stage) -> None:
    fd = _bpf_program()
    sleeps(stage, lambda: inherited(fd))
    stage.process(exe="/opt/bin/tool")
    os.close(fd)


@bad("unowned-socket")
def _(stage: Stage) -> Rows:
    """What is on its way from one process to another is held by none; of root's that cannot be told from hidden ones."""

    def act() -> None:
        ends = socket.socketpair()
        stage.kept.append(ends)
        with socket.create_server(("127.0.0.1", 4001)) as server:
            socket.send_fds(ends[0], [b"x"], [server.fileno()])

    stage.process(act)
    return [{"protocol": "tcp", "address": "127.0.0.1", "port": 4001, "state": "LISTEN", "sockets": 1, "severity": "info"}]


@harmless("unowned-socket")
def _(stage: Stage) -> None:
    """It waits to be accepted, it was closed by this side, it is held."""
    address = stage.listen("127.0.0.1", 4001).getsockname()
    stage.connect(*address)
    with socket.create_connection(address):
        pass
    stage.process(lambda: stage.listen("0.0.0.0", 4002, socket.SOCK_DGRAM))
