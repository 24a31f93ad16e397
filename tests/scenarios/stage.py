"""A machine of its own to make bad things on: fresh namespaces, an empty /opt and /srv, no process but those started."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from ..fire import done, library

# A shell that waits for ever, whatever its arguments are: it is small, and everywhere.
SHELL = "/bin/dash" if os.path.exists("/bin/dash") else "/bin/sh"
WAITS = "while :; do read _ || kill -STOP $$; done"


class Stage:
    """What scenarios make things with. All of it ends with the namespaces, and what does not in close()."""

    def __init__(self) -> None:
        self.kept: list[Any] = []
        self._undone: list[Callable[[], object]] = []
        for place in ("/opt", "/srv"):
            done(library().mount(b"tmpfs", place.encode(), b"tmpfs", 0, b"mode=755"))
        self._forget_environment()
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)

    def process(
        self,
        first: Callable[[], Any] = lambda: None,
        *,
        exe: str | None = None,
        argv: list[str] | None = None,
        env: dict[str, str] | None = None,
        name: str | None = None,
        uid: int | None = None,
        stdin: int | None = None,
    ) -> int:
        """Start a process and return its pid once it is what it is to be.

        first  called in it before it changes: opens sockets, which stay open
        exe    it becomes a shell of this path, which is copied there; None: it stays a fork of the tests
        argv   the shell's arguments as others see them behind `-c SCRIPT`
        env    its environment; by default an ordinary one
        name   what it calls itself (comm)
        uid    the user it becomes; the test is skipped where that is not permitted
        stdin  the descriptor that becomes its standard input; by default a pipe in which nothing comes
        """
        if uid is not None and not self.has_users():
            pytest.skip("this user namespace has one user only")
        if exe is not None:
            self.copy(exe)
        ready, told = os.pipe()
        silent, self_end = os.pipe()
        self.kept.append(self_end)
        pid = os.fork()
        if pid == 0:
            try:
                os.close(ready)
                first()
                os.dup2(silent if stdin is None else stdin, 0, inheritable=True)
                if uid is not None:
                    os.setgroups([])
                    os.setresgid(uid, uid, uid)
                    os.setresuid(uid, uid, uid)
                if name is not None and exe is None:
                    library().prctl(15, name.encode(), 0, 0, 0)
                library().prctl(4, 1, 0, 0, 0)
                if exe is None:
                    os.write(told, b"x")
                    while True:
                        signal.pause()
                # `told` is closed by exec: that is the word that it is done.
                os.execve(exe, [name or os.path.basename(exe), "-c", WAITS, *(argv or [])], env or {"PATH": "/usr/bin:/bin"})
            finally:
                os._exit(1)
        os.close(told)
        word = os.read(ready, 1)
        os.close(ready)
        if exe is not None:
            assert os.readlink(f"/proc/{pid}/exe").removesuffix(" (deleted)") == exe
        else:
            assert word == b"x", "it ended while it was made"
        return pid

    def afterwards(self, undo: Callable[[], object]) -> None:
        """Have something called in the end, the last first: for what is outside of all namespaces."""
        self._undone.append(undo)

    def close(self) -> None:
        """Undo what is outside of all namespaces."""
        while self._undone:
            self._undone.pop()()

    def _forget_environment(self) -> None:
        """Have no process here show with what environment the tests were started: that may hold secrets."""
        with open("/proc/self/stat", encoding="utf-8", errors="replace") as file:
            start, end = map(int, file.read().rpartition(")")[2].split()[47:49])
        ctypes.memset(start, 0, end - start)

    def copy(self, exe: str) -> None:
        """Put a program at a path, if there is none."""
        os.makedirs(os.path.dirname(exe), exist_ok=True)
        if not os.path.exists(exe):
            shutil.copy(SHELL, exe)
            os.chmod(exe, 0o755)

    def listen(self, address: str, port: int = 0, kind: int = socket.SOCK_STREAM, **options: Any) -> socket.socket:
        """A socket bound there, which others inherit; one of TCP listens. Options are backlog=N and reuse_port=True."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        made = socket.socket(family, kind)
        self.kept.append(made)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if options.get("reuse_port"):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(options.get("v6only", True)))
        made.bind((address, port))
        if kind == socket.SOCK_STREAM:
            made.listen(options.get("backlog", 16))
        made.set_inheritable(True)
        return made

    def connect(self, address: str, port: int) -> socket.socket:
        """A connection to there, which others inherit."""
        made = socket.create_connection((address, port), timeout=20)
        self.kept.append(made)
        made.set_inheritable(True)
        return made

    def far(self, own: str, address: str, port: int, own_port: int = 0) -> socket.socket:
        """A connection with another machine, which is asked nothing: it is as if it had answered (TCP_REPAIR, tcp(7)).

        `own` is an address of this machine. Others inherit it.
        """
        six = ":" in own
        length, version = (128, "-6") if six else (32, "-4")
        subprocess.run(["ip", version, "route", "replace", f"{address}/{length}", "dev", "lo"], check=True)
        made = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
        self.kept.append(made)
        repair, on, off_silently = 19, 1, -1
        made.setsockopt(socket.IPPROTO_TCP, repair, on)
        made.bind((own, own_port))
        made.connect((address, port))
        made.setsockopt(socket.IPPROTO_TCP, repair, off_silently)
        made.set_inheritable(True)
        return made

    def address(self, address: str) -> None:
        """Give this machine an address that is not its loopback's: '203.0.113.5/32', '2001:db8::5/128'."""
        subprocess.run(["ip", "address", "add", address, "dev", "lo"], check=True)

    def has_users(self) -> bool:
        """Whether there are other users here than one."""
        with open("/proc/self/uid_map") as file:
            return sum(int(line.split()[2]) for line in file) > 1
