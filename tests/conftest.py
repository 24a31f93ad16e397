"""What tests share: a file system root of their own making, an engine over it, and children that hold what they are told."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from sqlports import Engine

if sys.platform != "win32":
    from .terminal import open_terminal, state, terminal  # noqa: F401 fixtures

T = TypeVar("T")

LINUX = sys.platform.startswith("linux")
ROOT = LINUX and os.geteuid() == 0

# Whoever runs the tests, by sudo perhaps, has settings and files of their own.
for setting in ("SUDO_UID", "SQLPORTS_CONFIG", "NO_COLOR", "PAGER"):
    os.environ.pop(setting, None)
ENDLESS = "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT count(*) FROM c"
RUN = [sys.executable, "-P", "-m", "sqlports"]
HOSTILE = "char(27) || '[31mred' || char(10) || char(155) || 'x' || char(8238) || '|' || char(9) || '\\'"
# Of sockets in the network namespace of the tests: the same port may be used in others.
HERE = f"net_namespace = {os.stat('/proc/self/ns/net').st_ino}" if LINUX else "1"
UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("linux") and not LINUX:
            item.add_marker(pytest.mark.skip(reason="needs a Linux /proc"))
        if item.get_closest_marker("root") and not ROOT:
            item.add_marker(pytest.mark.skip(reason="needs root"))


class FakeRoot:
    """A file system root whose /proc holds what a test puts there."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.proc = path / "proc"
        self.write("proc/stat", "cpu 0\nbtime 1700000000\n")
        self.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000:Ann,,,:/home/ann:/bin/bash\n")
        self.write("etc/group", "root:x:0:\nstaff:x:50:ann,root\nann:x:1000:\n")
        self.write("etc/services", "http 80/tcp www # World Wide Web\ndomain 53/tcp\ndomain 53/udp\nssh 22/tcp\n")
        self.write("proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n")
        self.write("proc/sys/net/ipv4/ip_local_reserved_ports", "8080,9000-9010\n")
        self.write("proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n")
        for name in ("tcp", "tcp6", "udp", "udp6"):
            self.net(name)
        self.write("proc/net/unix", "Num RefCount Protocol Flags Type St Inode Path\n")

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def net(self, name: str, *rows: str) -> None:
        """A file of /proc/net; a row is `local remote state inode [uid]` with addresses as the kernel prints them."""
        lines = ["  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"]
        for number, row in enumerate(rows):
            local, remote, state, inode, *uid = row.split()
            owner = uid[0] if uid else "0"
            lines.append(f"{number:4}: {local} {remote} {state} 00000000:00000000 00:00000000 00000000 {owner:>5} 0 {inode} 1")
        self.write(f"proc/net/{name}", "\n".join(lines) + "\n")

    def process(
        self,
        pid: int,
        name: str | bytes = "sh",
        *,
        parent: int = 1,
        uid: int = 0,
        state: str = "S",
        argv: bytes = b"sh\0",
        start: int = 100,
        tgid: int | None = None,
        fds: dict[int, str] | None = None,
        exe: str | None = "/bin/sh",
    ) -> Path:
        raw = name if isinstance(name, bytes) else name.encode()
        base = f"proc/{pid}"
        numbers = f"{state} {parent} {pid} {pid} 0 -1 0 0 0 0 0 150 50 0 0 20 0 1 0 {start} 0 0 0".encode()
        self.write(f"{base}/stat", b"%d (%s) %s\n" % (pid, raw, numbers))
        self.write(f"{base}/task/{pid}/stat", b"%d (%s) %s\n" % (pid, raw, numbers))
        status = (
            b"Name:\t"
            + raw.replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
            + (
                f"\nTgid:\t{tgid or pid}\nPPid:\t{parent}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"
                f"Gid:\t{uid}\t{uid}\t{uid}\t{uid}\nVmSize:\t    2048 kB\nVmLck:\t       0 kB\nVmRSS:\t    1024 kB\n"
            ).encode()
        )
        self.write(f"{base}/status", status)
        self.write(f"{base}/task/{pid}/status", status)
        self.write(f"{base}/comm", raw + b"\n")
        self.write(f"{base}/task/{pid}/comm", raw + b"\n")
        self.write(f"{base}/cmdline", argv)
        self.write(f"{base}/cgroup", "0::/user.slice\n")
        self.write(f"{base}/environ", b"HOME=/root\0PATH=/bin:/usr/bin\0")
        self.write(f"{base}/maps", "55d0c0de0000-55d0c0de1000 r-xp 00001000 08:01 77                             /bin/sh\n")
        self.write(
            f"{base}/io",
            "rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 4096\nwrite_bytes: 8192\ncancelled_write_bytes: 4096\n",
        )
        directory = self.path / base
        for link, target in (("exe", exe), ("cwd", "/"), ("root", "/")):
            if target is not None:
                (directory / link).symlink_to(target)
        (directory / "fd").mkdir()
        for fd, target in (fds or {}).items():
            (directory / "fd" / str(fd)).symlink_to(target)
            self.write(f"{base}/fdinfo/{fd}", "pos:\t7\nflags:\t02004002\nmnt_id:\t99\n")
        self.write(f"{base}/mountinfo", "99 1 0:1 / / rw - nfs4 server:/x rw\n")
        return directory


@pytest.fixture
def endless() -> Iterator[None]:
    """A reader that never comes to an end is a failure, before it has taken all memory."""
    if not hasattr(signal, "setitimer"):
        yield
        return

    def stop(*_: object) -> None:
        raise AssertionError("it does not end")

    before = signal.signal(signal.SIGVTALRM, stop)
    # Of the processor's time, so that a busy machine makes no difference.
    signal.setitimer(signal.ITIMER_VIRTUAL, 5)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


@pytest.fixture
def fake(tmp_path: Path) -> FakeRoot:
    return FakeRoot(tmp_path)


@pytest.fixture
def engine(fake: FakeRoot) -> Iterator[Engine]:
    """An engine over the fake root."""
    made = Engine(root=str(fake.path))
    yield made
    made.close()


@pytest.fixture
def live() -> Iterator[Engine]:
    """An engine over this machine."""
    made = Engine()
    yield made
    made.close()


class Child:
    """A Python process that ran some code, told what it made, and waits."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.pid = process.pid
        self.told = self._next()

    def go_on(self) -> Any:
        """Let it read a line, and give what it tells next."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self._next()

    def _next(self) -> Any:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the child said nothing"
        told = json.loads(line)
        if isinstance(told, dict) and "cannot" in told:
            pytest.skip(told["cannot"])
        return told


def login(kind: int, user: str = "", line: str = "", host: str = "", time: int = 0, pid: int = 0) -> bytes:
    """A record of utmp(5), as most Linux machines have it."""
    texts = (line.encode(), b"", user.encode(), host.encode())
    return struct.pack("=h2xi32s4s32s256s4xiii36x", kind, pid, *texts, 0, time, 0)


# What every child has at hand.
HEAD = """\
import json, os, socket, sys, time

def tell(made): print(json.dumps(made), flush=True)

def cannot(why):
    '''Have the test skipped: what it needs cannot be made here.'''
    tell({'cannot': why})
    sys.exit()

def inode(s): return os.fstat(s.fileno()).st_ino
def cookie(s): return int.from_bytes(s.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)
def net_namespace(): return os.stat('/proc/thread-self/ns/net').st_ino

def deaf(s):
    '''Have all dropped that comes to it, by a filter (SO_ATTACH_FILTER).'''
    import ctypes, struct
    drop = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0))
    try: s.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', 1, ctypes.addressof(drop)))
    except PermissionError: cannot('a socket filter is not permitted')

def unshare(flags):
    import ctypes
    assert ctypes.CDLL(None).unshare(flags) == 0

def new_network():
    '''Go to a network namespace of one's own, where the loopback is up.'''
    import fcntl, struct
    unshare(0x40000000)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack('16sh22x', b'lo', 1))
    return net_namespace()
"""


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """Start a child: it runs the code, prints what `tell(...)` was given, and lives until the test's end.

    `within` is a command that runs it, such as unshare(1).
    """
    children: list[subprocess.Popen[str]] = []

    def start(code: str, within: tuple[str, ...] = (), **options: Any) -> Child:
        if within and not shutil.which(within[0]):
            pytest.skip(f"{within[0]} is not installed")
        process = subprocess.Popen(
            [*within, sys.executable, "-c", HEAD + code + "\nsys.stdin.read()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )
        children.append(process)
        return Child(process)

    yield start
    for process in children:
        process.kill()
        process.communicate()


def command(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run the command `sqlports` as a process."""
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        del options["stdin"]
    return subprocess.run(
        [*RUN, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
        **options,
    )


def reads(engine: Engine, sql: str) -> dict[str, int]:
    """What a statement reads."""
    with engine.snapshot() as system:
        engine.query(sql)
        return dict(system.reads)


# Of these processes ps and psutil say less, or something else, and each has tests of its own: the first thread ended, a file or
# directory removed or only called so, a name that is not ASCII.
SINGULAR = (
    "(state = 'Z' AND threads > 1) OR deleted = 1 OR path LIKE '%(deleted)' OR cwd LIKE '%(deleted)' "
    "OR name GLOB '*[^ -~]*' OR name LIKE '%\\x%' OR cmdline GLOB '*[^ -~]*' OR cmdline LIKE '%\\x%'"
)


def singular(engine: Engine) -> set[int]:
    """The processes that other tools tell otherwise, rightly or not."""
    return {row["pid"] for row in engine.query(f"SELECT pid FROM processes WHERE {SINGULAR}")}


def as_nobody(act: Callable[[], Any], first: Callable[[], Any] = lambda: None) -> Any:
    """What something gives when the user `nobody` does it, in a fork. Needs root.

    `first` is done before by root: it imports what nobody may not be able to read.
    """
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            first()
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            try:
                told = {"gave": act()}
            except BaseException as error:
                told = {"raised": repr(error)}
            with os.fdopen(writer, "w") as out:
                json.dump(told, out)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        told = json.load(answer)
    os.waitpid(pid, 0)
    assert "gave" in told, told
    return told["gave"]


def at_last(look: Callable[[], T], wanted: T) -> T:
    """What a look gives: once it gives what is wanted, or after ten seconds. The kernel may still be at it."""
    deadline = time.monotonic() + 10
    while (found := look()) != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def own(engine: Engine, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in engine.query(sql, parameters)]
