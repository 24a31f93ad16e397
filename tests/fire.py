"""What the tests under fire share: worlds of their own (namespaces, users, privileges) in which a function is run."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sqlports import Engine

# sched.h, sys/mount.h, linux/prctl.h
NEW_MOUNTS, NEW_USERS, NEW_PIDS, NEW_NETWORK = 0x20000, 0x10000000, 0x20000000, 0x40000000
PRIVATE = 0x44000
DIES_WITH_PARENT, DUMPABLE, NAME = 1, 4, 15
SYS_PTRACE = 19
# Every test ends, whatever hangs.
DEADLINE = 150


def library() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def done(result: int) -> None:
    """Raises OSError where a call of the C library failed."""
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount_proc(options: bytes | None = None) -> None:
    """Mount a /proc of this PID namespace, seen in this mount namespace alone."""
    done(library().mount(b"none", b"/", None, PRIVATE, None))
    done(library().mount(b"proc", b"/proc", b"proc", 0, options))


def become_nobody() -> None:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
    # Who changed its user is looked at by its new one only when it permits that.
    library().prctl(DUMPABLE, 1)


def drop(capability: int) -> None:
    """Give up one capability (capset(2)) and keep the others."""
    header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
    data = ctypes.create_string_buffer(24)
    done(library().capget(header, data))
    words = list(struct.unpack("=6I", data.raw[:24]))
    for place in range(3):
        words[place + 3 * (capability // 32)] &= ~(1 << capability % 32)
    done(library().capset(header, ctypes.create_string_buffer(struct.pack("=6I", *words))))


def have_all_imported() -> None:
    """Import what queries import: an ordinary user may not be able to read the files."""
    engine = Engine()
    for table in ("processes", "handles", "threads", "process_tree", "sockets", "scan_errors", "net_namespaces"):
        engine.query(f"SELECT * FROM {table}")
    engine.close()


def forked(act: Callable[[], Any], first: Callable[[], Any] = lambda: None, deadline: int = DEADLINE) -> Any:
    """What something gives in a fork, after `first` there; the test is skipped where that is not permitted."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            signal.alarm(deadline)
            try:
                try:
                    first()
                except OSError as error:
                    told = {"cannot": repr(error)}
                else:
                    told = {"gave": act()}
            except pytest.skip.Exception as error:
                told = {"cannot": str(error)}
            except BaseException:
                told = {"raised": traceback.format_exc()}
            with os.fdopen(writer, "w") as out:
                json.dump(told, out)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    assert text, "it ended without an answer"
    told = json.loads(text)
    if "cannot" in told:
        pytest.skip(told["cannot"])
    assert "gave" in told, told.get("raised")
    return told["gave"]


def apart(act: Callable[[], Any]) -> Any:
    """What something gives that runs as the first process of a PID namespace, with a /proc and a network of its own.

    All other processes there are its own, and end with it.
    """

    def separate() -> None:
        ids = os.geteuid(), os.getegid()
        done(library().unshare(NEW_MOUNTS | NEW_PIDS | NEW_NETWORK | (NEW_USERS if ids[0] else 0)))
        if ids[0]:
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"0 {ids[0]} 1")
            Path("/proc/self/gid_map").write_text(f"0 {ids[1]} 1")

    def settle() -> None:
        library().prctl(DIES_WITH_PARENT, signal.SIGKILL)
        # Who got new privileges by its namespace is closed to its user until it says otherwise.
        library().prctl(DUMPABLE, 1)
        mount_proc()
        # What was opened by way of mounts that are not seen here says nothing of its file system.
        null = os.open("/dev/null", os.O_RDWR)
        for fd in map(int, os.listdir("/proc/self/fd")):
            if fd != null and os.path.exists(f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}").startswith("/"):
                os.dup2(null, fd)
        os.close(null)

    return forked(lambda: forked(act, settle), separate)


def choose_next(pid: int) -> None:
    """Have the next process of this PID namespace get this number, if it is free."""
    try:
        Path("/proc/sys/kernel/ns_last_pid").write_text(str(pid - 1))
    except OSError as error:
        pytest.skip(f"this kernel lets nobody choose a process id: {error}")


def state(pid: int, tid: int | None = None) -> str:
    """The letter by which the kernel tells a process's state, or a thread's."""
    data = Path(f"/proc/{pid}/task/{tid or pid}/stat").read_bytes()
    return data[data.rindex(b")") + 2 :][:1].decode()


def wait_until(fact: Callable[[], bool]) -> None:
    """Wait for something that must come: it failed when it is not there after twenty seconds."""
    deadline = time.monotonic() + 20
    while not fact():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


def waits(first: Callable[[], Any] = lambda: None) -> int:
    """A fork that does something and then waits for its end."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            first()
            os.write(writer, b"x")
            signal.pause()
        finally:
            os._exit(1)
    os.close(writer)
    assert os.read(reader, 1) == b"x"
    os.close(reader)
    return pid
