"""What the audits of the pack health look for."""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import shutil
import signal
import socket
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ..fire import library, state, wait_until
from . import Rows, bad, harmless
from .stage import Stage

HOME = "127.0.0.1"
SO_ATTACH_FILTER = 26
CLONE_VFORK = 0x4000
# asm/unistd.h
SYSCALLS = {"x86_64": {"clone": 56, "exit": 60}, "aarch64": {"clone": 220, "exit": 93}}


def system_call(name: str) -> int:
    calls = SYSCALLS.get(platform.machine())
    if calls is None:
        pytest.skip("its number is not known on this machine")
    return calls[name]


def pairs(
    stage: Stage, port: int, number: int, server: socket.socket | None = None
) -> list[tuple[socket.socket, socket.socket]]:
    """Connections of a process with itself: the end that came, and the end that went."""
    server = server or stage.listen(HOME, port, backlog=64)
    made = []
    for _ in range(number):
        client = stage.connect(HOME, port)
        made.append((server.accept()[0], client))
    stage.kept.append(made)
    return made


def deaf(end: socket.socket) -> None:
    """Have the kernel drop whatever comes for this end, as if the network lost it (a filter: ret #0)."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", 1, ctypes.addressof(program)))


def tcp_lines() -> list[list[str]]:
    """The fields of /proc/net/tcp: state is 3, the timer with its kind 5, retransmissions 6."""
    return [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]


def in_state(number: str) -> int:
    return sum(line[3] == number for line in tcp_lines())


def few_ports() -> None:
    """Leave the kernel ten ports to hand out."""
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40009")


# accept-queue-overflow


@bad("accept-queue-overflow")
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: stage.listen(HOME, 8001, backlog=3), name="slow")
    stage.process(lambda: [stage.connect(HOME, 8001) for _ in range(4)])
    return [{"severity": "medium", "protocol": "tcp", "address": HOME, "port": 8001, "backlog": 4, "limit": 3, "pid": pid}]


@bad("accept-queue-overflow")
def _(stage: Stage) -> Rows:
    def serve() -> None:
        server = socket.socket(socket.AF_UNIX)
        server.bind("/opt/slow")
        server.listen(3)
        for _ in range(4):
            client = socket.socket(socket.AF_UNIX)
            client.connect("/opt/slow")
            stage.kept += [server, client]

    pid = stage.process(serve)
    return [{"severity": "medium", "protocol": "unix", "address": "/opt/slow", "port": None, "place": "/opt/slow", "pid": pid}]


@bad("accept-queue-overflow", drops=1, share=2.0)
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: stage.listen(HOME, 8001, backlog=0))
    stage.process(lambda: calls(stage, 8001, 2))
    return [{"severity": "low", "port": 8001, "pid": pid}]


@harmless("accept-queue-overflow")
def _(stage: Stage) -> None:
    stage.process(lambda: stage.listen(HOME, 8001, backlog=7))
    stage.process(lambda: [stage.connect(HOME, 8001) for _ in range(6)])
    # A queue of one place is full with one connection.
    stage.process(lambda: stage.listen(HOME, 8002, backlog=0))
    stage.process(lambda: calls(stage, 8002, 1))


# close-wait-leak


@bad("close-wait-leak", least=3)
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: [client.close() for _, client in pairs(stage, 8001, 3)], name="leaky")
    return [{"process": "leaky", "pid": pid, "connections": 3, "addresses": 1}]


@bad("close-wait-leak", least=3)
def _(stage: Stage) -> Rows:
    # It does not even accept them.
    pid = stage.process(lambda: stage.listen(HOME, 8001))
    stage.process(lambda: [stage.connect(HOME, 8001).close() for _ in range(3)])
    return [{"pid": pid, "connections": 3}]


@harmless("close-wait-leak", least=3)
def _(stage: Stage) -> None:
    stage.process(lambda: [client.close() for _, client in pairs(stage, 8001, 2)])
    stage.process(lambda: [client.close() for _, client in pairs(stage, 8002, 2)])
    stage.process(lambda: pairs(stage, 8003, 3))


# descriptor-exhaustion


def opens(descriptors: int, limit: int) -> Callable[[], None]:
    def first() -> None:
        while len(os.listdir("/proc/self/fd")) - 1 < descriptors:
            os.open("/dev/null", os.O_RDONLY)
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    return first


@bad("descriptor-exhaustion")
def _(stage: Stage) -> Rows:
    some = stage.process(opens(110, 120), name="some-left")
    none = stage.process(opens(120, 120), name="none-left")
    return [
        {"severity": "medium", "process": "some-left", "pid": some, "descriptors": 110, "limit": 120, "hard_limit": 120},
        {"severity": "high", "process": "none-left", "pid": none, "descriptors": 120, "limit": 120, "hard_limit": 120},
    ]


@harmless("descriptor-exhaustion")
def _(stage: Stage) -> None:
    stage.process(opens(100, 120))
    # It has confined itself.
    stage.process(opens(0, 4))


# time-wait-exhaustion


def ended(stage: Stage, port: int, number: int) -> None:
    """Connections that the end that went closed first: it is in TIME_WAIT."""
    before = in_state("06")
    for server, client in pairs(stage, port, number):
        client.close()
        server.close()
    wait_until(lambda: in_state("06") == before + number)


@bad("time-wait-exhaustion")
def _(stage: Stage) -> Rows:
    few_ports()
    stage.process(lambda: ended(stage, 8001, 5))
    return [{"protocol": "tcp", "local_address": HOME, "address": HOME, "port": 8001, "time_wait": 5, "ports": 10}]


@harmless("time-wait-exhaustion")
def _(stage: Stage) -> None:
    def first() -> None:
        ended(stage, 8001, 4)
        # The server closed first: its port serves any number.
        for server, client in pairs(stage, 8002, 8):
            server.close()
            client.close()
        # They chose their ports by themselves, and take none of the kernel's.
        listener = stage.listen(HOME, 8003)
        for port in range(30001, 30007):
            with socket.create_connection((HOME, 8003), source_address=(HOME, port)):
                server, _ = listener.accept()
            server.close()

    few_ports()
    stage.process(first)
    wait_until(lambda: in_state("06") == 18)


# ephemeral-ports-exhausted


@bad("ephemeral-ports-exhausted")
def _(stage: Stage) -> Rows:
    few_ports()
    stage.process(lambda: (pairs(stage, 8001, 8), pairs(stage, 8002, 10)))
    told = {"protocol": "tcp", "local_address": HOME, "address": HOME, "ports": 10, "time_wait": 0}
    return [
        {**told, "severity": "medium", "port": 8001, "used": 8, "connections": "from 127.0.0.1 to 127.0.0.1 port 8001"},
        {**told, "severity": "high", "port": 8002, "used": 10, "connections": "from 127.0.0.1 to 127.0.0.1 port 8002"},
    ]


@bad("ephemeral-ports-exhausted")
def _(stage: Stage) -> Rows:
    def first() -> None:
        server = stage.listen(HOME, 8001)
        pairs(stage, 8001, 4, server)
        # The same destination, from sockets of IPv6.
        for _ in range(4):
            stage.connect("::ffff:127.0.0.1", 8001)

    few_ports()
    stage.process(first)
    return [{"local_address": HOME, "address": HOME, "port": 8001, "used": 8}]


@bad("ephemeral-ports-exhausted")
def _(stage: Stage) -> Rows:
    def first() -> None:
        for _ in range(9):
            stage.kept.append(socket.socket(type=socket.SOCK_DGRAM))
            stage.kept[-1].bind(("", 0))

    few_ports()
    stage.process(first)
    return [{"severity": "medium", "protocol": "udp", "address": None, "used": 9, "ports": 10, "connections": "to anywhere"}]


@harmless("ephemeral-ports-exhausted")
def _(stage: Stage) -> None:
    few_ports()
    stage.process(lambda: (pairs(stage, 8001, 7), pairs(stage, 8002, 7)))
    stage.process(lambda: [stage.listen(HOME, port, socket.SOCK_DGRAM) for port in range(8003, 8013)])


# syn-backlog


def deferred(stage: Stage, port: int, number: int) -> None:
    """Connections that the kernel has yet to take for open: their clients are to send something first."""
    server = stage.listen(HOME, port)
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 100)
    for _ in range(number):
        stage.connect(HOME, port)
    wait_until(lambda: in_state("03") >= number)


@bad("syn-backlog", least=3)
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: deferred(stage, 8001, 3), name="flooded")
    return [
        {"protocol": "tcp", "address": HOME, "port": 8001, "connections": 3, "addresses": 1, "process": "flooded", "pid": pid}
    ]


@harmless("syn-backlog", least=3)
def _(stage: Stage) -> None:
    stage.process(lambda: deferred(stage, 8001, 2))
    stage.process(lambda: stage.listen(HOME, 8002))
    stage.process(lambda: [stage.connect(HOME, 8002) for _ in range(3)])


# needs-restart


@bad("needs-restart")
def _(stage: Stage) -> Rows:
    first, _ = (stage.process(exe="/opt/app/server") for _ in range(2))
    shutil.copy("/opt/app/server", "/opt/app/new")
    os.rename("/opt/app/new", "/opt/app/server")
    return [{"path": "/opt/app/server", "processes": 2, "process": "server", "pid": first}]


@harmless("needs-restart")
def _(stage: Stage) -> None:
    stage.process(exe="/opt/app/server")
    stage.process(exe="/opt/app/removed")
    os.unlink("/opt/app/removed")


# deleted-file-space


def removed(stage: Stage, path: str, size: int) -> int:
    """A descriptor of a file of this size that has no name any more."""
    fd = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    os.truncate(fd, size)
    os.unlink(path)
    return fd


@bad("deleted-file-space", bytes=100_000)
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: (removed(stage, "/opt/a", 60_000), removed(stage, "/opt/b", 70_000)), name="logger")
    return [{"process": "logger", "pid": pid, "files": 2, "bytes": 130_000, "largest": "/opt/b"}]


@harmless("deleted-file-space", bytes=100_000)
def _(stage: Stage) -> None:
    def first() -> None:
        # One file, whose space is taken once.
        fd = removed(stage, "/opt/a", 60_000)
        os.open(f"/proc/self/fd/{fd}", os.O_RDONLY)
        os.dup(fd)
        # It has a name.
        kept = os.open("/opt/b", os.O_CREAT | os.O_RDWR, 0o600)
        os.truncate(kept, 200_000)
        os.truncate(os.memfd_create("c"), 200_000)

    stage.process(first)


# zombies


def forks(number: int, then: Callable[[], Any] = lambda: None) -> list[int]:
    """Start children that end, or first do something, and wait until they are in state Z."""
    made = []
    for _ in range(number):
        pid = os.fork()
        if pid == 0:
            try:
                library().prctl(15, b"child", 0, 0, 0)
                then()
            finally:
                os._exit(0)
        made.append(pid)
    wait_until(lambda: all(state(pid) == "Z" for pid in made))
    return made


def lose_first_thread() -> None:
    """End this process's first thread, while another goes on."""
    threading.Thread(target=signal.sigwait, args=([signal.SIGUSR1],)).start()
    library().syscall(system_call("exit"), 0)


@bad("zombies", least=3)
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: forks(3), name="careless")
    return [{"process": "careless", "pid": pid, "zombies": 3, "names": "child"}]


@harmless("zombies", least=3)
def _(stage: Stage) -> None:
    system_call("exit")
    stage.process(lambda: forks(2))
    stage.process(lambda: (forks(2), forks(3, lose_first_thread)))


# udp-receive-drops


def drops() -> int:
    return sum(int(line.split()[-1]) for line in Path("/proc/net/udp").read_text().splitlines()[1:])


def overfill(number: int) -> None:
    """Send datagrams to where nobody reads until so many were lost."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:

        def lost() -> bool:
            out.sendto(b"x" * 500, (HOME, 8001))
            return drops() >= number

        wait_until(lost)


@bad("udp-receive-drops", least=5)
def _(stage: Stage) -> Rows:
    def first() -> None:
        stage.listen(HOME, 8001, socket.SOCK_DGRAM).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)

    pid = stage.process(first, name="deaf")
    overfill(5)
    return [{"protocol": "udp", "address": HOME, "port": 8001, "process": "deaf", "pid": pid}]


@harmless("udp-receive-drops", least=5)
def _(stage: Stage) -> None:
    def first() -> None:
        stage.listen(HOME, 8001, socket.SOCK_DGRAM).setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)

    stage.process(first)
    overfill(1)


# stuck-send-queue


def unread(stage: Stage) -> None:
    """A connection that came in, with more to be sent than its client reads."""
    [(server, _)] = pairs(stage, 8001, 1)
    server.setblocking(False)

    def full() -> bool:
        try:
            while True:
                server.send(b"x" * 65536)
        except BlockingIOError:
            return any(line[5].startswith("04") for line in tcp_lines())

    wait_until(full)


@bad("stuck-send-queue", retransmits=1)
def _(stage: Stage) -> Rows:
    def first() -> None:
        [(server, client)] = pairs(stage, 8001, 1)
        deaf(server)
        client.send(b"x" * 100)
        wait_until(lambda: any(int(line[6], 16) for line in tcp_lines()))

    pid = stage.process(first, name="sender")
    found = {"process": "sender", "pid": pid, "address": HOME, "port": 8001, "direction": "outbound", "connections": 1}
    return [{**found, "cause": "the other end does not answer", "bytes": 100}]


@bad("stuck-send-queue", seconds=0)
def _(stage: Stage) -> Rows:
    pid = stage.process(lambda: unread(stage))
    return [{"pid": pid, "port": 8001, "direction": "inbound", "cause": "the other end does not read", "connections": 1}]


@harmless("stuck-send-queue")
def _(stage: Stage) -> None:
    # It has been so for less than a minute.
    stage.process(lambda: unread(stage))


# memory-limit-near


def limited(stage: Stage, limit: int, take: int) -> int:
    """A process that takes memory in a control group of its own."""
    directory = Path(f"/sys/fs/cgroup/memory/sqlports-{os.urandom(8).hex()}")
    name = "memory.limit_in_bytes"
    if not directory.parent.exists():
        directory, name = Path("/sys/fs/cgroup", directory.name), "memory.max"
    try:
        directory.mkdir()
        stage.afterwards(lambda: wait_until(lambda: gone(directory)))
        (directory / name).write_text(str(limit))
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")

    def first() -> None:
        (directory / "cgroup.procs").write_text("0")
        stage.kept.append(bytearray(b"x") * take)

    pid = stage.process(first, name="hungry")
    stage.afterwards(lambda: (os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)))
    return pid


def gone(directory: Path) -> bool:
    """Whether a control group could be removed: one that a process just left is busy for a moment."""
    try:
        directory.rmdir()
    except OSError:
        return False
    return True


@bad("memory-limit-near", share=0.5)
def _(stage: Stage) -> Rows:
    pid = limited(stage, 64 << 20, 40 << 20)
    return [{"process": "hungry", "pid": pid, "limit": 64 << 20}]


@harmless("memory-limit-near", share=0.5)
def _(stage: Stage) -> None:
    limited(stage, 2 << 30, 40 << 20)


# task-limit-near


def with_threads(number: int, limit: int) -> Callable[[], None]:
    """So many threads, the first with them, of one that may have so many."""

    def first() -> None:
        for _ in range(number - 1):
            threading.Thread(target=signal.sigwait, args=([signal.SIGUSR1],), daemon=True).start()
        resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit))

    return first


@bad("task-limit-near")
def _(stage: Stage) -> Rows:
    first = stage.process(with_threads(10, 1000), uid=54321, name="first")
    assert first
    pid = stage.process(with_threads(8, 20), uid=54321, name="second")
    return [{"user": 54321, "tasks": 18, "limit": 20, "limited": 1, "process": "second", "pid": pid}]


@harmless("task-limit-near")
def _(stage: Stage) -> None:
    stage.process(with_threads(12, 20), uid=54321)
    stage.process(with_threads(18, 1000), uid=54322)
    # Root is not held to it.
    stage.process(with_threads(20, 20))


# blocked-processes


def blocked(stage: Stage) -> int:
    """A process that waits deaf to signals: for its child, as after vfork(2)."""
    number = system_call("clone")

    def first() -> None:
        library().prctl(15, b"blocked", 0, 0, 0)
        library().syscall(number, CLONE_VFORK | signal.SIGCHLD, 0, 0, 0, 0)

    pid = stage.process(first)
    wait_until(lambda: state(pid) == "D")
    return pid


@bad("blocked-processes", least=3)
def _(stage: Stage) -> Rows:
    first, _, _ = (blocked(stage) for _ in range(3))
    return [{"processes": 3, "names": "blocked", "pid": first}]


@harmless("blocked-processes", least=3)
def _(stage: Stage) -> None:
    blocked(stage)
    blocked(stage)
    # These wait, too, and hear.
    for _ in range(3):
        stage.process()
        os.kill(stage.process(), signal.SIGSTOP)


# orphaned-connections


def unacknowledged(stage: Stage, port: int, number: int) -> list[socket.socket]:
    """Ends that came, and have sent something which the others never acknowledge."""
    ends = []
    for server, client in pairs(stage, port, number):
        deaf(client)
        server.send(b"x" * 100)
        ends.append(server)
    return ends


@bad("orphaned-connections", least=3)
def _(stage: Stage) -> Rows:
    stage.process(lambda: [end.close() for end in unacknowledged(stage, 8001, 3)])
    return [{"protocol": "tcp", "port": 8001, "state": "FIN_WAIT1", "connections": 3, "addresses": 1}]


@harmless("orphaned-connections", least=3)
def _(stage: Stage) -> None:
    stage.process(lambda: [end.close() for end in unacknowledged(stage, 8001, 2)])
    stage.process(lambda: [end.shutdown(socket.SHUT_WR) for end in unacknowledged(stage, 8002, 3)])


# unanswered-connects


def calls(stage: Stage, port: int, number: int) -> None:
    """Connections to a listener that has room for one: the first is made, so many more are not answered."""
    stage.connect(HOME, port)
    tries(stage, port, number)


def tries(stage: Stage, port: int, number: int) -> None:
    """Connections that are begun, and nobody waits for."""
    for _ in range(number):
        caller = socket.socket()
        caller.setblocking(False)
        caller.connect_ex((HOME, port))
        stage.kept.append(caller)


@bad("unanswered-connects", least=3)
def _(stage: Stage) -> Rows:
    stage.process(lambda: stage.listen(HOME, 8001, backlog=0))
    pid = stage.process(lambda: calls(stage, 8001, 3), name="caller")
    return [{"protocol": "tcp", "address": HOME, "port": 8001, "connections": 3, "process": "caller", "pid": pid}]


@harmless("unanswered-connects", least=3)
def _(stage: Stage) -> None:
    for port in (8001, 8002):
        stage.process(lambda port=port: stage.listen(HOME, port, backlog=0))  # type: ignore[misc]
    stage.process(lambda: (calls(stage, 8001, 2), calls(stage, 8002, 2), pairs(stage, 8003, 3)))
    stage.process(lambda: tries(stage, 8002, 2))
